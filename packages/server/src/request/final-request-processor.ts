/**
 * Applies what was ordered and answers (ZooKeeper 3.9 `FinalRequestProcessor`).
 *
 * A delivered txn goes to the tree, which queues its watch events on the connections before it
 * returns; only then is the reply written, behind them. A read is a row of `readOperations`: it
 * reads its request straight from the frame and writes its reply straight into the connection's
 * output. The zxid of every reply is that of the newest txn applied here.
 */
import { ErrorCode, JuteError, OpCode, Xid } from '@baton/jute'
import type { Writer } from '@baton/jute'
import { assert } from '@baton/runtime'
import type { DataTree, TxnResult } from '../state/data-tree.ts'
import { writeMultiResult } from './multi.ts'
import { readOperations } from './read-operations.ts'
import { bodyReader, type ClientCnxn, type Request } from './request.ts'

/** What the stages before it want to know of an applied txn. */
export interface Applied {
  /** Its change records may be forgotten. */
  onApplied(zxid: number): void
  /** The session's closeSession was applied; its connection, if any, is to be closed. */
  onSessionClosed(sessionId: bigint): void
}

/** What is counted here. */
export interface RequestMetrics {
  commitCount: number
  onLatency(latencyMs: number): void
}

export interface FinalOptions {
  readonly tree: DataTree
  readonly metrics: RequestMetrics
  readonly applied: Applied
  readonly skipAcl: boolean
  /** Monotonic; for latencies only. */
  readonly now: () => number
}

export class FinalRequestProcessor {
  readonly tree: DataTree
  readonly skipAcl: boolean
  readonly #metrics: RequestMetrics
  readonly #applied: Applied
  readonly #now: () => number

  constructor(options: FinalOptions) {
    this.tree = options.tree
    this.skipAcl = options.skipAcl
    this.#metrics = options.metrics
    this.#applied = options.applied
    this.#now = options.now
  }

  /** A read that nothing holds back. */
  answer(cnxn: ClientCnxn, xid: number, type: number, payload: Uint8Array): void {
    const row = readOperations[type]
    assert(row !== undefined, `read ${type} has a row`)
    const reader = bodyReader(payload)
    // A ping's answer has the xid of pings, whatever the request's was.
    const replyXid = type === OpCode.ping ? Xid.ping : xid
    if (row.eventsFirst) {
      // Its catch-up events must be in the output before the reply is begun.
      const error = guarded(() => row.run(this, cnxn, reader))
      cnxn.beginReply(replyXid, this.tree.lastProcessedZxid)
      cnxn.endReply(error)
      return
    }
    const writer = cnxn.beginReply(replyXid, this.tree.lastProcessedZxid)
    cnxn.endReply(guarded(() => row.run(this, cnxn, reader, writer)))
  }

  /**
   * A read that waited for a write of its session. Its connection may have closed meanwhile, and a
   * watch left for it then would stay for ever.
   */
  answerHeld(request: Request): void {
    const { cnxn } = request
    if (cnxn === undefined || cnxn.isClosed) return
    this.answer(cnxn, request.xid, request.type, request.payload)
    this.#metrics.onLatency(this.#now() - request.receivedMs)
  }

  /** The next request in zxid order. */
  apply(request: Request): void {
    const { header, txn, cnxn, type } = request
    let result: TxnResult | undefined
    if (header !== undefined && txn !== undefined) {
      assert(header.zxid === this.tree.lastProcessedZxid + 1, 'txns are applied without a gap')
      result = this.tree.processTxn(header, txn)
      this.#applied.onApplied(header.zxid)
      this.#metrics.commitCount++
    }
    if (cnxn !== undefined) {
      if (type === OpCode.createSession) cnxn.finishSessionInit()
      else this.#reply(cnxn, request, result)
      this.#metrics.onLatency(this.#now() - request.receivedMs)
    }
    if (type !== OpCode.closeSession || header?.type !== OpCode.closeSession) return
    cnxn?.close('the client closed its session')
    this.#applied.onSessionClosed(request.sessionId)
  }

  #reply(cnxn: ClientCnxn, request: Request, result: TxnResult | undefined): void {
    const writer = cnxn.beginReply(request.xid, this.tree.lastProcessedZxid)
    if (result === undefined) {
      cnxn.endReply(answerSync(request, writer))
      return
    }
    const error = outerError(request, result)
    if (error === ErrorCode.ok) writeResult(writer, request.type, result)
    cnxn.endReply(error)
    if (error === ErrorCode.sessionMoved) cnxn.close('the session moved to another connection')
  }
}

/** A multi whose parts failed is itself answered with 0. */
function outerError(request: Request, result: TxnResult): number {
  const { txn } = request
  if (txn?.type === OpCode.error) return txn.body.err
  return txn?.type === OpCode.multi ? ErrorCode.ok : result.error
}

function answerSync(request: Request, writer: Writer): number {
  assert(request.type === OpCode.sync, 'every ordered request but sync has a txn')
  return guarded(() => {
    writer.string(bodyReader(request.payload).string() ?? '')
    return ErrorCode.ok
  })
}

function writeResult(writer: Writer, type: number, result: TxnResult): void {
  if (type === OpCode.multi) return writeMultiResult(writer, result.parts ?? [])
  if (PATH_TYPES.has(type)) writer.string(result.path ?? null)
  if (result.stat !== undefined && type !== OpCode.create) writer.raw(result.stat)
}

/** Operations that answer with the path made. */
const PATH_TYPES: ReadonlySet<number> = new Set([
  OpCode.create,
  OpCode.create2,
  OpCode.createContainer,
  OpCode.createTTL,
])

function guarded(run: () => number): number {
  try {
    return run()
  } catch (error) {
    if (error instanceof JuteError) return ErrorCode.marshallingError
    throw error
  }
}
