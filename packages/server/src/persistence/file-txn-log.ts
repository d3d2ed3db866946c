/**
 * Writing the txn log, in ZooKeeper's own format (ZooKeeper 3.9 `FileTxnLog`):
 *
 *   file    16 bytes: "ZKLG", version 2, dbid 0; then records; then preallocated zeros
 *   record  Adler-32 of the txn bytes (8), their length (4), the txn bytes, 'B'
 *
 * Group commit: `append` only encodes into memory. `sync` writes all that has gathered with one
 * write and makes it durable with one fdatasync; meanwhile the next group gathers. A group is split
 * at 1 MiB: the reader relies on an unsynced tail being no longer than a few of those.
 *
 * Preallocation grows the file in large steps, so that an fdatasync rarely has a new size to
 * record. Once a write or sync has failed nobody knows what the file holds, and the log takes
 * nothing more: the next start reads what is there.
 */
import { encode, FileHeader, TXN_LOG_MAGIC, Writer } from '@baton/jute'
import type { TxnHeader } from '@baton/jute'
import { assert } from '@baton/runtime'
import type { Disk, DiskFile } from '@baton/runtime'
import type { DigestSum } from '../state/digest.ts'
import { writeTxn } from '../state/txn.ts'
import type { Txn } from '../state/txn.ts'
import { ADLER32_START, adler32 } from './adler32.ts'
import { logName } from './data-files.ts'
import { PersistenceError, reasonOf } from './persistence-error.ts'

export const LOG_VERSION = 2
export const LOG_HEADER_BYTES = 16
/** Checksum and length. */
export const RECORD_HEAD_BYTES = 12
/** 'B': the record is whole. */
export const END_OF_RECORD = 0x42
/** One write and one fdatasync take at most about this much. */
export const GROUP_BYTES_MAX = 1024 * 1024

/** The file grows when less than this is left of it, as in ZooKeeper. */
const PREALLOCATE_AHEAD_BYTES = 4096
const WRITER_BYTES = 64 * 1024
const SPARE_WRITERS_MAX = 2

export interface FileTxnLogOptions {
  /** 0: no preallocation. */
  readonly preAllocBytes: number
  /** A file larger than this is followed by a new one; undefined: never. */
  readonly sizeLimitBytes: number | undefined
}

interface Group {
  /** Begins a new file. */
  readonly fresh: boolean
  readonly firstZxid: number
  lastZxid: number
  readonly writer: Writer
}

export class FileTxnLog {
  readonly #disk: Disk
  readonly #directory: string
  readonly #options: FileTxnLogOptions
  #groups: Group[] = []
  #rollNext = true
  #appendedZxid: number
  #syncedZxid: number
  #file: DiskFile | undefined
  #fileSize = 0
  #position = 0
  /** Bytes of the current file with what is still in memory. */
  #plannedBytes = 0
  #syncing = false
  #failure: PersistenceError | undefined
  readonly #spareWriters: Writer[] = []

  /** `lastZxid`: what the log and snapshot on disk end with. */
  constructor(disk: Disk, directory: string, lastZxid: number, options: FileTxnLogOptions) {
    this.#disk = disk
    this.#directory = directory
    this.#appendedZxid = lastZxid
    this.#syncedZxid = lastZxid
    this.#options = options
  }

  get appendedZxid(): number {
    return this.#appendedZxid
  }
  get syncedZxid(): number {
    return this.#syncedZxid
  }
  get unsyncedBytes(): number {
    return this.#groups.reduce((sum, group) => sum + group.writer.offset, 0)
  }

  /** Takes the txn into memory and returns the size of its record. Zxids must grow. */
  append(header: TxnHeader, txn: Txn, digest?: DigestSum): number {
    if (this.#failure !== undefined) throw this.#failure
    assert(header.zxid > this.#appendedZxid, 'zxids grow in the log')
    const group = this.#groupFor(header.zxid)
    const { writer } = group
    const start = writer.reserve(RECORD_HEAD_BYTES)
    writeTxn(writer, header, txn, digest)
    const end = writer.reserve(1)
    const bodyAt = start + RECORD_HEAD_BYTES
    const { buffer } = writer
    buffer.writeUInt32BE(0, start)
    buffer.writeUInt32BE(adler32(ADLER32_START, buffer, bodyAt, end), start + 4)
    buffer.writeInt32BE(end - bodyAt, start + 8)
    buffer[end] = END_OF_RECORD
    group.lastZxid = header.zxid
    this.#appendedZxid = header.zxid
    this.#plannedBytes += writer.offset - start
    return writer.offset - start
  }

  /** The next append begins a new file. */
  roll(): void {
    this.#rollNext = true
  }

  /** Resolves once everything appended before the call is durable. One at a time. */
  async sync(): Promise<void> {
    assert(!this.#syncing, 'one sync runs at a time')
    if (this.#failure !== undefined) throw this.#failure
    this.#syncing = true
    const groups = this.#groups
    this.#groups = []
    try {
      for (const group of groups) {
        await this.#writeGroup(group)
        this.#syncedZxid = group.lastZxid
        this.#recycle(group.writer)
      }
    } catch (error) {
      const path = this.#file?.path ?? this.#directory
      this.#failure = new PersistenceError(
        path,
        `the txn log cannot be written (${reasonOf(error)}); nothing more is acknowledged. ` +
          'Look at the disk, then start the server again',
        { cause: error },
      )
      throw this.#failure
    } finally {
      this.#syncing = false
    }
  }

  async close(): Promise<void> {
    await this.#file?.close()
    this.#file = undefined
    this.#failure ??= new PersistenceError(this.#directory, 'the txn log was closed')
  }

  #groupFor(zxid: number): Group {
    const limit = this.#options.sizeLimitBytes
    const fresh = this.#rollNext || (limit !== undefined && this.#plannedBytes > limit)
    const last = this.#groups.at(-1)
    if (last !== undefined && !fresh && last.writer.offset < GROUP_BYTES_MAX) return last
    if (fresh) this.#plannedBytes = LOG_HEADER_BYTES
    this.#rollNext = false
    const writer = this.#spareWriters.pop() ?? new Writer(WRITER_BYTES)
    const group = { fresh, firstZxid: zxid, lastZxid: zxid, writer }
    this.#groups.push(group)
    return group
  }

  async #writeGroup(group: Group): Promise<void> {
    if (group.fresh) await this.#startFile(group.firstZxid)
    const file = this.#file
    assert(file !== undefined, 'a log file is open')
    const bytes = group.writer.buffer.subarray(0, group.writer.offset)
    await this.#preallocate(file, bytes.length)
    await file.write(this.#position, bytes)
    this.#position += bytes.length
    await file.sync()
    // The new name must survive as well; the file holds a whole group by now.
    if (group.fresh) await this.#disk.syncDirectory(this.#directory)
  }

  async #startFile(firstZxid: number): Promise<void> {
    await this.#file?.close()
    this.#file = undefined
    this.#file = await this.#disk.open(`${this.#directory}/${logName(firstZxid)}`, 'create')
    const header = { magic: TXN_LOG_MAGIC, version: LOG_VERSION, dbid: 0n }
    await this.#file.write(0, encode(FileHeader, header))
    this.#position = LOG_HEADER_BYTES
    this.#fileSize = LOG_HEADER_BYTES
  }

  async #preallocate(file: DiskFile, length: number): Promise<void> {
    const step = this.#options.preAllocBytes
    const needed = this.#position + length
    if (step === 0 || needed + PREALLOCATE_AHEAD_BYTES < this.#fileSize) return
    while (this.#fileSize <= needed + PREALLOCATE_AHEAD_BYTES) this.#fileSize += step
    await file.truncate(this.#fileSize)
  }

  #recycle(writer: Writer): void {
    if (this.#spareWriters.length >= SPARE_WRITERS_MAX) return
    if (writer.buffer.length > 2 * GROUP_BYTES_MAX) return
    writer.offset = 0
    this.#spareWriters.push(writer)
  }
}
