/**
 * Makes a txn out of a write (ZooKeeper 3.9 `PrepRequestProcessor`).
 *
 * A write is judged against the future: the tree plus every txn proposed and not yet applied. Its
 * verdict is a txn that only states results (new version, new parent cversion, final path), so that
 * applying it twice or without the checks gives the same tree. A refused write still takes a zxid
 * and is logged, as an error txn: every server must answer it alike.
 *
 * Each operation is a row of `preparers`: it returns its txn, or an error code. A row adds its
 * change records only after its last check. The order of the checks is part of the protocol: it
 * decides which of several errors a client sees.
 */
import { CreateMode, ErrorCode, OpCode } from '@baton/jute'
import type { ACL, CreateRequest, Id, MultiRequest, MultiRequestOp } from '@baton/jute'
import { assert } from '@baton/runtime'
import { permits } from '../state/acl.ts'
import type { DataTree } from '../state/data-tree.ts'
import type { SessionTracker } from '../state/session-tracker.ts'
import type { Txn } from '../state/txn.ts'
import { OutstandingChanges } from './outstanding-changes.ts'
import { isTtlFlag, preparers } from './prep-operations.ts'
import type { Request } from './request.ts'

export interface PrepOptions {
  readonly tree: DataTree
  readonly sessions: Pick<SessionTracker, 'check' | 'get'>
  /** The last zxid in the log; the next txn takes the one after it. */
  readonly lastZxid: number
  readonly extendedTypes: boolean
  readonly skipAcl: boolean
  readonly reconfigEnabled: boolean
}

/** What a row is told besides its record. */
export interface PrepContext {
  readonly zxid: number
  readonly sessionId: bigint
  readonly ids: readonly Id[]
  /** False for what the server asks by itself. */
  readonly fromClient: boolean
}

export class PrepRequestProcessor {
  readonly changes: OutstandingChanges
  readonly extendedTypes: boolean
  readonly reconfigEnabled: boolean
  readonly #skipAcl: boolean
  readonly #sessions: PrepOptions['sessions']
  #lastZxid: number

  constructor(options: PrepOptions) {
    this.changes = new OutstandingChanges(options.tree)
    this.extendedTypes = options.extendedTypes
    this.reconfigEnabled = options.reconfigEnabled
    this.#skipAcl = options.skipAcl
    this.#sessions = options.sessions
    this.#lastZxid = options.lastZxid
  }

  /** Of the newest txn prepared. */
  get lastZxid(): number {
    return this.#lastZxid
  }

  /** Gives the request its header and txn. */
  prepare(request: Request): void {
    assert(request.txn === undefined, 'a request is prepared once')
    const zxid = ++this.#lastZxid
    const outcome = this.#outcome(request, zxid)
    const txn: Txn = typeof outcome === 'number' ? errorTxn(outcome) : outcome
    request.txn = txn
    request.header = {
      clientId: request.sessionId,
      cxid: request.xid,
      zxid,
      time: request.wallTimeMs,
      type: txn.type,
    }
  }

  /** The txn was applied: what it changed is in the tree now. */
  applied(zxid: number): void {
    this.changes.applied(zxid)
  }

  #outcome(request: Request, zxid: number): Txn | number {
    const { cnxn, type } = request
    if (type === OpCode.createSession) {
      return { type, body: request.record as { timeOut: number } }
    }
    if (cnxn !== undefined) {
      const refused = this.#sessions.check(request.sessionId, cnxn)
      if (refused !== ErrorCode.ok) return refused
    }
    const context: PrepContext = {
      zxid,
      sessionId: request.sessionId,
      ids: cnxn?.ids ?? [],
      fromClient: cnxn !== undefined,
    }
    if (type === OpCode.multi) return this.#multi(request.record as MultiRequest, context)
    if (type === OpCode.closeSession) this.#markClosing(request.sessionId)
    const prepare = preparers[type]
    assert(prepare !== undefined, `operation ${type} has a row`)
    return prepare(this, request.record, context, type)
  }

  /** From here on the session's own later requests are dropped. */
  #markClosing(sessionId: bigint): void {
    const session = this.#sessions.get(sessionId)
    if (session !== undefined) session.closing = true
  }

  /**
   * All or nothing: each part sees what the parts before it will have done; the first refusal takes
   * all of it back and turns every part into an error: 0 before it, its code, -2 after it.
   * `undefined` stands for bytes that are no list of allowed operations.
   */
  #multi(received: MultiRequest | undefined, context: PrepContext): Txn | number {
    const parts = received?.map(readPart)
    if (parts === undefined || !parts.every(part => part !== undefined)) {
      return ErrorCode.marshallingError
    }
    const txns: Txn[] = []
    for (const part of parts) {
      const prepare = preparers[part.type]
      assert(prepare !== undefined, 'every operation a multi may hold has a row')
      const outcome = prepare(this, part.body, context, part.type)
      if (typeof outcome !== 'number') {
        txns.push(outcome)
        continue
      }
      this.changes.rollback(context.zxid)
      return { type: OpCode.multi, body: failedParts(parts.length, txns.length, outcome) }
    }
    return { type: OpCode.multi, body: txns }
  }

  /** False where `ids` lack a permission that `acl` asks for. */
  allows(acl: readonly ACL[], perm: number, context: PrepContext): boolean {
    return this.#skipAcl || !context.fromClient || permits(acl, perm, context.ids)
  }
}

/** Reads are in the table of multi's wire format, but only multiRead may carry them. */
const MULTI_TYPES: ReadonlySet<number> = new Set([
  OpCode.create,
  OpCode.create2,
  OpCode.createTTL,
  OpCode.createContainer,
  OpCode.delete,
  OpCode.setData,
  OpCode.check,
])

/**
 * What ZooKeeper takes a part for as it reads the list (`MultiOperationRecord.deserialize`). A part
 * that a list may not hold spoils the whole list: another operation, a missing ACL list, a flag
 * that does not exist or asks for a TTL without one. A createTTL in another mode is a plain create,
 * and the container flag makes a container of any.
 */
function readPart(part: MultiRequestOp): MultiRequestOp | undefined {
  if (!MULTI_TYPES.has(part.type)) return undefined
  switch (part.type) {
    case OpCode.create:
    case OpCode.create2:
    case OpCode.createContainer:
      if (part.body.acl === null || isTtlFlag(part.body.flags) !== false) return undefined
      return plainCreate(part.type, part.body)
    case OpCode.createTTL: {
      const { path, data, acl, flags } = part.body
      if (isTtlFlag(flags) === true) return part
      return plainCreate(OpCode.create, { path, data, acl, flags })
    }
    default:
      return part
  }
}

function plainCreate(
  type: typeof OpCode.create | typeof OpCode.create2 | typeof OpCode.createContainer,
  body: CreateRequest,
): MultiRequestOp {
  return { type: body.flags === CreateMode.container ? OpCode.createContainer : type, body }
}

function errorTxn(err: number): Txn {
  return { type: OpCode.error, body: { err } }
}

function failedParts(count: number, failedAt: number, code: number): Txn[] {
  return Array.from({ length: count }, (_, at) => {
    if (at < failedAt) return errorTxn(ErrorCode.ok)
    return errorTxn(at === failedAt ? code : ErrorCode.runtimeInconsistency)
  })
}
