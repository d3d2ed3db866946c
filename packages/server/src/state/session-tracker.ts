/**
 * Sessions and when they end (ZooKeeper 3.9 `SessionTrackerImpl`, `ExpiryQueue`).
 *
 * A deadline is rounded up to a whole tick: floor((now + timeout) / tick + 1) * tick. A session
 * thus never ends early and at most one tick late. Sessions with one deadline share a bucket.
 *
 * A touch happens on every request, so it only moves the deadline field and leaves the session in
 * its bucket. When the bucket falls due, sessions that have moved on are put into the bucket of
 * their present deadline: once per session and time-out instead of once per request. A bucket is
 * never later than the deadline of what it holds, hence nothing can be late.
 *
 * `now` is the monotonic clock in ms. Times go backwards for nobody: a touch never shortens.
 */
import { ErrorCode } from '@baton/jute'
import { assert } from '@baton/runtime'

export interface Session {
  readonly id: bigint
  timeoutMs: number
  /** The connection that last claimed it. */
  owner: object | undefined
  /** Its end was proposed; requests are refused from here on. */
  closing: boolean
  /** Monotonic ms, a whole number of ticks. */
  deadline: number
}

/** The id a server counts its sessions from: its own id in the high byte, then the start time. */
export function initialSessionId(serverId: number, wallTimeMs: number): bigint {
  const time = BigInt.asUintN(64, BigInt.asIntN(64, BigInt(Math.floor(wallTimeMs)) << 24n)) >> 8n
  const id = BigInt.asIntN(64, time | (BigInt(serverId) << 56n))
  // The owner of container nodes may never be a session.
  return id === -(1n << 63n) ? id + 1n : id
}

const PASSWORD_BYTES = 16
const PASSWORD_SALT = 0xb3415c00n
const LCG_FACTOR = 0x5deece66dn
const LCG_INCREMENT = 0xbn
const LCG_BITS = 48

/**
 * `java.util.Random(id ^ 0xB3415C00).nextBytes(16)`: every server of an ensemble, Java or ours, can
 * make it, and so it is no secret (ZooKeeper 3.9 `ZooKeeperServer.generatePasswd`).
 */
export function sessionPassword(id: bigint): Buffer {
  const password = Buffer.alloc(PASSWORD_BYTES)
  let seed = BigInt.asUintN(LCG_BITS, id ^ PASSWORD_SALT ^ LCG_FACTOR)
  for (let at = 0; at < PASSWORD_BYTES; at += 4) {
    seed = BigInt.asUintN(LCG_BITS, seed * LCG_FACTOR + LCG_INCREMENT)
    // Java deals out each int from its low byte up.
    password.writeUInt32LE(Number(seed >> 16n), at)
  }
  return password
}

export function negotiateTimeout(askedMs: number, minMs: number, maxMs: number): number {
  return Math.min(Math.max(askedMs, minMs), maxMs)
}

export class SessionTracker {
  readonly tickMs: number
  readonly #sessions = new Map<bigint, Session>()
  readonly #buckets = new Map<number, Session[]>()
  /** No bucket before this one is left. */
  #nextBucket: number | undefined = undefined

  constructor(tickMs: number) {
    assert(Number.isSafeInteger(tickMs) && tickMs > 0, 'a tick is a whole number of ms')
    this.tickMs = tickMs
  }

  get size(): number {
    return this.#sessions.size
  }

  /** A new session, or a known one with a fresh time-out; a closing one stays closing. */
  track(id: bigint, timeoutMs: number, now: number): Session {
    const known = this.#sessions.get(id)
    if (known !== undefined) {
      known.timeoutMs = timeoutMs
      this.touch(known, now)
      return known
    }
    const deadline = this.#deadline(timeoutMs, now)
    const session: Session = { id, timeoutMs, owner: undefined, closing: false, deadline }
    this.#sessions.set(id, session)
    this.#enqueue(session)
    return session
  }

  get(id: bigint): Session | undefined {
    return this.#sessions.get(id)
  }

  /** False where the session is gone or closing. */
  touch(session: Session, now: number): boolean {
    if (session.closing) return false
    const deadline = this.#deadline(session.timeoutMs, now)
    if (deadline > session.deadline) session.deadline = deadline
    return true
  }

  /** ok, sessionExpired (unknown or closing), or sessionMoved (another connection owns it). */
  check(id: bigint, owner: object): number {
    const session = this.#sessions.get(id)
    if (session === undefined || session.closing) return ErrorCode.sessionExpired
    // The first to ask owns a session that nobody has claimed since the start.
    session.owner ??= owner
    return session.owner === owner ? ErrorCode.ok : ErrorCode.sessionMoved
  }

  /** After closeSession was applied. */
  remove(id: bigint): void {
    const session = this.#sessions.get(id)
    if (session === undefined) return
    // A connection may still hold the object; its touches must fail.
    session.closing = true
    this.#sessions.delete(id)
  }

  /** Sessions whose deadline has come, marked closing; each is returned once. */
  expire(now: number): readonly Session[] {
    const due: Session[] = []
    if (this.#nextBucket === undefined) return due
    for (; this.#nextBucket <= now; this.#nextBucket += this.tickMs) {
      if (this.#buckets.size === 0) {
        this.#nextBucket = undefined
        return due
      }
      const bucket = this.#buckets.get(this.#nextBucket)
      if (bucket === undefined) continue
      this.#buckets.delete(this.#nextBucket)
      for (const session of bucket) this.#onBucketDue(session, now, due)
    }
    return due
  }

  sessions(): Iterable<Session> {
    return this.#sessions.values()
  }

  /** What a snapshot keeps. */
  timeouts(): Map<bigint, number> {
    return new Map([...this.#sessions.values()].map(({ id, timeoutMs }) => [id, timeoutMs]))
  }

  #onBucketDue(session: Session, now: number, due: Session[]): void {
    if (session.closing) return
    if (session.deadline > now) return this.#enqueue(session)
    session.closing = true
    due.push(session)
  }

  #enqueue(session: Session): void {
    const bucket = this.#buckets.get(session.deadline)
    if (bucket === undefined) this.#buckets.set(session.deadline, [session])
    else bucket.push(session)
    this.#nextBucket = Math.min(this.#nextBucket ?? session.deadline, session.deadline)
  }

  #deadline(timeoutMs: number, now: number): number {
    return Math.floor((now + timeoutMs) / this.tickMs + 1) * this.tickMs
  }
}
