/**
 * Who may have which session (ZooKeeper 3.9 `ZooKeeperServer.processConnectRequest`), and when a
 * session is over.
 *
 * Expiry runs on a clock of its own: the monotonic clock, less the time in which this process did
 * not run (stopped, swapped out, one very long turn). Without that, a server that was held up for
 * longer than a session's time-out would expire every session on waking, before it had read the
 * pings that wait in its sockets. Its own pause is seen as a timer that fires late. For the same
 * reason a session is not over while its connection is not read, since requests wait for the disk.
 */
import { ConnectRequest, JuteError, Reader, Writer } from '@baton/jute'
import type { Cancel, Clock, Logger } from '@baton/runtime'
import type { ServerConfig } from './config.ts'
import type { ServerCnxn } from './net/server-cnxn.ts'
import { initialSessionId, negotiateTimeout, sessionPassword } from './state/session-tracker.ts'
import type { Session, SessionTracker } from './state/session-tracker.ts'

export interface GateOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly config: ServerConfig
  readonly sessions: SessionTracker
  readonly lastProcessedZxid: () => number
  /** Makes a new, already tracked session durable; `onSessionCreated` follows. */
  readonly createSession: (cnxn: ServerCnxn, timeoutMs: number) => void
  /** The session was attached to the connection. */
  readonly onAttached: (cnxn: ServerCnxn) => void
  readonly onExpired: (session: Session) => void
  /** Sessions whose connections this server does not read at present. */
  readonly heldUpSessions: () => Iterable<Session>
}

const PASSWORD_BYTES = 16
/** A timer this late means the process did not run. */
const PAUSE_MS_MIN = 100

export class SessionGate {
  readonly #options: GateOptions
  #nextId: bigint
  #pausedMs = 0
  #cancel: Cancel | undefined

  constructor(options: GateOptions) {
    this.#options = options
    this.#nextId = initialSessionId(options.config.serverId, options.clock.wallTime())
  }

  /** The sessions' clock. */
  now(): number {
    return this.#options.clock.now() - this.#pausedMs
  }

  start(): void {
    this.#arm()
  }

  stop(): void {
    this.#cancel?.()
  }

  /** Looks for expired sessions at each boundary of the tick, where the tracker's buckets end. */
  #arm(): void {
    const { clock, config } = this.#options
    const nowMs = this.now()
    const { tickTimeMs } = config
    const delayMs = (Math.floor(nowMs / tickTimeMs) + 1) * tickTimeMs - nowMs
    const dueMs = clock.now() + delayMs
    this.#cancel = clock.after(delayMs, () => {
      const lateMs = clock.now() - dueMs
      if (lateMs >= PAUSE_MS_MIN) this.#onPause(lateMs)
      const { sessions, heldUpSessions } = this.#options
      for (const session of heldUpSessions()) sessions.touch(session, this.now())
      for (const session of sessions.expire(this.now())) {
        this.#options.onExpired(session)
      }
      this.#arm()
    })
  }

  #onPause(lateMs: number): void {
    this.#pausedMs += lateMs
    const fields = { pausedMs: Math.round(lateMs) }
    this.#options.logger.warn(fields, 'this process did not run for a while; sessions get the time')
  }

  /** The first frame of a connection. */
  onConnectRequest(cnxn: ServerCnxn, payload: Uint8Array): void {
    const reader = new Reader(payload)
    let request: ConnectRequest
    try {
      request = ConnectRequest.read(reader)
    } catch (error) {
      if (!(error instanceof JuteError)) throw error
      return cnxn.close(`not a connect request: ${error.message}`)
    }
    cnxn.readOnlyByte = reader.remaining > 0
    if (request.lastZxidSeen > this.#options.lastProcessedZxid()) {
      // Serving it would show it an older state than it saw (single system image).
      return cnxn.close('the client has seen a zxid that this server has not')
    }
    const { minSessionTimeoutMs: min, maxSessionTimeoutMs: max } = this.#options.config
    const timeoutMs = negotiateTimeout(request.timeOut, min, max)
    if (request.sessionId === 0n) this.#create(cnxn, timeoutMs)
    else this.#reattach(cnxn, request, timeoutMs)
  }

  #create(cnxn: ServerCnxn, timeoutMs: number): void {
    const { sessions } = this.#options
    while (sessions.get(this.#nextId) !== undefined) this.#nextId++
    const session = sessions.track(this.#nextId++, timeoutMs, this.now())
    this.#attach(cnxn, session)
    this.#options.createSession(cnxn, timeoutMs)
  }

  /** The createSession was applied. */
  onSessionCreated(cnxn: ServerCnxn): void {
    const { session } = cnxn
    if (session === undefined || session.closing) return this.#refuse(cnxn)
    cnxn.establish(connectResponse(session, cnxn.readOnlyByte))
  }

  /**
   * A wrong password is answered as an expired session is. The connection that has the session is
   * closed only after the password was found right: ZooKeeper closes it before, so that there
   * anyone who knows a session's id can disturb it.
   */
  #reattach(cnxn: ServerCnxn, request: ConnectRequest, timeoutMs: number): void {
    const { sessions } = this.#options
    const session = sessions.get(request.sessionId)
    if (session === undefined || session.closing) return this.#refuse(cnxn)
    if (!samePassword(request.passwd, sessionPassword(request.sessionId))) {
      return this.#refuse(cnxn)
    }
    const old = session.owner as ServerCnxn | undefined
    session.timeoutMs = timeoutMs
    this.#attach(cnxn, session)
    old?.close('the client came back on another connection')
    if (!sessions.touch(session, this.now())) return this.#refuse(cnxn)
    cnxn.establish(connectResponse(session, cnxn.readOnlyByte))
  }

  #attach(cnxn: ServerCnxn, session: Session): void {
    session.owner = cnxn
    cnxn.session = session
    this.#options.onAttached(cnxn)
  }

  #refuse(cnxn: ServerCnxn): void {
    cnxn.refuse(connectResponse(undefined, cnxn.readOnlyByte), 'its session is not known')
  }
}

/** undefined: the session is expired, or never was. */
function connectResponse(session: Session | undefined, readOnlyByte: boolean): Uint8Array {
  const writer = new Writer()
  writer.int(0)
  writer.int(0)
  writer.int(session?.timeoutMs ?? 0)
  writer.long64(session?.id ?? 0n)
  writer.bytes(session === undefined ? new Uint8Array(PASSWORD_BYTES) : sessionPassword(session.id))
  if (readOnlyByte) writer.boolean(false)
  const bytes = writer.finish()
  bytes.writeInt32BE(bytes.length - 4, 0)
  return bytes
}

function samePassword(given: Uint8Array | null, right: Uint8Array): boolean {
  return given !== null && Buffer.compare(given, right) === 0
}
