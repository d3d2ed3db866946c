/**
 * A request on its way through the stages, and the table that says which way each operation goes
 * (ZooKeeper 3.9 `Request`, `FinalRequestProcessor`, `PrepRequestProcessor`).
 *
 * `read`: answered from the tree, at once unless the session has an uncommitted request before it.
 * `write`: prepared into a txn, proposed, logged, delivered, applied. `ordered`: waits for every
 * write proposed before it, and changes nothing (sync). What is not in the table is answered with
 * `unimplemented` and its connection is closed.
 */
import * as jute from '@baton/jute'
import { OpCode, Reader, type Id, type TxnHeader, type Writer } from '@baton/jute'
import type { Txn } from '../state/txn.ts'
import type { Watcher } from '../state/watch-manager.ts'

/** What the stages need of a client's connection. */
export interface ClientCnxn extends Watcher {
  readonly sessionId: bigint
  readonly ids: readonly Id[]
  /** Nothing reaches it any more, and nothing must be left for it. */
  readonly isClosed: boolean
  /** Starts a reply; its body is written to the writer returned, then `endReply` must follow. */
  beginReply(xid: number, zxid: number): Writer
  /** Ends the reply begun last. A code other than 0 drops the body. */
  endReply(error: number): void
  /** The answer to a connect request, after its createSession was applied. */
  finishSessionInit(): void
  /** Sends what is queued, then closes. */
  close(reason: string): void
}

export type Kind = 'read' | 'write' | 'ordered'

interface Operation {
  readonly kind: Kind
  /** The body's table; undefined where the operation has none, or reads it by itself. */
  readonly body: jute.AnyType | undefined
}

/**
 * Stands in a session's order for a write whose bytes could not be read. Beyond what an int on the
 * wire can say, so no client can send it.
 */
export const MALFORMED = 2 ** 31

const read: Operation = { kind: 'read', body: undefined }
const write = (body: jute.AnyType | undefined): Operation => ({ kind: 'write', body })

const operations: Readonly<Record<number, Operation>> = {
  [OpCode.create]: write(jute.CreateRequest),
  [OpCode.create2]: write(jute.CreateRequest),
  [OpCode.createContainer]: write(jute.CreateRequest),
  [OpCode.createTTL]: write(jute.CreateTTLRequest),
  [OpCode.delete]: write(jute.DeleteRequest),
  [OpCode.deleteContainer]: write(jute.PathRequest),
  [OpCode.setData]: write(jute.SetDataRequest),
  [OpCode.setACL]: write(jute.SetACLRequest),
  [OpCode.multi]: write(jute.MultiRequest),
  [OpCode.reconfig]: write(jute.ReconfigRequest),
  [OpCode.closeSession]: write(undefined),
  [OpCode.sync]: { kind: 'ordered', body: undefined },
  [MALFORMED]: read,
  [OpCode.ping]: read,
  [OpCode.exists]: read,
  [OpCode.getData]: read,
  [OpCode.getACL]: read,
  [OpCode.getChildren]: read,
  [OpCode.getChildren2]: read,
  [OpCode.checkWatches]: read,
  [OpCode.removeWatches]: read,
  [OpCode.multiRead]: read,
  [OpCode.setWatches]: read,
  [OpCode.setWatches2]: read,
  [OpCode.getEphemerals]: read,
  [OpCode.getAllChildrenNumber]: read,
  [OpCode.addWatch]: read,
  [OpCode.whoAmI]: read,
}

/** undefined: an operation that a client may not send. */
export function kindOf(type: number): Kind | undefined {
  return operations[type]?.kind
}

export interface RequestOptions {
  readonly cnxn: ClientCnxn | undefined
  readonly sessionId: bigint
  readonly xid: number
  readonly type: number
  readonly record?: unknown
  /** The frame it came in; the body starts behind the eight bytes of its header. */
  readonly payload?: Uint8Array
  readonly receivedMs: number
  readonly wallTimeMs: number
}

export class Request {
  /** undefined for what the server asks by itself: createSession is the exception. */
  readonly cnxn: ClientCnxn | undefined
  readonly sessionId: bigint
  readonly xid: number
  readonly type: number
  /** The decoded body of a write; undefined where it was not to be decoded. */
  readonly record: unknown
  readonly payload: Uint8Array
  /** Monotonic. */
  readonly receivedMs: number
  readonly wallTimeMs: number
  /** Set by prepare. */
  header: TxnHeader | undefined
  txn: Txn | undefined

  constructor(options: RequestOptions) {
    this.cnxn = options.cnxn
    this.sessionId = options.sessionId
    this.xid = options.xid
    this.type = options.type
    this.record = options.record
    this.payload = options.payload ?? NOTHING
    this.receivedMs = options.receivedMs
    this.wallTimeMs = options.wallTimeMs
  }
}

const NOTHING = new Uint8Array(0)
const REQUEST_HEADER_BYTES = 8

/** Decodes a write's body. Throws `JuteError` where the bytes are not what the operation needs. */
export function decodeWrite(type: number, payload: Uint8Array): unknown {
  return operations[type]?.body?.read(new Reader(payload, REQUEST_HEADER_BYTES))
}

/** A reader behind the request header. */
export function bodyReader(payload: Uint8Array): Reader {
  return new Reader(payload, REQUEST_HEADER_BYTES)
}
