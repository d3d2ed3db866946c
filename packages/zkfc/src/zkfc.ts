import type { SessionCredentials } from '@baton/client'
import { IpcClient, zkfcBindAddress } from '@baton/hadoop'
import type { Configuration, Identity } from '@baton/hadoop'
import { assert, DiskError, formatAddress } from '@baton/runtime'
import type { Address, Cancel, Runtime } from '@baton/runtime'
import { AdminAccess } from './admin-access.ts'
import { readZkfcConfig } from './config.ts'
import type { ZkfcConfig } from './config.ts'
import { DecisionLog } from './core/decision-log.ts'
import type { Decision } from './core/decision-log.ts'
import { FailoverCore } from './core/failover-core.ts'
import type { Effect, Input, InputBody } from './core/messages.ts'
import type { FailoverSettings } from './core/settings.ts'
import type { EventListener } from './events.ts'
import { EventSender } from './event-sender.ts'
import { FenceIo } from './fence-io.ts'
import { znodeData } from './ha-service-target.ts'
import type { LocalProcesses } from './process-evidence.ts'
import { HaServiceClient } from './rpc/ha-service-client.ts'
import { ZkfcRpcServer } from './rpc/zkfc-rpc-server.ts'
import { SessionStore } from './session-store.ts'
import type { SessionKey } from './session-store.ts'
import { ZkSessionIo } from './zk-session-io.ts'
import { carryOut } from './zkfc-io.ts'
import type { ZkfcParts } from './zkfc-io.ts'
import {
  checkMethods,
  createFencers,
  parentMissing,
  resolveTargets,
  settingsOf,
  StartError,
  zooKeeperUnreachable,
} from './zkfc-start.ts'
import type { Targets } from './zkfc-start.ts'

export interface ZkfcOptions {
  readonly runtime: Runtime
  /** As loaded; the driver promotes the suffixed keys itself. */
  readonly conf: Configuration
  readonly identity: Identity
  readonly localProcesses: LocalProcesses
  readonly listeners?: readonly EventListener[]
  /** Where the session is kept for a restart; absent: `baton.zkfc.state-dir`. */
  readonly stateDirectory?: string
  /** Who we say we are to NameNodes and controllers, and who may administer us. */
  readonly user: string
  /** For `id -Gn` alone. */
  readonly env?: Readonly<Record<string, string>>
}

export type StopMode = 'keep' | 'handOver' | 'abort'

export interface ZkfcStatus {
  readonly health: string
  readonly role: string
  readonly task: string
  readonly expected: string
  readonly reported: string
  readonly session: string
  readonly rpcAddress: string
}

const STOP_EXTRA_MS = 5000
const STOPPED = new StartError(0, 'stopped before the start was complete')

/**
 * The failover controller: the driver around `FailoverCore`. It carries effects out on the five
 * interfaces and brings their completions back; every decision is the core's.
 */
export class Zkfc {
  readonly #options: ZkfcOptions
  readonly #decisions = new DecisionLog()
  #core: FailoverCore | undefined
  #settings: FailoverSettings | undefined
  #parts: ZkfcParts | undefined
  #inputs: InputBody[] = []
  #stepping = false
  #cancelTimer: Cancel = () => {}
  #timerAt = Infinity
  #over = false
  #begun = false
  #stopWanted = false
  #rpcAddress: Address | undefined
  #onParentChecked: ((exists: boolean) => void) | undefined
  #onStartFailed: ((error: StartError) => void) | undefined
  #end: (ended: { exitCode: number; text?: string }) => void = () => {}
  /** Resolves once, when the controller has come to its end, however that was. */
  readonly whenEnded: Promise<{ readonly exitCode: number; readonly text?: string }>

  constructor(options: ZkfcOptions) {
    this.#options = options
    this.whenEnded = new Promise(resolve => {
      this.#end = resolve
    })
  }

  /** The last decisions, for `replay`. */
  get decisions(): readonly Decision[] {
    return this.#decisions.decisions
  }

  get settings(): FailoverSettings | undefined {
    return this.#settings
  }

  /**
   * Runs the start checks in Java's order and enters the election. Rejects with `StartError`
   * (exit code and words), `ConfigurationError`, `NetworkError` or `SecondInstanceError`.
   */
  async start(): Promise<void> {
    try {
      await this.#start()
    } catch (error) {
      this.#over = true
      this.#end({ exitCode: error instanceof StartError ? error.exitCode : 1 })
      throw error
    }
  }

  async #start(): Promise<void> {
    const { runtime, conf, identity } = this.#options
    const targets = await resolveTargets(conf, identity, runtime)
    const config = await readZkfcConfig(targets.local.conf, identity.nameserviceId, runtime.disk)
    this.#settings = settingsOf(config, targets)
    this.#core = new FailoverCore(this.#settings)
    const directory = this.#options.stateDirectory ?? config.stateDirectory
    const name = `zkfc-${identity.nameserviceId}-${identity.namenodeId}.session`
    const store = await SessionStore.open(runtime, `${directory}/${name}`)
    try {
      await this.#startWith(config, targets, store)
    } catch (error) {
      await this.#undoStart(store)
      throw error
    }
  }

  async #startWith(config: ZkfcConfig, targets: Targets, store: SessionStore): Promise<void> {
    const { runtime, conf, identity, localProcesses } = this.#options
    const bootId = await localProcesses.bootId()
    const key: SessionKey = {
      cluster: config.sharedEdits,
      nameserviceId: identity.nameserviceId,
      namenodeId: identity.namenodeId,
      quorum: `${config.quorum} ${config.parentPath}`,
      bootId: bootId ?? 'unknown',
    }
    // Without a boot id nothing tells a restart of the controller from one of the host.
    const stored = bootId === undefined ? undefined : await store.load(key)
    const resume: SessionCredentials | undefined =
      stored === undefined ? undefined : { id: stored.sessionId, password: stored.password }
    const events = new EventSender(runtime, identity, this.#options.listeners ?? [])
    const step = (input: InputBody): void => this.#step(input)
    const zk = new ZkSessionIo(runtime, config, step)
    const ipc = new IpcClient(runtime, {
      user: this.#options.user,
      connectTimeoutMs: config.connectTimeoutMs,
    })
    const fence = new FenceIo({
      runtime,
      ipc,
      connectTimeoutMs: config.fenceConnectTimeoutMs,
      targets: [targets.local, ...targets.others],
      step,
      onStarted: details => events.send({ kind: 'fencingStarted', ...details }),
      onAttempt: details => events.send({ kind: 'fencingAttempt', ...details }),
    })
    const rpc = new ZkfcRpcServer({
      runtime,
      address: zkfcBindAddress(conf, identity.nameserviceId, identity.namenodeId),
      access: new AdminAccess(
        this.#options.user,
        config.administrators,
        runtime.exec,
        this.#options.env ?? {},
      ),
      step,
      onRefused: (request, caller, cause) =>
        events.send({ kind: 'requestRefused', request, caller, cause }),
    })
    const nameNode = new HaServiceClient(ipc, targets.local, step)
    this.#parts = {
      ...{ runtime, config, targets, key, store, zk, ipc, fence, rpc },
      ...{ nameNode, events, localProcesses, resume, step, driver: this },
    }
    await this.#checkParent(resume)
    fence.useFencers(createFencers(targets, runtime, this.#options.env ?? {}))
    checkMethods(targets, runtime)
    this.#rpcAddress = await rpc.listen()
    this.#begin(this.#rpcAddress)
  }

  #begin(address: Address): void {
    const parts = this.#parts
    assert(parts !== undefined, 'the parts are made before the election is entered')
    if (this.#stopWanted) throw STOPPED
    this.#begun = true
    const rpcAddress = formatAddress(address)
    // Whether the role is kept is known later, and told by `sessionReattach`.
    const reattached = false
    parts.events.send({ kind: 'controllerStarted', reattached, rpcAddress })
    const data = znodeData({ ...parts.targets.local.ref, zkfcPort: address.port })
    this.#step({ kind: 'begin', appData: data })
    parts.rpc.start()
  }

  async #checkParent(resume: SessionCredentials | undefined): Promise<void> {
    const { clock, random } = this.#options.runtime
    const config = this.#parts?.config
    assert(config !== undefined, 'the parts are made before ZooKeeper is asked')
    if (this.#stopWanted) throw STOPPED
    let cancel: Cancel = () => {}
    const exists = await new Promise<boolean>((resolve, reject) => {
      this.#onParentChecked = resolve
      this.#onStartFailed = reject
      cancel = clock.after(config.sessionTimeoutMs, () => reject(zooKeeperUnreachable(config)))
      const jitterSeed = random.int(2 ** 31)
      const known = resume === undefined ? {} : { sessionId: resume.id }
      this.#step({ kind: 'start', resume: resume !== undefined, jitterSeed, ...known })
    }).finally(() => cancel())
    this.#onStartFailed = undefined
    if (!exists) throw parentMissing()
  }

  /** A session taken up again is left standing: the role is not lost to a failed start. */
  async #undoStart(store: SessionStore): Promise<void> {
    this.#over = true
    this.#cancelTimer()
    const parts = this.#parts
    if (parts !== undefined) {
      if (parts.resume === undefined) await parts.zk.closeNow()
      else parts.zk.drop()
      parts.nameNode.closeHealth()
      parts.ipc.close()
      await parts.rpc.close()
    }
    await this.#closeStore(store)
  }

  /** The kernel drops the lock with the process: a failed release is told, and holds nothing up. */
  async #closeStore(store: SessionStore): Promise<void> {
    await store.close().catch((error: unknown) => {
      if (!(error instanceof DiskError)) throw error
      const { path, code } = error
      this.#options.runtime.logger.warn({ path, code }, `could not release ${path}: ${code}`)
    })
  }

  /**
   * `keep`: leave the role to our restart, if it is held and the NameNode is well, else leave the
   * election. `handOver`: standby, breadcrumb, session, in this order. `abort`: end as if killed.
   */
  async stop(mode: StopMode): Promise<{ readonly exitCode: number; readonly text?: string }> {
    const parts = this.#parts
    if (parts === undefined || !this.#begun) {
      this.#stopWanted = true
      this.#onStartFailed?.(STOPPED)
      return this.whenEnded
    }
    if (this.#over) return this.whenEnded
    if (mode === 'abort') {
      parts.events.send({ kind: 'controllerStopping', mode })
      await this.finish(0)
      return this.whenEnded
    }
    if (mode === 'handOver') parts.events.send({ kind: 'controllerStopping', mode })
    const { config } = parts
    const limitMs = config.gracefulFenceTimeoutMs + config.sessionTimeoutMs + STOP_EXTRA_MS
    const cancel = parts.runtime.clock.after(
      limitMs,
      () => void this.finish(1, 'stopping took too long'),
    )
    this.#step({ kind: 'stop', mode })
    const ended = await this.whenEnded
    cancel()
    return ended
  }

  status(): ZkfcStatus {
    const state = this.#core?.state
    const rpcAddress = this.#rpcAddress === undefined ? '' : formatAddress(this.#rpcAddress)
    return {
      health: state?.health.health ?? 'initializing',
      role: state?.elector.role ?? 'init',
      task: state?.elector.task ?? 'none',
      expected: state?.controller.expected ?? 'initializing',
      reported: state?.controller.reported ?? 'unknown',
      session: state?.elector.link ?? 'none',
      rpcAddress,
    }
  }

  get rpcAddress(): Address | undefined {
    return this.#rpcAddress
  }

  /** For `zkfc-io`: ends everything, closing nothing that was not closed on purpose. */
  async finish(exitCode: number, text?: string): Promise<void> {
    if (this.#over) return
    this.#over = true
    this.#cancelTimer()
    const parts = this.#parts
    if (parts !== undefined) {
      parts.fence.abortAll()
      parts.zk.drop()
      parts.nameNode.closeHealth()
      parts.nameNode.closeForActive()
      await parts.rpc.close()
      parts.ipc.close()
      await this.#closeStore(parts.store)
      parts.events.send({ kind: 'controllerStopped', exitCode })
    }
    this.#end(text === undefined ? { exitCode } : { exitCode, text })
  }

  /** For `zkfc-io`: the answer to the first question of the start. */
  parentChecked(exists: boolean): void {
    this.#onParentChecked?.(exists)
  }

  fatal(text: string): void {
    const message = `ZK Failover Controller failed: ${text}`
    if (this.#onStartFailed !== undefined) return this.#onStartFailed(new StartError(1, message))
    this.#options.runtime.logger.error({}, message)
    void this.finish(1, message)
  }

  /** One input at a time: what comes while a step is carried out waits its turn. */
  #step(body: InputBody): void {
    if (this.#over) return
    this.#inputs.push(body)
    if (this.#stepping) return
    this.#stepping = true
    try {
      for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
        this.#stepOnce(next)
      }
    } finally {
      this.#stepping = false
    }
    this.#armTimer()
  }

  #stepOnce(body: InputBody): void {
    const parts = this.#parts
    if (this.#core === undefined || parts === undefined || this.#over) return
    const heardMs = parts.zk.heardMs
    const { clock } = parts.runtime
    const now = clock.now()
    const timed = { ...body, wallMs: clock.wallTime() }
    const input: Input = heardMs === undefined ? timed : { ...timed, heardMs }
    const effects: readonly Effect[] = this.#decisions.step(this.#core, input, now)
    for (const effect of effects) carryOut(parts, effect)
  }

  #armTimer(): void {
    const { clock } = this.#options.runtime
    const due = this.#over ? Infinity : (this.#core?.deadline() ?? Infinity)
    if (due === this.#timerAt) return
    this.#cancelTimer()
    this.#timerAt = due
    if (due === Infinity) return
    // At least a millisecond: a deadline that is already past may not become a busy loop.
    this.#cancelTimer = clock.after(Math.max(1, due - clock.now()), () => {
      this.#timerAt = Infinity
      this.#step({ kind: 'tick' })
    })
  }
}
