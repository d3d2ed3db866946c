/**
 * Reading a txn log, and telling a torn tail from damage.
 *
 * After a crash the end of the log may hold anything: part of a record, zeros that preallocation
 * put there, or later parts of a group whose earlier parts never reached the disk. None of it was
 * acknowledged, and all of it is cut off. But a bad record with good ones after it is damage to
 * what *was* acknowledged, and then the server must not go on as if nothing had been there.
 *
 * What tells them apart: a group is written and synced as one, and the next is written only after.
 * So a sector that is still zero lies in the last group, which nobody acknowledged, and good
 * records behind it belong to that same group: they begin within the length of a few groups. A bad
 * record without such a hole, or with good records far behind it, is damage. (ZooKeeper 3.9 takes
 * any zeros for the end and refuses any bad checksum, the last one too.)
 */
import { encode, FileHeader, JuteError, Reader, TXN_LOG_MAGIC } from '@baton/jute'
import type { Disk, DiskFile } from '@baton/runtime'
import { decodeTxn } from '../state/txn.ts'
import { ADLER32_START, adler32 } from './adler32.ts'
import {
  END_OF_RECORD,
  GROUP_BYTES_MAX,
  LOG_HEADER_BYTES,
  LOG_VERSION,
  RECORD_HEAD_BYTES,
} from './file-txn-log.ts'
import { PersistenceError, reasonOf } from './persistence-error.ts'

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

const WINDOW_BYTES = 1024 * 1024
const SECTOR_BYTES = 512
/** Good records this far behind a hole cannot belong to the group with the hole. */
const TORN_BYTES_MAX = 4 * GROUP_BYTES_MAX
/** A TxnHeader: no txn is shorter. */
const TXN_BYTES_MIN = 32
/** In a TxnHeader, after clientId and cxid. */
const ZXID_AT = 12
const HEADER = encode(FileHeader, { magic: TXN_LOG_MAGIC, version: LOG_VERSION, dbid: 0n })
/** The rest of the header is zeros. */
const HEADER_WRITTEN_BYTES = 8
const ZEROS = Buffer.alloc(WINDOW_BYTES)

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

/** Whether what follows `at` is a torn tail (true) or nothing (false). Throws on damage. */
async function judgeEnd(reader: LogFile, path: string, at: number): Promise<boolean> {
  if ((await reader.nonZeroFrom(at)) === undefined) return false
  const next = await reader.findRecord(at + 1)
  if (next === undefined) return true
  const hole = await reader.zeroSectorFrom(at, Math.min(next, at + TORN_BYTES_MAX))
  const far = hole === undefined ? next : await reader.findRecord(at + TORN_BYTES_MAX)
  if (far === undefined) return true
  throw new PersistenceError(
    path,
    `a bad record, but whole records follow at offset ${far}: what was acknowledged is damaged. ` +
      'Restore this file from a copy or from another server of the ensemble; ' +
      'cutting it off here would lose those records',
    { offset: at },
  )
}

function isZeros(bytes: Buffer, at: number, length: number): boolean {
  // The first byte answers nearly always.
  if (bytes[at] !== 0 || at + length > bytes.length) return false
  return bytes.compare(ZEROS, 0, length, at, at + length) === 0
}

/** A window over the file, moved forward as needed. */
class LogFile {
  readonly #file: DiskFile
  readonly size: number
  #window: Buffer = Buffer.alloc(0)
  #start = 0

  constructor(file: DiskFile, size: number) {
    this.#file = file
    this.size = size
  }

  /** Brings `length` bytes from `at` into the window; false where the file is shorter. */
  async load(at: number, length: number): Promise<boolean> {
    if (length < 0 || at + length > this.size) return false
    if (this.#holds(at, length)) return true
    const bytes = await this.#file.read(at, Math.max(length, WINDOW_BYTES))
    this.#window = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#start = at
    return this.#window.length >= length
  }

  #holds(at: number, length: number): boolean {
    return at >= this.#start && at + length <= this.#start + this.#window.length
  }

  bytesAt(at: number, length: number): Buffer {
    return this.#window.subarray(at - this.#start, at - this.#start + length)
  }

  /** The length of the txn of a whole record at `at`, which is then loaded; else undefined. */
  async recordAt(at: number): Promise<number | undefined> {
    if (!(await this.load(at, RECORD_HEAD_BYTES))) return undefined
    const length = this.#lengthAt(at)
    if (length === undefined) return undefined
    if (!(await this.load(at, RECORD_HEAD_BYTES + length + 1))) return undefined
    return this.loadedRecordAt(at)
  }

  /** The same without waiting; undefined also where the window does not hold the record. */
  loadedRecordAt(at: number): number | undefined {
    if (!this.#holds(at, RECORD_HEAD_BYTES)) return undefined
    const length = this.#lengthAt(at)
    if (length === undefined) return undefined
    const whole = RECORD_HEAD_BYTES + length + 1
    if (!this.#holds(at, whole)) return undefined
    const bytes = this.bytesAt(at, whole)
    if (bytes[whole - 1] !== END_OF_RECORD) return undefined
    const checksum = bytes.readUInt32BE(4)
    if (adler32(ADLER32_START, bytes, RECORD_HEAD_BYTES, whole - 1) !== checksum) return undefined
    return length
  }

  /** What the head at `at` claims, if it can be one at all. */
  #lengthAt(at: number): number | undefined {
    const head = this.bytesAt(at, RECORD_HEAD_BYTES)
    const length = head.readInt32BE(8)
    return head.readUInt32BE(0) === 0 && length >= TXN_BYTES_MIN ? length : undefined
  }

  /** Offset of the first byte from `at` on that is not zero. */
  async nonZeroFrom(at: number): Promise<number | undefined> {
    for (let from = at; from < this.size;) {
      const length = Math.min(WINDOW_BYTES, this.size - from)
      if (!(await this.load(from, length))) return undefined
      const bytes = this.bytesAt(from, length)
      if (!isZeros(bytes, 0, length)) {
        return from + bytes.findIndex(byte => byte !== 0)
      }
      from += length
    }
    return undefined
  }

  /** Offset of the first whole sector of zeros in [at, end). */
  async zeroSectorFrom(at: number, end: number): Promise<number | undefined> {
    let sector = Math.ceil(at / SECTOR_BYTES) * SECTOR_BYTES
    for (; sector + SECTOR_BYTES <= end; sector += SECTOR_BYTES) {
      if (!(await this.load(sector, SECTOR_BYTES))) return undefined
      if (isZeros(this.bytesAt(sector, SECTOR_BYTES), 0, SECTOR_BYTES)) return sector
    }
    return undefined
  }

  /** Offset of the next whole record that begins at or behind `from`. */
  async findRecord(from: number): Promise<number | undefined> {
    let at = from
    for (;;) {
      const written = await this.nonZeroFrom(at)
      if (written === undefined) return undefined
      // A record's head begins with zeros.
      at = Math.max(at, written - RECORD_HEAD_BYTES)
      const length = Math.min(WINDOW_BYTES, this.size - at)
      if (length < RECORD_HEAD_BYTES || !(await this.load(at, length))) return undefined
      const window = this.bytesAt(at, length)
      const last = length - RECORD_HEAD_BYTES
      for (let i = 0; i <= last; i++) {
        // Of a stretch of zeros only the end can be the beginning of a head.
        if (isZeros(window, i, SECTOR_BYTES)) i += SECTOR_BYTES - RECORD_HEAD_BYTES
        if (!this.#couldBeHead(window, i, at + i)) continue
        if ((await this.recordAt(at + i)) !== undefined) return at + i
      }
      if (at + length >= this.size) return undefined
      at += last + 1
    }
  }

  #couldBeHead(window: Buffer, i: number, at: number): boolean {
    if (i + RECORD_HEAD_BYTES > window.length || window.readUInt32BE(i) !== 0) return false
    const length = window.readInt32BE(i + 8)
    return length >= TXN_BYTES_MIN && at + RECORD_HEAD_BYTES + length < this.size
  }
}
