/**
 * The stages put together: prepare -> propose -> (log) -> deliver -> apply, and past them the
 * reads. This is a core: what it is given is a frame and the time, what it does is written into
 * connections and into the log's memory. Its driver syncs the log and says so to the proposer.
 */
import { ErrorCode, JuteError, OpCode } from '@baton/jute'
import type { DataTree } from '../state/data-tree.ts'
import type { SessionTracker } from '../state/session-tracker.ts'
import { CommitProcessor, type SessionQueue } from './commit-processor.ts'
import { FinalRequestProcessor, type RequestMetrics } from './final-request-processor.ts'
import { PrepRequestProcessor } from './prep-request-processor.ts'
import type { TxnLog } from './proposer.ts'
import { decodeWrite, kindOf, MALFORMED, Request } from './request.ts'
import type { ClientCnxn, Kind } from './request.ts'
import { StandaloneProposer } from './standalone-proposer.ts'

export interface PipelineOptions {
  readonly tree: DataTree
  readonly sessions: SessionTracker
  readonly log: TxnLog
  readonly metrics: RequestMetrics
  readonly lastZxid: number
  readonly extendedTypes: boolean
  readonly skipAcl: boolean
  readonly reconfigEnabled: boolean
  readonly now: () => number
  /** A closeSession was applied and the session is forgotten. */
  readonly onSessionClosed: (sessionId: bigint) => void
}

/** The time at which a turn's bytes were read. */
export interface TurnTime {
  /** Monotonic. */
  readonly nowMs: number
  readonly wallTimeMs: number
}

/** A connection with its session's place in the order. */
export interface SessionCnxn extends ClientCnxn {
  readonly queue: SessionQueue | undefined
}

export class RequestPipeline {
  readonly proposer: StandaloneProposer
  readonly #prep: PrepRequestProcessor
  readonly #final: FinalRequestProcessor
  readonly #commit: CommitProcessor
  readonly #metrics: RequestMetrics

  constructor(options: PipelineOptions) {
    const { sessions } = options
    this.#metrics = options.metrics
    this.#prep = new PrepRequestProcessor(options)
    this.#final = new FinalRequestProcessor({
      ...options,
      applied: {
        onApplied: zxid => this.#prep.applied(zxid),
        onSessionClosed: sessionId => {
          options.onSessionClosed(sessionId)
          sessions.remove(sessionId)
        },
      },
    })
    this.#commit = new CommitProcessor(this.#final)
    this.proposer = new StandaloneProposer(this.#prep, options.log, request => {
      this.#commit.deliver(request)
      if (request.type === OpCode.closeSession) this.#commit.forget(request.sessionId)
    })
  }

  /** Requests that were taken and not answered yet. */
  get outstandingCount(): number {
    return this.#commit.heldCount
  }

  queueOf(sessionId: bigint): SessionQueue {
    return this.#commit.queueOf(sessionId)
  }

  /** A client's frame, at least eight bytes long. */
  onRequest(cnxn: SessionCnxn, payload: Buffer, time: TurnTime): void {
    const xid = payload.readInt32BE(0)
    const type = payload.readInt32BE(4)
    const kind = kindOf(type)
    if (kind === undefined) return refuse(cnxn, xid)
    const { queue } = cnxn
    if (queue === undefined) return
    if (kind !== 'read') return this.#submit(cnxn, queue, { xid, type, kind, payload }, time)
    if (queue.length === 0) {
      this.#final.answer(cnxn, xid, type, payload)
      this.#metrics.onLatency(0)
      return
    }
    this.#hold(cnxn, queue, { xid, type, payload }, time)
  }

  #hold(
    cnxn: ClientCnxn,
    queue: SessionQueue,
    frame: { xid: number; type: number; payload: Uint8Array },
    time: TurnTime,
  ): void {
    this.#commit.hold(queue, requestOf(cnxn, frame, time))
  }

  #submit(
    cnxn: ClientCnxn,
    queue: SessionQueue,
    frame: { xid: number; type: number; kind: Kind; payload: Uint8Array },
    time: TurnTime,
  ): void {
    let record: unknown
    try {
      record = decodeWrite(frame.type, frame.payload)
    } catch (error) {
      if (!(error instanceof JuteError)) throw error
      // As ZooKeeper: an unreadable multi still takes a zxid, an unreadable single write does not.
      if (frame.type !== OpCode.multi) return this.#malformed(cnxn, queue, frame, time)
    }
    const request = requestOf(cnxn, { ...frame, record }, time)
    this.#commit.submit(this.proposer, queue, request)
  }

  #malformed(
    cnxn: ClientCnxn,
    queue: SessionQueue,
    frame: { xid: number; payload: Uint8Array },
    time: TurnTime,
  ): void {
    if (queue.length === 0) this.#final.answer(cnxn, frame.xid, MALFORMED, frame.payload)
    else this.#hold(cnxn, queue, { ...frame, type: MALFORMED }, time)
  }

  /** The connection's session, tracked already, becomes durable; then `finishSessionInit`. */
  createSession(cnxn: ClientCnxn, timeoutMs: number, time: TurnTime): void {
    const record = { timeOut: timeoutMs }
    const request = requestOf(cnxn, { xid: 0, type: OpCode.createSession, record }, time)
    this.#commit.submit(this.proposer, this.queueOf(cnxn.sessionId), request)
  }

  /** The server closes a session by itself: it expired, or nobody knows it. */
  closeSession(sessionId: bigint, time: TurnTime): void {
    this.#own(sessionId, OpCode.closeSession, undefined, time)
  }

  /** The checker of containers found one that may go. */
  deleteContainer(path: string, time: TurnTime): void {
    this.#own(0n, OpCode.deleteContainer, { path }, time)
  }

  #own(sessionId: bigint, type: number, record: unknown, time: TurnTime): void {
    const request = new Request({
      cnxn: undefined,
      sessionId,
      xid: 0,
      type,
      record,
      receivedMs: time.nowMs,
      wallTimeMs: time.wallTimeMs,
    })
    this.#commit.submit(this.proposer, this.queueOf(sessionId), request)
  }
}

function requestOf(
  cnxn: ClientCnxn,
  frame: { xid: number; type: number; payload?: Uint8Array; record?: unknown },
  time: TurnTime,
): Request {
  return new Request({
    cnxn,
    sessionId: cnxn.sessionId,
    xid: frame.xid,
    type: frame.type,
    receivedMs: time.nowMs,
    wallTimeMs: time.wallTimeMs,
    ...(frame.payload === undefined ? {} : { payload: frame.payload }),
    ...(frame.record === undefined ? {} : { record: frame.record }),
  })
}

/** An operation nobody may send: answered outside of the order, then the connection goes. */
function refuse(cnxn: ClientCnxn, xid: number): void {
  cnxn.beginReply(xid, -1)
  cnxn.endReply(ErrorCode.unimplemented)
  cnxn.close('the client sent an operation that does not exist')
}
