/**
 * Reading a txn log: whole records in order, then a verdict over what follows the last of them
 * (`torn-tail.ts`).
 */
import { encode, FileHeader, JuteError, Reader, TXN_LOG_MAGIC } from '@baton/jute'
import type { Disk } from '@baton/runtime'
import { decodeTxn } from '../state/txn.ts'
import { LOG_HEADER_BYTES, LOG_VERSION, RECORD_HEAD_BYTES } from './file-txn-log.ts'
import { LogFile } from './log-file.ts'
import { PersistenceError, reasonOf } from './persistence-error.ts'
import { judgeEnd } from './torn-tail.ts'

/** What `decodeTxn` gives, and where the record began. */
export type LoggedTxn = ReturnType<typeof decodeTxn> & { readonly offset: number }

export interface LogEnd {
  /** Where the last whole record ends: 0 for a file without even a header. */
  readonly validEnd: number
  readonly fileBytes: number
  /** Whether anything but zeros follows. */
  readonly torn: boolean
  /** Of the last whole record. */
  readonly lastZxid: number | undefined
}

/** In a TxnHeader, after clientId and cxid. */
const ZXID_AT = 12
const HEADER = encode(FileHeader, { magic: TXN_LOG_MAGIC, version: LOG_VERSION, dbid: 0n })
/** The rest of the header is zeros. */
const HEADER_WRITTEN_BYTES = 8

/**
 * Gives each txn after `afterZxid` in order; the data in it is a view that holds only during the
 * call. Earlier records are checked and not decoded. Throws `PersistenceError` on damage.
 */
export async function readTxnLog(
  disk: Disk,
  path: string,
  afterZxid: number,
  onTxn: (txn: LoggedTxn) => void,
): Promise<LogEnd> {
  const file = await disk.open(path, 'read')
  try {
    const fileBytes = await file.size()
    const reader = new LogFile(file, fileBytes)
    if (!(await readHeader(reader, path))) {
      const torn = await judgeEnd(reader, path, 0)
      return { validEnd: 0, fileBytes, torn, lastZxid: undefined }
    }
    let lastZxid: number | undefined
    let at = LOG_HEADER_BYTES
    for (;;) {
      const length = reader.loadedRecordAt(at) ?? (await reader.recordAt(at))
      if (length === undefined) break
      const bytes = reader.bytesAt(at + RECORD_HEAD_BYTES, length)
      lastZxid = new Reader(bytes, ZXID_AT).long()
      if (lastZxid > afterZxid) onTxn(decodeRecord(bytes, path, at))
      at += RECORD_HEAD_BYTES + length + 1
    }
    const torn = await judgeEnd(reader, path, at)
    return { validEnd: at, fileBytes, torn, lastZxid }
  } finally {
    await file.close()
  }
}

/** False where the header never got to the disk, or not all of it. */
async function readHeader(reader: LogFile, path: string): Promise<boolean> {
  const length = Math.min(LOG_HEADER_BYTES, reader.size)
  if (!(await reader.load(0, length))) return false
  const bytes = reader.bytesAt(0, length)
  const written = bytes.subarray(0, bytes.findLastIndex(byte => byte !== 0) + 1)
  if (written.equals(HEADER.subarray(0, HEADER_WRITTEN_BYTES))) return length === LOG_HEADER_BYTES
  if (written.equals(HEADER.subarray(0, written.length))) return false
  throw new PersistenceError(
    path,
    `not a ZooKeeper txn log of version ${LOG_VERSION}, ` +
      `since it begins with ${bytes.toString('hex')}. ` +
      'Move the file away if it does not belong here',
  )
}

function decodeRecord(bytes: Uint8Array, path: string, offset: number): LoggedTxn {
  try {
    return { ...decodeTxn(bytes), offset }
  } catch (error) {
    if (!(error instanceof JuteError)) throw error
    throw new PersistenceError(
      path,
      `the checksum of this record is right, but it is no txn this server knows ` +
        `(${reasonOf(error)}). Was it written by a newer version?`,
      { offset, cause: error },
    )
  }
}
