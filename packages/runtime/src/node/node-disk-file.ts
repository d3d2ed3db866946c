import type { FileHandle } from 'node:fs/promises'
import { DiskError } from '../disk.ts'
import type { DiskFile } from '../disk.ts'

/** Reads above this size first ask how long the file is, so that a wrong length cannot allocate. */
const READ_UNCHECKED_BYTES_MAX = 64 * 1024

/**
 * One open file. Its writes, syncs and truncations run one after another in the order of the calls,
 * so none need be awaited before the next, and a sync covers every write called before it. The end
 * is tracked here.
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
  /** Settles, never rejects, once all that was called before has ended. */
  #tail: Promise<void> = Promise.resolve()

  constructor(path: string, handle: FileHandle, size: number) {
    this.path = path
    this.#handle = handle
    this.#end = size
  }

  size(): Promise<number> {
    return this.#inOrder(async () => (await this.#handle.stat()).size)
  }

  async read(at: number, length: number): Promise<Uint8Array> {
    await this.#tail
    if (this.#closed) throw this.#closedError()
    return this.#guard(() => this.#readAll(at, length))
  }

  async #readAll(at: number, length: number): Promise<Uint8Array> {
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
  }

  append(bytes: Uint8Array): Promise<void> {
    const at = this.#end
    this.#end += bytes.length
    return this.#inOrder(async () => {
      if (this.#appendError !== undefined) throw this.#appendError
      try {
        await this.#writeAll(at, bytes)
      } catch (error) {
        this.#appendError = toDiskError(error, this.path)
        throw this.#appendError
      }
    })
  }

  write(at: number, bytes: Uint8Array): Promise<void> {
    this.#end = Math.max(this.#end, at + bytes.length)
    return this.#inOrder(() => this.#writeAll(at, bytes))
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
    return this.#inOrder(async () => {
      if (this.#syncError !== undefined) throw this.#syncError
      try {
        await this.#handle.datasync()
      } catch (error) {
        this.#syncError = toDiskError(error, this.path)
        throw this.#syncError
      }
    })
  }

  truncate(size: number): Promise<void> {
    this.#end = size
    return this.#inOrder(async () => {
      await this.#handle.truncate(size)
      this.#appendError = undefined
    })
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve()
    const closing = this.#inOrder(() => this.#handle.close())
    this.#closed = true
    return closing
  }

  #inOrder<T>(run: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(this.#closedError())
    const done = this.#tail.then(() => this.#guard(run))
    this.#tail = done.then(ignore, ignore)
    return done
  }

  async #guard<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (error) {
      throw toDiskError(error, this.path)
    }
  }

  #closedError(): DiskError {
    return new DiskError('EBADF', this.path, `${this.path} was closed by this program`)
  }
}

/** The caller of the operation hears of its error; the next one in line only waits. */
function ignore(): void {}

export function toDiskError(error: unknown, path: string): DiskError {
  if (error instanceof DiskError) return error
  const { code, message } = error as NodeJS.ErrnoException
  return new DiskError(code ?? 'EIO', path, message)
}
