import { HAServiceProtocol, IpcError, javaAddressText, RemoteException } from '@baton/hadoop'
import type { IpcClient } from '@baton/hadoop'
import type { Address, Runtime } from '@baton/runtime'
import type { InputBody, NodeRef } from './core/messages.ts'
import { nodeName } from './core/controller-state.ts'
import type { EventDetails } from './events.ts'
import type { NodeFencer } from './fencing/index.ts'
import type { HaServiceTarget } from './ha-service-target.ts'

export interface FenceIoOptions {
  readonly runtime: Pick<Runtime, 'clock' | 'network'>
  readonly ipc: IpcClient
  readonly connectTimeoutMs: number
  /** Every NameNode as configured: a znode names hosts as Java prints them, not as they connect. */
  readonly targets: readonly HaServiceTarget[]
  readonly step: (input: InputBody) => void
  readonly onAttempt: (details: EventDetails['fencingAttempt']) => void
  readonly onStarted: (details: EventDetails['fencingStarted']) => void
}

/** A name known to the host or its cache is there in a few ms. */
const RESOLVE_LIMIT_MS = 200

/** Carries out the two stages of fencing; which one and when is the core's business. */
export class FenceIo {
  readonly #options: FenceIoOptions
  readonly #running = new Map<number, AbortController>()
  #fencers: ReadonlyMap<string, NodeFencer> = new Map()
  #lastMethods: Promise<unknown> = Promise.resolve()

  constructor(options: FenceIoOptions) {
    this.#options = options
  }

  /** The fencer of each configured NameNode, by id; known once the start checks allow it. */
  useFencers(fencers: ReadonlyMap<string, NodeFencer>): void {
    this.#fencers = fencers
  }

  /** Asks the old active to step down: one try, one limit over connecting and calling. */
  graceful(id: number, node: NodeRef, limitMs: number): void {
    const { ipc, connectTimeoutMs, step, runtime } = this.#options
    const abort = this.#begin(id)
    const cancelLimit = runtime.clock.after(limitMs, () => abort.abort())
    const options = {
      rpcTimeoutMs: limitMs,
      connectTimeoutMs: Math.min(limitMs, connectTimeoutMs),
      signal: abort.signal,
    }
    const address = this.#addressOf(node)
    const request = { source: 'zkfc' } as const
    void ipc
      .call(address, HAServiceProtocol.transitionToStandby, request, options)
      .then(
        () => ({ ok: true, text: 'it confirmed standby', unresolved: false }),
        (error: unknown) => gracefulFailure(error, limitMs),
      )
      .then(result => {
        cancelLimit()
        this.#running.delete(id)
        step({ kind: 'fenced', id, ...result })
      })
  }

  methods(id: number, node: NodeRef): void {
    const { step } = this.#options
    const fencer = this.#fencers.get(node.namenodeId)
    if (fencer === undefined) {
      const text = `no fencing method is configured for ${node.namenodeId}`
      return step({ kind: 'fenced', id, ok: false, text })
    }
    const { signal } = this.#begin(id)
    // One that was called off may need a moment to end (a killed program, at most two seconds).
    const result = this.#lastMethods.then(() => this.#run(fencer, node, signal))
    this.#lastMethods = result
    void result.then(ended => {
      this.#running.delete(id)
      step({ kind: 'fenced', id, ...ended })
    })
  }

  abort(id: number): void {
    this.#running.get(id)?.abort()
  }

  abortAll(): void {
    for (const running of this.#running.values()) running.abort()
  }

  /** As configured where the znode names the same place, else as stored. */
  #addressOf(node: NodeRef): Address {
    const same = this.#options.targets.find(
      ({ ref }) =>
        ref.namenodeId === node.namenodeId && ref.host === node.host && ref.port === node.port,
    )
    return same?.address ?? { host: node.host, port: node.port }
  }

  #begin(id: number): AbortController {
    const abort = new AbortController()
    this.#running.set(id, abort)
    return abort
  }

  /** Only for a text that methods may print: a name server that is away holds no fence up. */
  #resolveForDisplay(host: string, signal: AbortSignal): Promise<readonly string[]> {
    const { clock, network } = this.#options.runtime
    return new Promise(resolve => {
      const done = (ips: readonly string[]): void => {
        cancel()
        signal.removeEventListener('abort', giveUp)
        resolve(ips)
      }
      const giveUp = (): void => done([])
      const cancel = clock.after(RESOLVE_LIMIT_MS, giveUp)
      signal.addEventListener('abort', giveUp, { once: true })
      network.resolve(host).then(done, giveUp)
    })
  }

  async #run(
    fencer: NodeFencer,
    node: NodeRef,
    signal: AbortSignal,
  ): Promise<{ ok: boolean; text: string }> {
    const { onAttempt, onStarted } = this.#options
    if (signal.aborted) return { ok: false, text: 'the failover was called off' }
    const { methodCount } = fencer
    const target = nodeName(node)
    onStarted({ target, methodCount })
    const ips = await this.#resolveForDisplay(this.#addressOf(node).host, signal)
    if (signal.aborted) return { ok: false, text: 'the failover was called off' }
    const addressText = javaAddressText(node.host, ips[0], node.port)
    const { nameserviceId, namenodeId, host, port } = node
    const fenceTarget = { nameserviceId, namenodeId, host, port, addressText }
    const { ok, attempts } = await fencer.fence(fenceTarget, {
      signal,
      onAttempt: (attempt, number) => onAttempt({ target, attempt, number, methodCount }),
    })
    const last = attempts.at(-1)
    if (last === undefined) return { ok: false, text: 'no fencing method was run' }
    return { ok, text: `${last.method}: ${last.cause}` }
  }
}

function gracefulFailure(
  error: unknown,
  limitMs: number,
): { ok: boolean; text: string; unresolved: boolean } {
  if (error instanceof RemoteException) {
    return { ok: false, text: `${error.className}: ${error.shortMessage}`, unresolved: false }
  }
  if (!(error instanceof IpcError)) throw error
  const text = error.code === 'aborted' ? `no answer within ${limitMs} ms` : error.message
  return { ok: false, text, unresolved: error.code === 'unknownHost' }
}
