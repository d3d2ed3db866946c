import { FRAME_BYTES_MAX } from '@baton/jute'
import type { ACL, ClientInfo, Stat } from '@baton/jute'
import { ClientCnxn } from './client-cnxn.ts'
import { parseConnectString } from './connect-string.ts'
import { deleteRecursive } from './delete-recursive.ts'
import type { AuthInfo, SessionCredentials, SessionState } from './inputs-and-effects.ts'
import type {
  CreateOptions,
  Data,
  Kind,
  MultiOp,
  MultiOpResult,
  MultiReadOp,
  MultiReadResult,
  OperationOf,
  Reply,
  Results,
  WatcherTypeName,
  WatchMode,
} from './operation.ts'
import { Chroot } from './paths.ts'
import { SessionDriver } from './session-driver.ts'
import type { ClientRuntime } from './session-driver.ts'
import type { Watch } from './watch-manager.ts'

export interface ZooKeeperOptions {
  readonly runtime: ClientRuntime
  /** `h1:p1,h2:p2[/chroot]`; tried in an order shuffled once. */
  readonly connectString: string
  /** Asked for; the server grants what its limits allow (`negotiatedTimeoutMs`). */
  readonly sessionTimeoutMs: number
  /** To take up a session again; if it is gone the state becomes `expired`, never a new session. */
  readonly session?: SessionCredentials
  /** Sent right after every connect, before anything else. */
  readonly auth?: readonly AuthInfo[]
  /**
   * For one server: connection and session answer together. Absent: the session time-out divided
   * by the number of servers, within 500 ms and 10 s.
   */
  readonly connectTimeoutMs?: number
  /** How long `close` tries. Absent: a third of the session time-out, at most 5 s. */
  readonly closeTimeoutMs?: number
  /** Operations without an answer, above which further ones fail with `throttledOp`. */
  readonly outstandingMax?: number
  /** The same in bytes of their frames. */
  readonly outstandingBytesMax?: number
  /** Above it an operation fails with `marshallingError`; the server's `jute.maxbuffer`. */
  readonly requestBytesMax?: number
  /** A longer frame from a server counts as garbage. */
  readonly responseBytesMax?: number
  readonly onState?: (state: SessionState) => void
}

const OUTSTANDING_MAX = 10_000
const OUTSTANDING_BYTES_MAX = 64 * 1024 * 1024
const RESPONSE_BYTES_MAX = 4 * 1024 * 1024

/**
 * A ZooKeeper session in the words of the native Java API. Connects at once and goes on until
 * `close`, `detach` or a final state. Replies, watch events and state changes are called in wire
 * order; operations fail with `ZooKeeperError`. Throws `RangeError` on a wrong option.
 */
export class ZooKeeper {
  readonly #core: ClientCnxn
  readonly #driver: SessionDriver

  constructor(options: ZooKeeperOptions) {
    const { servers, chroot } = parseConnectString(options.connectString)
    const sessionTimeoutMs = positive('sessionTimeoutMs', options.sessionTimeoutMs)
    const share = Math.min(10_000, Math.max(500, sessionTimeoutMs / servers.length))
    this.#core = new ClientCnxn({
      servers,
      sessionTimeoutMs,
      random: options.runtime.random,
      chroot: new Chroot(chroot),
      session: options.session,
      auth: options.auth ?? [],
      connectTimeoutMs: positive('connectTimeoutMs', options.connectTimeoutMs ?? share),
      closeTimeoutMs: options.closeTimeoutMs ?? Math.min(5_000, sessionTimeoutMs / 3),
      outstandingMax: options.outstandingMax ?? OUTSTANDING_MAX,
      outstandingBytesMax: options.outstandingBytesMax ?? OUTSTANDING_BYTES_MAX,
      requestBytesMax: options.requestBytesMax ?? FRAME_BYTES_MAX,
      responseBytesMax: options.responseBytesMax ?? RESPONSE_BYTES_MAX,
    })
    this.#driver = new SessionDriver(options.runtime, this.#core, options.onState ?? (() => {}))
    this.#driver.fromUser({ kind: 'start' })
  }

  /** As known now; `onState` tells each change in wire order. */
  get state(): SessionState {
    return this.#core.state
  }

  /** Once granted, or as given. The password is a secret. */
  get session(): SessionCredentials | undefined {
    return this.#core.session
  }

  /** 0 before the first grant. */
  get negotiatedTimeoutMs(): number {
    return this.#core.negotiatedTimeoutMs
  }

  /** `clock.now()` when the last bytes came for this session; -Infinity before the first. */
  get lastHeardMs(): number {
    return this.#core.lastHeardMs
  }

  /**
   * `clock.now()` when the newest request left that a server has answered; -Infinity before. The
   * server has touched the session since, so it cannot expire before this plus the negotiated
   * time-out; unlike `lastHeardMs` it errs on the safe side when this process was late to read.
   */
  get lastAcknowledgedSendMs(): number {
    return this.#core.conversation.lastAcknowledgedSendMs
  }

  /** host:port of the server connected to; '' where there is none. */
  get server(): string {
    return this.#core.server
  }

  get outstandingCount(): number {
    return this.#core.conversation.outstandingCount
  }

  /** After `close`: whether a server has confirmed that the session is gone. */
  get closeAcknowledged(): boolean {
    return this.#core.closeAcknowledged
  }

  /** The operation as data, the answer as a call; what all the methods below are made of. */
  submit<K extends Kind>(operation: OperationOf<K>, reply: Reply<Results[K]>): void {
    this.#driver.fromUser({ kind: 'submit', operation, reply: reply as Reply<unknown> })
  }

  #ask<K extends Kind>(operation: OperationOf<K>): Promise<Results[K]> {
    return new Promise((resolve, reject) => {
      this.submit<K>(operation, (error, value) => {
        if (error === undefined) resolve(value as Results[K])
        else reject(error)
      })
    })
  }

  create(path: string, data: Data, options: CreateOptions = {}): Promise<string> {
    return this.#ask<'create'>({ kind: 'create', path, data, ...options })
  }

  create2(path: string, data: Data, options: CreateOptions = {}): Promise<Results['create2']> {
    return this.#ask<'create2'>({ kind: 'create2', path, data, ...options })
  }

  delete(path: string, version = -1): Promise<void> {
    return this.#ask<'delete'>({ kind: 'delete', path, version })
  }

  /** undefined where nothing is there; the watch then waits for its creation. */
  exists(path: string, watch?: Watch): Promise<Stat | undefined> {
    return this.#ask<'exists'>({ kind: 'exists', path, watch })
  }

  getData(path: string, watch?: Watch): Promise<Results['getData']> {
    return this.#ask<'getData'>({ kind: 'getData', path, watch })
  }

  setData(path: string, data: Data, version = -1): Promise<Stat> {
    return this.#ask<'setData'>({ kind: 'setData', path, data, version })
  }

  getACL(path: string): Promise<Results['getACL']> {
    return this.#ask<'getACL'>({ kind: 'getACL', path })
  }

  /** `version` is the ACL's own (`Stat.aversion`). */
  setACL(path: string, acl: readonly ACL[], version = -1): Promise<Stat> {
    return this.#ask<'setACL'>({ kind: 'setACL', path, acl, version })
  }

  getChildren(path: string, watch?: Watch): Promise<Results['getChildren']> {
    return this.#ask<'getChildren'>({ kind: 'getChildren', path, watch })
  }

  /** After it, reads on this session show every change that was committed before it. */
  sync(path: string): Promise<string> {
    return this.#ask<'sync'>({ kind: 'sync', path })
  }

  /** All or nothing. Rejects with `MultiError`, which has a code for each part. */
  multi(ops: readonly MultiOp[]): Promise<readonly MultiOpResult[]> {
    return this.#ask<'multi'>({ kind: 'multi', ops })
  }

  /** Reads in one request; each has a result or an error of its own. */
  multiRead(ops: readonly MultiReadOp[]): Promise<readonly MultiReadResult[]> {
    return this.#ask<'multiRead'>({ kind: 'multiRead', ops })
  }

  addWatch(path: string, mode: WatchMode, watch: Watch): Promise<void> {
    return this.#ask<'addWatch'>({ kind: 'addWatch', path, mode, watch })
  }

  /** Each watch taken away is told by an event of its own (`dataWatchRemoved`, ...). */
  removeWatches(path: string, type: WatcherTypeName): Promise<void> {
    return this.#ask<'removeWatches'>({ kind: 'removeWatches', path, type })
  }

  /** This session's own ephemerals whose path begins with `prefix`. */
  getEphemerals(prefix = '/'): Promise<readonly string[]> {
    return this.#ask<'getEphemerals'>({ kind: 'getEphemerals', prefix })
  }

  getAllChildrenNumber(path: string): Promise<number> {
    return this.#ask<'getAllChildrenNumber'>({ kind: 'getAllChildrenNumber', path })
  }

  whoAmI(): Promise<readonly ClientInfo[]> {
    return this.#ask<'whoAmI'>({ kind: 'whoAmI' })
  }

  deleteRecursive(path: string): Promise<void> {
    return deleteRecursive(this, path)
  }

  /** Resolves when the server has accepted; a refusal ends the session as `authFailed`. */
  addAuth(scheme: string, auth: Uint8Array): Promise<void> {
    return this.#promise(reply => {
      this.#driver.fromUser({ kind: 'addAuth', auth: { scheme, auth }, reply })
    })
  }

  /** Resolves with the server's reply to this ping; without a connection it rejects at once. */
  ping(): Promise<void> {
    return this.#promise(reply => this.#driver.fromUser({ kind: 'ping', reply }))
  }

  /**
   * Ends the session and waits for the server's reply, at most `closeTimeoutMs`; never rejects.
   * `closeAcknowledged` then tells whether the session is known to be gone.
   */
  close(): Promise<void> {
    return this.#promise(reply => this.#driver.fromUser({ kind: 'close', reply }))
  }

  /** Leaves the server without ending the session, and gives what takes it up again. */
  detach(): SessionCredentials | undefined {
    this.#driver.fromUser({ kind: 'detach' })
    return this.#core.session
  }

  #promise(run: (reply: Reply<undefined>) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      run(error => (error === undefined ? resolve() : reject(error)))
    })
  }
}

function positive(name: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value
  throw new RangeError(`${name} is ${value}; expected a number of milliseconds above 0`)
}
