import { DiskError } from '../disk.ts'
import type { DiskFile } from '../disk.ts'
import type { DiskOperationKind } from './sim-disk.ts'
import type { SimInode } from './sim-inode.ts'
import type { Located, OperationOptions, SimProcessDisk } from './sim-process-disk.ts'

/** Keeps the promises of the real file; `NodeDiskFile` says why errors of appends, syncs stay. */
export class SimDiskFile implements DiskFile {
  readonly path: string
  readonly #disk: SimProcessDisk
  readonly #place: Located
  readonly #inode: SimInode
  readonly #writable: boolean
  #end: number
  #appendError: DiskError | undefined
  #syncError: DiskError | undefined
  #closed = false
  #lastDueMs = 0

  constructor(disk: SimProcessDisk, place: Located, inode: SimInode, writable: boolean) {
    this.path = place.shown
    this.#disk = disk
    this.#place = place
    this.#inode = inode
    this.#writable = writable
    this.#end = inode.size
  }

  size(): Promise<number> {
    return this.#operate('size', () => this.#inode.size)
  }

  read(at: number, length: number): Promise<Uint8Array> {
    return this.#operate('read', () => this.#inode.read(at, length))
  }

  append(bytes: Uint8Array): Promise<void> {
    const at = this.#end
    this.#end += bytes.length
    const run = (): void => {
      if (this.#appendError !== undefined) throw this.#appendError
      this.#put(at, bytes)
    }
    const onError = (error: DiskError): void => {
      this.#appendError ??= error
    }
    return this.#operate('append', run, { onError, tear: () => this.#tear(at, bytes) })
  }

  write(at: number, bytes: Uint8Array): Promise<void> {
    this.#end = Math.max(this.#end, at + bytes.length)
    const run = (): void => this.#put(at, bytes)
    return this.#operate('write', run, { tear: () => this.#tear(at, bytes) })
  }

  sync(): Promise<void> {
    const run = (): void => {
      if (this.#syncError !== undefined) throw this.#syncError
      this.#inode.sync()
    }
    const onError = (error: DiskError): void => {
      this.#inode.syncFailed()
      this.#syncError ??= error
    }
    return this.#operate('sync', run, { onError })
  }

  truncate(size: number): Promise<void> {
    this.#end = size
    return this.#operate('truncate', () => {
      this.#mustBeWritable()
      this.#inode.truncate(this.#disk.process.host, size)
      this.#appendError = undefined
    })
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve()
    const closing = this.#operate('close', () => {})
    this.#closed = true
    return closing
  }

  /** A full disk takes the part that fits, as `write` does. */
  #put(at: number, bytes: Uint8Array): void {
    this.#mustBeWritable()
    const { host } = this.#disk.process
    const grows = Math.max(0, at + bytes.length - this.#inode.size)
    const missing = grows - this.#place.disk.room(grows)
    const fits = missing > 0 ? bytes.subarray(0, bytes.length - missing) : bytes
    this.#inode.write(host, at, fits)
    if (missing > 0) throw new DiskError('ENOSPC', this.path, `ENOSPC: no space for ${this.path}`)
  }

  #tear(at: number, bytes: Uint8Array): void {
    const kept = this.#place.disk.random.int(bytes.length + 1)
    this.#inode.write(this.#disk.process.host, at, bytes.subarray(0, kept))
  }

  #mustBeWritable(): void {
    if (!this.#writable)
      throw new DiskError('EBADF', this.path, `${this.path} is open to read only`)
  }

  #operate<T>(kind: DiskOperationKind, run: () => T, options: OperationOptions = {}): Promise<T> {
    if (this.#closed)
      return Promise.reject(new DiskError('EBADF', this.path, `${this.path} was closed`))
    const { sim } = this.#disk.process
    const notBeforeMs = Math.max(this.#lastDueMs, sim.now)
    const done = this.#disk.operate(kind, this.#place, run, { ...options, notBeforeMs })
    this.#lastDueMs = this.#disk.lastDueMs
    return done
  }
}
