import type { FileHandle } from 'node:fs/promises'
import { DiskError } from '../disk.ts'
import type { DiskFile } from '../disk.ts'

/** Reads above this size first ask how long the file is, so that a wrong length cannot allocate. */
const READ_UNCHECKED_BYTES_MAX = 64 * 1024

/**
 * One open file. The end is tracked here, so appends may be issued without waiting for each other.
 *
 * After an append failed, what the file holds at its end is unknown: later appends are refused with
 * the same error until `truncate` says where the end is. After a sync failed, later syncs are
 * refused for good: the kernel drops the dirty pages and would call the next sync a success.
 */
export class NodeDiskFile implements DiskFile {
  readonly path: string
  readonly #handle: FileHandle
  #end: number
  #appendError: DiskError | undefined
  #syncError: DiskError | undefined
  #closed = false

  constructor(path: string, handle: FileHandle, size: number) {
    this.path = path
    this.#handle = handle
    this.#end = size
  }

  size(): Promise<number> {
    return this.#guard(async () => (await this.#handle.stat()).size)
  }

  read(at: number, length: number): Promise<Uint8Array> {
    return this.#guard(async () => {
      let wanted = length
      if (wanted > READ_UNCHECKED_BYTES_MAX) {
        const { size } = await this.#handle.stat()
        wanted = Math.max(0, Math.min(wanted, size - at))
      }
      const bytes = new Uint8Array(wanted)
      let got = 0
      while (got < wanted) {
        const { bytesRead } = await this.#handle.read(bytes, got, wanted - got, at + got)
        if (bytesRead === 0) break
        got += bytesRead
      }
      return got === wanted ? bytes : bytes.subarray(0, got)
    })
  }

  append(bytes: Uint8Array): Promise<void> {
    if (this.#appendError !== undefined) return Promise.reject(this.#appendError)
    const at = this.#end
    this.#end += bytes.length
    return this.#writeAll(at, bytes).catch((error: unknown) => {
      const failed = toDiskError(error, this.path)
      this.#appendError ??= failed
      throw failed
    })
  }

  write(at: number, bytes: Uint8Array): Promise<void> {
    this.#end = Math.max(this.#end, at + bytes.length)
    return this.#guard(() => this.#writeAll(at, bytes))
  }

  async #writeAll(at: number, bytes: Uint8Array): Promise<void> {
    let done = 0
    while (done < bytes.length) {
      const left = bytes.length - done
      const { bytesWritten } = await this.#handle.write(bytes, done, left, at + done)
      done += bytesWritten
    }
  }

  sync(): Promise<void> {
    if (this.#syncError !== undefined) return Promise.reject(this.#syncError)
    return this.#guard(() => this.#handle.datasync()).catch((error: DiskError) => {
      this.#syncError ??= error
      throw error
    })
  }

  async truncate(size: number): Promise<void> {
    await this.#guard(() => this.#handle.truncate(size))
    this.#end = size
    this.#appendError = undefined
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#guard(() => this.#handle.close())
  }

  async #guard<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (error) {
      throw toDiskError(error, this.path)
    }
  }
}

export function toDiskError(error: unknown, path: string): DiskError {
  if (error instanceof DiskError) return error
  const { code, message } = error as NodeJS.ErrnoException
  return new DiskError(code ?? 'EIO', path, message)
}
