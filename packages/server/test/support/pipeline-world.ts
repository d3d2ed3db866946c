/** The stages without sockets and disk: a log in memory that is "synced" when the test says so. */
import { encode, OpCode, OPEN_ACL_UNSAFE, Writer } from '@baton/jute'
import type { ACL, AnyType, Id, TxnHeader } from '@baton/jute'
import * as jute from '@baton/jute'
import { ServerMetrics } from '../../src/metrics.ts'
import type { SessionQueue } from '../../src/request/commit-processor.ts'
import { RequestPipeline, type SessionCnxn } from '../../src/request/request-pipeline.ts'
import { DataTree } from '../../src/state/data-tree.ts'
import { SessionTracker, type Session } from '../../src/state/session-tracker.ts'
import type { Txn } from '../../src/state/txn.ts'
import type { WatchEvent } from '../../src/state/watch-manager.ts'

/** What a connection was sent, in order. */
export type Sent =
  | { kind: 'reply'; xid: number; zxid: number; err: number; body: Buffer }
  | { kind: 'event'; type: number; path: string; zxid: number }
  | { kind: 'established' }
  | { kind: 'closed'; reason: string }

export class FakeCnxn implements SessionCnxn {
  readonly session: Session
  readonly queue: SessionQueue
  ids: Id[] = [{ scheme: 'ip', id: '127.0.0.1' }]
  isClosed = false
  sent: Sent[] = []
  #writer = new Writer()
  #reply = { xid: 0, zxid: 0 }

  constructor(session: Session, queue: SessionQueue) {
    this.session = session
    this.queue = queue
    session.owner = this
  }
  get sessionId(): bigint {
    return this.session.id
  }
  beginReply(xid: number, zxid: number): Writer {
    this.#reply = { xid, zxid }
    return (this.#writer = new Writer())
  }
  endReply(err: number): void {
    const body = err === 0 ? this.#writer.finish() : Buffer.alloc(0)
    this.sent.push({ kind: 'reply', ...this.#reply, err, body })
  }
  process(event: WatchEvent): void {
    this.sent.push({ kind: 'event', type: event.type, path: event.path, zxid: event.zxid })
  }
  finishSessionInit(): void {
    this.sent.push({ kind: 'established' })
  }
  close(reason: string): void {
    this.sent.push({ kind: 'closed', reason })
  }
  /** What came since the last call. */
  take(): Sent[] {
    return this.sent.splice(0)
  }
  /** The same as short words: `3:0` is xid and err, `event 1 /a` a notification. */
  words(): string[] {
    return this.take().map(sent => {
      if (sent.kind === 'reply') return `${sent.xid}:${sent.err}`
      return sent.kind === 'event' ? `event ${sent.type} ${sent.path}` : sent.kind
    })
  }
}

export interface WorldOptions {
  readonly extendedTypes?: boolean
  readonly skipAcl?: boolean
}

export class PipelineWorld {
  readonly tree: DataTree
  readonly sessions = new SessionTracker(1000)
  readonly logged: { header: TxnHeader; txn: Txn }[] = []
  readonly closedSessions: bigint[] = []
  readonly pipeline: RequestPipeline
  nowMs = 0
  wallTimeMs = 1_700_000_000_000
  #nextSession = 0x100n

  constructor(options: WorldOptions = {}) {
    const extendedTypes = options.extendedTypes ?? false
    this.tree = new DataTree({ extendedTypes })
    this.pipeline = new RequestPipeline({
      tree: this.tree,
      sessions: this.sessions,
      log: { append: (header, txn) => void this.logged.push({ header, txn }) },
      metrics: new ServerMetrics(),
      lastZxid: 0,
      extendedTypes,
      skipAcl: options.skipAcl ?? false,
      reconfigEnabled: false,
      now: () => this.nowMs,
      onSessionClosed: id => this.closedSessions.push(id),
    })
  }

  /** A connection with a session that is established. */
  cnxn(): FakeCnxn {
    const session = this.sessions.track(this.#nextSession++, 10_000, this.nowMs)
    const cnxn = new FakeCnxn(session, this.pipeline.queueOf(session.id))
    this.pipeline.createSession(cnxn, 10_000, this.time())
    this.sync()
    cnxn.take()
    return cnxn
  }

  time(): { nowMs: number; wallTimeMs: number } {
    return { nowMs: this.nowMs, wallTimeMs: this.wallTimeMs }
  }

  request(cnxn: FakeCnxn, xid: number, type: number, body: Buffer = Buffer.alloc(0)): void {
    const header = encode(jute.RequestHeader, { xid, type })
    this.pipeline.onRequest(cnxn, Buffer.concat([header, body]), this.time())
  }

  /** The disk caught up with everything. */
  sync(): void {
    while (this.pipeline.proposer.takeBatch() !== 'nothing') this.pipeline.proposer.onSynced()
  }

  /** Sends, syncs, and returns the reply. */
  call(cnxn: FakeCnxn, type: number, body?: Buffer): Extract<Sent, { kind: 'reply' }> {
    this.request(cnxn, 77, type, body)
    this.sync()
    const reply = cnxn.take().find(sent => sent.kind === 'reply')
    if (reply?.kind !== 'reply') throw new Error(`operation ${type} was not answered`)
    return reply
  }

  /** Creates and returns the path made, or the error code. */
  create(cnxn: FakeCnxn, path: string, flags = 0, acl: readonly ACL[] | null = OPEN_ACL_UNSAFE) {
    const reply = this.call(cnxn, OpCode.create, create(path, flags, acl))
    return reply.err === 0 ? jute.decode(jute.CreateResponse, reply.body).path : reply.err
  }
}

export function create(path: string, flags = 0, acl: readonly ACL[] | null = OPEN_ACL_UNSAFE) {
  return encode(jute.CreateRequest, { path, data: Buffer.from('x'), acl, flags })
}

export function remove(path: string, version = -1): Buffer {
  return encode(jute.DeleteRequest, { path, version })
}

export function setData(path: string, data: string, version = -1): Buffer {
  return encode(jute.SetDataRequest, { path, data: Buffer.from(data), version })
}

export function path(name: string): Buffer {
  return encode(jute.PathRequest, { path: name })
}

export function read(name: string, watch = false): Buffer {
  return encode(jute.PathAndWatchRequest, { path: name, watch })
}

export function multi(...ops: jute.MultiRequestOp[]): Buffer {
  return encode(jute.MultiRequest, ops)
}

export function bytes<T>(type: AnyType, value: T): Buffer {
  return encode(type, value)
}
