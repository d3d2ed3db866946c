import { HAServiceProtocol, IpcError, isLoopbackOrAny, RemoteException } from '@baton/hadoop'
import type { IpcClient, IpcConnection, ServiceState, ServiceStatus } from '@baton/hadoop'
import type { Address, CloseCause, Network } from '@baton/runtime'

const HEALTH_CHECK_FAILED = 'org.apache.hadoop.ha.HealthCheckFailedException'

/** The end of a call. `noAnswer`: it was sent, nothing came back, what happened is unknown. */
export type CallOutcome =
  | { readonly ok: true; readonly state?: ServiceState }
  | { readonly ok: false; readonly how: CallFailure; readonly text: string }

/** `refused` and `notConnected`: nothing was sent. `remote`: the server said no. */
export type CallFailure = 'refused' | 'notConnected' | 'remote' | 'noAnswer'

/** What becomes of what was asked for; `id` is the asker's. */
export type NameNodeReport =
  | { readonly kind: 'healthConnected' | 'healthReplied'; readonly id: number }
  | {
      readonly kind: 'healthConnectFailed'
      readonly id: number
      readonly how: 'refused' | 'reset' | 'timeout' | 'other'
      readonly text: string
    }
  | {
      readonly kind: 'healthConnectionEnded'
      readonly id: number
      readonly how: 'end' | 'reset' | 'other'
    }
  | { readonly kind: 'statusReplied'; readonly id: number; readonly status: ServiceStatus }
  | {
      readonly kind: 'healthCallFailed'
      readonly id: number
      readonly how: 'unhealthy' | 'error'
      readonly text: string
    }
  | { readonly kind: 'called'; readonly id: number; readonly outcome: CallOutcome }

/** `transitionToStandby` and its kin carry who asks; a controller always says `zkfc`. */
const BY_CONTROLLER = { source: 'zkfc' } as const

/**
 * Speaks HAServiceProtocol to the local NameNode: the health monitor's own connection, the one kept
 * ready for `transitionToActive`, and single calls over the pooled one. Nothing is decided here.
 */
export class HaServiceClient {
  readonly #ipc: IpcClient
  readonly #address: Address
  readonly #healthAddress: Address
  readonly #step: (report: NameNodeReport) => void
  #health: IpcConnection | undefined
  #connecting: AbortController | undefined
  #active: IpcConnection | undefined
  #opening: AbortController | undefined

  constructor(
    ipc: IpcClient,
    addresses: { readonly address: Address; readonly healthAddress: Address },
    step: (report: NameNodeReport) => void,
  ) {
    this.#ipc = ipc
    this.#address = addresses.address
    this.#healthAddress = addresses.healthAddress
    this.#step = step
  }

  connectHealth(id: number, limitMs: number): void {
    this.closeHealth()
    const connecting = new AbortController()
    this.#connecting = connecting
    const options = { connectTimeoutMs: limitMs, signal: connecting.signal }
    this.#ipc.open(this.#healthAddress, HAServiceProtocol.name, options).then(
      connection => this.#onHealthConnected(id, connecting, connection),
      (error: unknown) => {
        if (this.#connecting !== connecting) return
        const how = connectHow(error)
        this.#step({ kind: 'healthConnectFailed', id, how, text: textOf(error) })
      },
    )
  }

  #onHealthConnected(id: number, connecting: AbortController, connection: IpcConnection): void {
    if (this.#connecting !== connecting) return connection.close()
    this.#connecting = undefined
    this.#health = connection
    // First, because the end of one that has ended already is told the moment it is asked for.
    this.#step({ kind: 'healthConnected', id })
    connection.onClose = cause => {
      if (this.#health !== connection) return
      this.#health = undefined
      this.#step({ kind: 'healthConnectionEnded', id, how: endHow(cause) })
    }
  }

  /** Both ends of the health connection are one host, whose kernel we can ask. */
  async sharesHost(network: Pick<Network, 'resolve'>): Promise<boolean> {
    const connection = this.#health
    if (connection === undefined) return false
    const { local, remote } = connection
    if (local.host === remote.host || isLoopbackOrAny(local.host)) return true
    const ips = await network.resolve(remote.host).catch(() => [] as readonly string[])
    return ips.includes(local.host)
  }

  /** No time-out of its own: the core judges silence, because it knows when not to. */
  askStatus(id: number): void {
    this.#health?.call(HAServiceProtocol.getServiceStatus, {}, NO_TIMEOUT).then(
      status => this.#step({ kind: 'statusReplied', id, status }),
      (error: unknown) => this.#onHealthCallFailed(id, error),
    )
  }

  checkHealth(id: number): void {
    this.#health?.call(HAServiceProtocol.monitorHealth, {}, NO_TIMEOUT).then(
      () => this.#step({ kind: 'healthReplied', id }),
      (error: unknown) => this.#onHealthCallFailed(id, error),
    )
  }

  #onHealthCallFailed(id: number, error: unknown): void {
    // The end of the connection is told by `onClose`, once for everything that hung on it.
    if (error instanceof IpcError && ENDED.has(error.code)) return
    const unhealthy = error instanceof RemoteException && error.className === HEALTH_CHECK_FAILED
    const how = unhealthy ? 'unhealthy' : 'error'
    this.#step({ kind: 'healthCallFailed', id, how, text: textOf(error) })
  }

  closeHealth(): void {
    const connection = this.#health
    this.#health = undefined
    this.#connecting?.abort()
    this.#connecting = undefined
    connection?.close()
  }

  call(
    id: number,
    call: 'transitionToStandby' | 'getServiceStatus',
    limitMs: number,
    callerContext: string | undefined,
  ): void {
    const options = {
      rpcTimeoutMs: limitMs,
      connectTimeoutMs: limitMs,
      ...(callerContext === undefined ? {} : { callerContext }),
    }
    const done =
      call === 'transitionToStandby'
        ? this.#ipc
            .call(this.#address, HAServiceProtocol.transitionToStandby, BY_CONTROLLER, options)
            .then(() => ({ ok: true }) as const)
        : this.#ipc
            .call(this.#address, HAServiceProtocol.getServiceStatus, {}, options)
            .then(({ state }) => ({ ok: true, state }) as const)
    this.#finish(id, done)
  }

  openForActive(id: number, limitMs: number): void {
    this.closeForActive()
    const opening = new AbortController()
    this.#opening = opening
    const options = { connectTimeoutMs: limitMs, signal: opening.signal }
    const done = this.#ipc.open(this.#address, HAServiceProtocol.name, options).then(connection => {
      if (opening.signal.aborted) connection.close()
      else this.#active = connection
      return { ok: true } as const
    })
    this.#finish(id, done)
  }

  transitionToActive(id: number, limitMs: number): void {
    const connection = this.#active
    this.#active = undefined
    if (connection === undefined) {
      const text = 'the connection to the NameNode was closed before the call was sent'
      return this.#finish(id, Promise.resolve({ ok: false, how: 'notConnected', text }))
    }
    const done = connection
      .call(HAServiceProtocol.transitionToActive, BY_CONTROLLER, { rpcTimeoutMs: limitMs })
      .then(() => ({ ok: true }) as const)
    this.#finish(
      id,
      done.finally(() => connection.close()),
    )
  }

  closeForActive(): void {
    this.#opening?.abort()
    this.#opening = undefined
    const connection = this.#active
    this.#active = undefined
    connection?.close()
  }

  #finish(id: number, done: Promise<CallOutcome>): void {
    void done.catch(outcomeOf).then(outcome => this.#step({ kind: 'called', id, outcome }))
  }
}

const NO_TIMEOUT = { rpcTimeoutMs: 0 } as const
const ENDED: ReadonlySet<string> = new Set(['closed', 'reset', 'aborted'])
const NOT_SENT: ReadonlySet<string> = new Set(['connectTimeout', 'unreachable', 'unknownHost'])

/** What a failed call says about what the server did. Rethrows our own mistakes. */
export function outcomeOf(error: unknown): CallOutcome {
  if (error instanceof RemoteException) {
    return { ok: false, how: 'remote', text: `${error.className}: ${error.shortMessage}` }
  }
  if (!(error instanceof IpcError)) throw error
  const how: CallFailure =
    error.code === 'refused' ? 'refused' : NOT_SENT.has(error.code) ? 'notConnected' : 'noAnswer'
  return { ok: false, how, text: error.message }
}

function connectHow(error: unknown): 'refused' | 'reset' | 'timeout' | 'other' {
  if (!(error instanceof IpcError)) throw error
  if (error.code === 'refused' || error.code === 'reset') return error.code
  return error.code === 'connectTimeout' ? 'timeout' : 'other'
}

function endHow(cause: CloseCause): 'end' | 'reset' | 'other' {
  return cause.kind === 'local' ? 'other' : cause.kind
}

function textOf(error: unknown): string {
  if (error instanceof RemoteException) return `${error.className}: ${error.shortMessage}`
  if (error instanceof IpcError) return error.message
  throw error
}
