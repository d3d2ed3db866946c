/**
 * A txn: what the log keeps, what a proposal carries, what the tree applies. It says what became of
 * a request, not what was asked: versions and names are the new ones, so that applying it twice
 * leaves the tree as applying it once.
 *
 * On disk: {TxnHeader, record of the header's type, TxnDigest}. Error txns carry no digest, and a
 * reader takes its absence (ZooKeeper 3.9 `SerializeUtils.deserializeTxn`).
 */
import {
  CheckVersionTxn,
  CloseSessionTxn,
  CreateContainerTxn,
  CreateSessionTxn,
  CreateTTLTxn,
  CreateTxn,
  DeleteTxn,
  ErrorTxn,
  JuteError,
  MultiTxn,
  OpCode,
  opCodeName,
  Reader,
  SetACLTxn,
  SetDataTxn,
  TxnDigest,
  TxnHeader,
  Writer,
} from '@baton/jute'
import type { AnyType, SubTxn } from '@baton/jute'
import { assert } from '@baton/runtime'
import { DIGEST_VERSION } from './digest.ts'
import type { DigestSum } from './digest.ts'

export type Txn =
  | { readonly type: typeof OpCode.create | typeof OpCode.create2; readonly body: CreateTxn }
  | { readonly type: typeof OpCode.createContainer; readonly body: CreateContainerTxn }
  | { readonly type: typeof OpCode.createTTL; readonly body: CreateTTLTxn }
  | {
      readonly type: typeof OpCode.delete | typeof OpCode.deleteContainer
      readonly body: DeleteTxn
    }
  | { readonly type: typeof OpCode.setData | typeof OpCode.reconfig; readonly body: SetDataTxn }
  | { readonly type: typeof OpCode.setACL; readonly body: SetACLTxn }
  | { readonly type: typeof OpCode.check; readonly body: CheckVersionTxn }
  | { readonly type: typeof OpCode.createSession; readonly body: CreateSessionTxn }
  | { readonly type: typeof OpCode.closeSession; readonly body: CloseSessionTxn | undefined }
  | { readonly type: typeof OpCode.error; readonly body: ErrorTxn }
  | { readonly type: typeof OpCode.multi; readonly body: readonly Txn[] }

/** multi stands apart: its parts are txns again. */
const bodies: Readonly<Record<number, AnyType>> = {
  [OpCode.create]: CreateTxn,
  [OpCode.create2]: CreateTxn,
  [OpCode.createContainer]: CreateContainerTxn,
  [OpCode.createTTL]: CreateTTLTxn,
  [OpCode.delete]: DeleteTxn,
  [OpCode.deleteContainer]: DeleteTxn,
  [OpCode.setData]: SetDataTxn,
  [OpCode.reconfig]: SetDataTxn,
  [OpCode.setACL]: SetACLTxn,
  [OpCode.check]: CheckVersionTxn,
  [OpCode.createSession]: CreateSessionTxn,
  [OpCode.closeSession]: CloseSessionTxn,
  [OpCode.error]: ErrorTxn,
}

/** What a multi may hold. */
const partTypes: ReadonlySet<number> = new Set([
  OpCode.create,
  OpCode.create2,
  OpCode.createContainer,
  OpCode.createTTL,
  OpCode.delete,
  OpCode.deleteContainer,
  OpCode.setData,
  OpCode.check,
  OpCode.error,
])

const TXN_INITIAL_BYTES = 256
const TXN_DIGEST_BYTES = 12
/** Before 3.6 `CreateTxn` ended without `parentCVersion`; -1 means "one more than it is". */
const PARENT_CVERSION_UNKNOWN = -1

/** `header.type` must be the txn's. `digest` is the tree's after this txn. */
export function encodeTxn(header: TxnHeader, txn: Txn, digest?: DigestSum): Buffer {
  assert(header.type === txn.type, 'the header names the type of its txn')
  const writer = new Writer(TXN_INITIAL_BYTES)
  writeTxn(writer, header, txn, digest)
  return writer.finish()
}

export function writeTxn(writer: Writer, header: TxnHeader, txn: Txn, digest?: DigestSum): void {
  writer.long64(header.clientId)
  writer.int(header.cxid)
  writer.long(header.zxid)
  writer.long(header.time)
  writer.int(header.type)
  writeBody(writer, txn)
  if (digest === undefined) return
  writer.int(DIGEST_VERSION)
  writer.int(digest.high)
  writer.int(digest.low)
}

function writeBody(writer: Writer, txn: Txn): void {
  if (txn.type === OpCode.multi) {
    const parts: SubTxn[] = txn.body.map(part => {
      assert(partTypes.has(part.type), `a multi may hold ${opCodeName(part.type)}`)
      const inner = new Writer(TXN_INITIAL_BYTES)
      writeBody(inner, part)
      return { type: part.type, data: inner.finish() }
    })
    return MultiTxn.write(writer, { txns: parts })
  }
  // The record of a closeSession is absent in logs of ZooKeeper before 3.6.
  if (txn.body === undefined) return
  bodyType(txn.type).write(writer, txn.body)
}

function bodyType(type: number): AnyType {
  const body = bodies[type]
  if (body === undefined) throw new JuteError(`txn: type ${type} is not a txn's`)
  return body
}

/** Throws `JuteError` on bytes that are no txn. The txn's buffers are views of `bytes`. */
export function decodeTxn(bytes: Uint8Array): {
  readonly header: TxnHeader
  readonly txn: Txn
  readonly digest: TxnDigest | undefined
} {
  const reader = new Reader(bytes)
  const header = TxnHeader.read(reader)
  const txn = readBody(reader, header.type)
  const digest = reader.remaining >= TXN_DIGEST_BYTES ? TxnDigest.read(reader) : undefined
  if (reader.remaining > 0) {
    throw new JuteError(`txn ${opCodeName(header.type)}: ${reader.remaining} bytes after its end`)
  }
  return { header, txn, digest }
}

function readBody(reader: Reader, type: number): Txn {
  if (type === OpCode.multi) {
    const parts = MultiTxn.read(reader).txns.map(part => {
      if (!partTypes.has(part.type)) {
        throw new JuteError(`multi txn: ${opCodeName(part.type)} is not allowed in it`)
      }
      if (part.data === null) throw new JuteError('multi txn: a part without bytes')
      return readBody(new Reader(part.data), part.type)
    })
    return { type, body: parts }
  }
  if (type === OpCode.closeSession && reader.remaining === 0) return { type, body: undefined }
  if (type === OpCode.create || type === OpCode.create2) {
    return { type, body: readCreate(reader) }
  }
  return { type, body: bodyType(type).read(reader) } as Txn
}

function readCreate(reader: Reader): CreateTxn {
  const start = reader.offset
  try {
    return CreateTxn.read(reader)
  } catch (error) {
    if (!(error instanceof JuteError)) throw error
    // Perhaps the older shape, which lacks the last four bytes: read it with them made up.
    const padded = Buffer.alloc(reader.end - start + 4)
    reader.buffer.copy(padded, 0, start, reader.end)
    padded.writeInt32BE(PARENT_CVERSION_UNKNOWN, reader.end - start)
    const inner = new Reader(padded)
    const txn = CreateTxn.read(inner)
    if (inner.remaining > 0) throw error
    reader.offset = reader.end
    return txn
  }
}
