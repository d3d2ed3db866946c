/** Random access to a txn log file through a window, and the search for whole records in it. */
import type { DiskFile } from '@baton/runtime'
import { ADLER32_START, adler32 } from './adler32.ts'
import { END_OF_RECORD, RECORD_HEAD_BYTES } from './file-txn-log.ts'

/** What a disk writes whole or not at all. */
export const SECTOR_BYTES = 512
const WINDOW_BYTES = 1024 * 1024
/** A TxnHeader: no txn is shorter. */
const TXN_BYTES_MIN = 32
const ZEROS = Buffer.alloc(WINDOW_BYTES)

export function isZeros(bytes: Buffer, at: number, length: number): boolean {
  // The first byte answers nearly always.
  if (bytes[at] !== 0 || at + length > bytes.length) return false
  return bytes.compare(ZEROS, 0, length, at, at + length) === 0
}

/** A window over the file, moved forward as needed. */
export class LogFile {
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
    const length = this.lengthAt(at)
    if (length === undefined) return undefined
    if (!(await this.load(at, RECORD_HEAD_BYTES + length + 1))) return undefined
    return this.loadedRecordAt(at)
  }

  /** The same without waiting; undefined also where the window does not hold the record. */
  loadedRecordAt(at: number): number | undefined {
    if (!this.#holds(at, RECORD_HEAD_BYTES)) return undefined
    const length = this.lengthAt(at)
    if (length === undefined) return undefined
    const whole = RECORD_HEAD_BYTES + length + 1
    if (!this.#holds(at, whole)) return undefined
    const bytes = this.bytesAt(at, whole)
    if (bytes[whole - 1] !== END_OF_RECORD) return undefined
    const checksum = bytes.readUInt32BE(4)
    if (adler32(ADLER32_START, bytes, RECORD_HEAD_BYTES, whole - 1) !== checksum) return undefined
    return length
  }

  /** What the loaded head at `at` claims, if it can be one at all. */
  lengthAt(at: number): number | undefined {
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

  /** Offset behind the last byte from `at` on that is not zero; `at` where all are. */
  async endOfNonZero(at: number): Promise<number> {
    let end = at
    for (let from = at; from < this.size;) {
      const length = Math.min(WINDOW_BYTES, this.size - from)
      if (!(await this.load(from, length))) break
      const bytes = this.bytesAt(from, length)
      if (!isZeros(bytes, 0, length)) end = from + bytes.findLastIndex(byte => byte !== 0) + 1
      from += length
    }
    return end
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
