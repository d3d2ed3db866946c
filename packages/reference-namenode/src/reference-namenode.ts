/**
 * The reference NameNode: HAServiceProtocol with the state rules of Hadoop's NameNode, over a tiny
 * namespace in a shared edits directory. It stands where a real NameNode would, for the demo, the
 * simulation and the tests.
 *
 * As in Hadoop, health, status and transitions are answered one after the other, so a health check
 * waits while a transition runs; a failure inside a transition, a failed write and a higher epoch
 * each end the process.
 */
import {
  HAServiceProtocol,
  implement,
  IpcServer,
  isAutomaticFailoverEnabled,
  lifelineRpcAddress,
  NAMENODE_RPC_PORT_DEFAULT,
  promoteKeys,
  serviceRpcAddress,
  type CallContext,
  type Configuration,
  type RequestSource,
  type ServiceStatus,
} from '@baton/hadoop'
import { assert, DiskError, formatAddress, parseAddress } from '@baton/runtime'
import type { Address, Logger, Runtime } from '@baton/runtime'
import { EditLogTailer } from './edit-log-tailer.ts'
import type { EditLogWriter } from './edit-log-writer.ts'
import { READ_COUNT_MAX, type EditOperation } from './namespace.ts'
import {
  notReadyReason,
  refuseHealth,
  refuseNamespaceCall,
  refuseSource,
  refuseTransition,
  refuseUser,
  type RoleState,
  type StateFacts,
} from './name-node-state.ts'
import {
  NamespaceProtocol,
  type AppendRequest,
  type PathRequest,
  type ReadRequest,
} from './namespace-protocol.ts'
import { DamagedEditsError, SharedEdits } from './shared-edits.ts'
import { takeOver } from './take-over.ts'

export interface ReferenceNameNodeOptions {
  readonly runtime: Pick<Runtime, 'clock' | 'network' | 'disk' | 'logger'>
  readonly conf: Configuration
  readonly nameserviceId: string
  readonly namenodeId: string
  /** Shared by all NameNodes of the nameservice. */
  readonly editsDirectory: string
  /** Who may ask for health and transitions; absent: everybody. */
  readonly superuser?: string
  /** Starts in safe mode; left by `setSafeMode`. */
  readonly safeMode?: boolean
  /** How often a standby or observer reads new edits. Default 500. */
  readonly tailIntervalMs?: number
}

/** Why the NameNode ended, and with which exit code its process should. */
export interface Ended {
  readonly exitCode: number
  readonly reason: string
}

const TAIL_INTERVAL_MS = 500
const PROBE_BYTES = 4_096
const NOT_ACTIVE_IN_SAFE_MODE = 'dfs.ha.nn.not-become-active-in-safemode'

export class ReferenceNameNode {
  readonly #options: ReferenceNameNodeOptions
  readonly #logger: Logger
  readonly #edits: SharedEdits
  readonly #tailer: EditLogTailer
  readonly #servers: readonly IpcServer[]
  readonly #rpcAddress: Address
  readonly #automaticFailover: boolean
  readonly #notActiveInSafeMode: boolean
  /** Resolves when this NameNode has ended itself, or was stopped. */
  readonly whenEnded: Promise<Ended>
  #tellEnded: (ended: Ended) => void = () => {}
  #ended = false
  #state: RoleState = 'standby'
  #safeMode: boolean
  #writer: EditLogWriter | undefined
  /** The last of the things done one after the other. */
  #serial: Promise<unknown> = Promise.resolve()
  #cancelTail: () => void = () => {}

  /** Starts as standby. Rejects where an address cannot be bound or the edits are damaged. */
  static async start(options: ReferenceNameNodeOptions): Promise<ReferenceNameNode> {
    const node = new ReferenceNameNode(options)
    await node.#edits.prepare()
    await node.#tailer.catchUp()
    await node.#listen()
    node.#armTail()
    return node
  }

  private constructor(options: ReferenceNameNodeOptions) {
    const { runtime, nameserviceId, namenodeId } = options
    const conf = promoteKeys(options.conf, nameserviceId, namenodeId)
    this.#options = options
    this.#logger = runtime.logger.child({ namenodeId })
    this.#edits = new SharedEdits(runtime.disk, options.editsDirectory)
    this.#tailer = new EditLogTailer(this.#edits)
    this.#automaticFailover = isAutomaticFailoverEnabled(conf, nameserviceId)
    this.#notActiveInSafeMode = conf.getBoolean(NOT_ACTIVE_IN_SAFE_MODE, false)
    this.#safeMode = options.safeMode ?? false
    this.whenEnded = new Promise(resolve => {
      this.#tellEnded = resolve
    })
    const addresses = listenAddresses(conf, nameserviceId, namenodeId)
    this.#rpcAddress = addresses[0] ?? serviceRpcAddress(conf, nameserviceId, namenodeId)
    this.#servers = addresses.map(address => this.#server(address))
  }

  get rpcAddress(): Address {
    return this.#rpcAddress
  }

  get state(): RoleState {
    return this.#state
  }

  /** The epoch this NameNode writes in; undefined where it is not active. */
  get writerEpoch(): number | undefined {
    return this.#writer?.epoch
  }

  /** As `hdfs dfsadmin -safemode enter | leave`. */
  setSafeMode(on: boolean): void {
    this.#safeMode = on
  }

  /** Ends in good order: waits for the edits written so far. */
  async stop(): Promise<void> {
    await this.#oneByOne(async () => {
      await this.#writer?.close()
      this.#writer = undefined
    })
    await this.#end({ exitCode: 0, reason: 'stopped' })
  }

  get #facts(): StateFacts {
    return {
      state: this.#state,
      safeMode: this.#safeMode,
      notActiveInSafeMode: this.#notActiveInSafeMode,
      automaticFailover: this.#automaticFailover,
    }
  }

  #server(address: Address): IpcServer {
    const server = new IpcServer(this.#options.runtime, { address })
    const { monitorHealth, getServiceStatus } = HAServiceProtocol
    server.register(HAServiceProtocol.name, {
      monitorHealth: implement(monitorHealth, (_, context) => this.#monitorHealth(context)),
      getServiceStatus: implement(getServiceStatus, () => this.#getServiceStatus()),
      transitionToActive: this.#transition('active'),
      transitionToStandby: this.#transition('standby'),
      transitionToObserver: this.#transition('observer'),
    })
    server.register(NamespaceProtocol.name, {
      mkdir: implement(NamespaceProtocol.mkdir, request => this.#mkdir(request)),
      append: implement(NamespaceProtocol.append, request => this.#append(request)),
      ls: implement(NamespaceProtocol.ls, request => this.#ls(request)),
      read: implement(NamespaceProtocol.read, request => this.#read(request)),
      setSafeMode: implement(NamespaceProtocol.setSafeMode, ({ on }, context) => {
        this.#requireSuperuser(context, 'setSafeMode')
        this.setSafeMode(on)
        return {}
      }),
    })
    return server
  }

  #transition(target: RoleState) {
    const method = TRANSITION_METHODS[target]
    return implement(method, ({ source }: { source: RequestSource }, context) =>
      this.#oneByOne(async () => {
        throwIf(refuseSource(this.#facts, source, context.remote.host))
        this.#requireSuperuser(context, method.name)
        throwIf(refuseTransition(this.#facts, target))
        if (target !== this.#state) await this.#become(target, source)
        return {}
      }),
    )
  }

  async #monitorHealth(context: CallContext): Promise<object> {
    this.#requireSuperuser(context, 'monitorHealth')
    return this.#oneByOne(async () => {
      throwIf(refuseHealth(this.#facts, await this.#hasResources()))
      return {}
    })
  }

  #getServiceStatus(): Promise<ServiceStatus> {
    return this.#oneByOne(async () => {
      const { state } = this
      const reason = notReadyReason(this.#facts)
      const ready = { state, readyToBecomeActive: reason === undefined }
      return reason === undefined ? ready : { ...ready, notReadyReason: reason }
    })
  }

  async #append({ path, entry }: AppendRequest) {
    const { txid, safe } = this.#log({ kind: 'append', path, entry })
    const entryCount = this.#tailer.namespace.entries(path).length
    await safe
    return { txid, entryCount }
  }

  async #mkdir({ path }: PathRequest) {
    const { txid, safe } = this.#log({ kind: 'mkdir', path })
    await safe
    return { txid }
  }

  #ls({ path }: PathRequest) {
    throwIf(refuseNamespaceCall(this.#facts, 'READ'))
    return { entries: this.#tailer.namespace.ls(path) }
  }

  #read({ path, from, countMax }: ReadRequest) {
    throwIf(refuseNamespaceCall(this.#facts, 'READ'))
    const all = this.#tailer.namespace.entries(path)
    const entries = all.slice(from, from + Math.min(countMax, READ_COUNT_MAX))
    return { entryCount: all.length, entries }
  }

  /** Applied in memory at once, as in HDFS; to be acknowledged when `safe` resolves. */
  #log(operation: EditOperation): { readonly txid: number; readonly safe: Promise<void> } {
    throwIf(refuseNamespaceCall(this.#facts, 'WRITE'))
    const writer = this.#writer
    assert(writer !== undefined, 'an active NameNode has a writer')
    writer.admit()
    this.#tailer.namespace.check(operation)
    const edit = { txid: this.#tailer.lastTxid + 1, operation }
    this.#tailer.apply(edit)
    return { txid: edit.txid, safe: writer.write(edit) }
  }

  #requireSuperuser(context: CallContext, operation: string): void {
    const { superuser } = this.#options
    if (superuser === undefined || context.user === superuser) return
    throw refuseUser(context.user, operation)
  }

  /** A block can be written where the edits go. Hadoop asks for free space instead. */
  async #hasResources(): Promise<boolean> {
    const { runtime, editsDirectory, namenodeId } = this.#options
    try {
      const file = await runtime.disk.open(`${editsDirectory}/.probe-${namenodeId}`, 'write')
      try {
        await file.truncate(0)
        await file.write(0, new Uint8Array(PROBE_BYTES))
      } finally {
        await file.close()
      }
      return true
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.#logger.warn({ path: error.path, code: error.code }, 'the edits cannot be written')
      return false
    }
  }

  /** A failure on the way ends the NameNode: half a transition is no state to serve from. */
  async #become(target: RoleState, source: RequestSource): Promise<void> {
    const from = this.#state
    this.#cancelTail()
    try {
      if (from === 'active') await this.#leaveActive(target)
      else if (target === 'active') await this.#enterActive()
      else this.#state = target
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      await this.#end({ exitCode: 1, reason: `could not become ${target}: ${reason}` })
      throw error
    }
    if (target !== 'active') this.#armTail()
    const fields = { from, to: target, source, writerEpoch: this.writerEpoch }
    this.#logger.info(fields, 'NameNode state changed')
  }

  async #enterActive(): Promise<void> {
    this.#writer = await takeOver({
      edits: this.#edits,
      tailer: this.#tailer,
      writer: this.#options.namenodeId,
      onFailure: error => void this.#onWriterFailure(error),
    })
    this.#state = 'active'
  }

  /** New edits are refused from this turn on; those already logged become safe first. */
  async #leaveActive(target: RoleState): Promise<void> {
    const writer = this.#writer
    assert(writer !== undefined, 'an active NameNode has a writer')
    this.#state = target
    this.#writer = undefined
    await writer.close()
    this.#tailer.noteOwnLog(writer.epoch, writer.writtenBytes)
  }

  #onWriterFailure(error: Error): Promise<void> {
    return this.#end({ exitCode: 1, reason: `the edits cannot be made safe: ${error.message}` })
  }

  #armTail(): void {
    const { clock } = this.#options.runtime
    const intervalMs = this.#options.tailIntervalMs ?? TAIL_INTERVAL_MS
    this.#cancelTail = clock.after(intervalMs, () => void this.#oneByOne(() => this.#tail()))
  }

  async #tail(): Promise<void> {
    if (this.#ended || this.#state === 'active') return
    try {
      await this.#tailer.catchUp()
    } catch (error) {
      if (!(error instanceof DiskError || error instanceof DamagedEditsError)) throw error
      const reason = `standby cannot follow the edits: ${error.message}`
      if (error instanceof DamagedEditsError) return this.#end({ exitCode: 1, reason })
      this.#logger.warn({ path: error.path }, reason)
    }
    this.#armTail()
  }

  /** Java's `synchronized`: status, health, transitions and tailing never run side by side. */
  #oneByOne<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#serial.then(run)
    this.#serial = result.catch(() => {}) // the caller of this one gets the error
    return result
  }

  async #listen(): Promise<void> {
    for (const server of this.#servers) {
      const address = formatAddress(await server.listen())
      this.#logger.info({ address, state: this.#state }, 'NameNode RPC listens')
    }
  }

  async #end(ended: Ended): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    this.#cancelTail()
    if (ended.exitCode === 0) this.#logger.info(ended, 'NameNode ends')
    else this.#logger.error(ended, 'NameNode ends itself')
    this.#tellEnded(ended)
    for (const server of this.#servers) await server.close()
  }
}

const TRANSITION_METHODS = {
  active: HAServiceProtocol.transitionToActive,
  standby: HAServiceProtocol.transitionToStandby,
  observer: HAServiceProtocol.transitionToObserver,
} as const

function throwIf(refusal: Error | undefined): void {
  if (refusal !== undefined) throw refusal
}

/** RPC, service RPC and lifeline address, each once, the RPC address first. */
function listenAddresses(conf: Configuration, ns: string, nn: string): readonly Address[] {
  const key = 'dfs.namenode.rpc-address'
  const value = conf.getTrimmed(key)
  if (value === undefined) throw conf.problem(key, `is missing for NameNode ${nn} of ${ns}`)
  const rpc = parseAddress(value, NAMENODE_RPC_PORT_DEFAULT)
  const all = [rpc, serviceRpcAddress(conf, ns, nn), lifelineRpcAddress(conf, ns, nn)]
  const distinct = new Map<string, Address>()
  for (const address of all) {
    if (address !== undefined) distinct.set(formatAddress(address), address)
  }
  return [...distinct.values()]
}
