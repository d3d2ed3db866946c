/** A disk in memory for tests of this package that recover thousands of times. */
import { DiskError } from '@baton/runtime'
import type { Disk, DiskFile, DiskLock, OpenMode } from '@baton/runtime'

export class MemoryDisk implements Disk {
  readonly files = new Map<string, Buffer>()
  syncCount = 0
  /** Throws or passes before each operation. */
  onOperation: (kind: string, path: string) => void = () => {}

  copy(): MemoryDisk {
    const copy = new MemoryDisk()
    for (const [path, bytes] of this.files) copy.files.set(path, Buffer.from(bytes))
    return copy
  }

  get(path: string): Buffer {
    const bytes = this.files.get(path)
    if (bytes === undefined) throw new DiskError('ENOENT', path)
    return bytes
  }

  async open(path: string, mode: OpenMode): Promise<DiskFile> {
    this.onOperation('open', path)
    if (mode === 'create' && this.files.has(path)) throw new DiskError('EEXIST', path)
    if (mode === 'read') this.get(path)
    else if (!this.files.has(path)) this.files.set(path, Buffer.alloc(0))
    return new MemoryFile(this, path)
  }

  async rename(from: string, to: string): Promise<void> {
    this.onOperation('rename', from)
    this.files.set(to, this.get(from))
    this.files.delete(from)
  }

  async remove(path: string): Promise<void> {
    this.onOperation('remove', path)
    this.get(path)
    this.files.delete(path)
  }

  async list(path: string): Promise<readonly string[]> {
    const prefix = `${path}/`
    return [...this.files.keys()]
      .filter(name => name.startsWith(prefix))
      .map(name => name.slice(prefix.length))
      .sort()
  }

  async makeDirectory(path: string): Promise<void> {
    this.onOperation('makeDirectory', path)
  }

  async syncDirectory(path: string): Promise<void> {
    this.onOperation('syncDirectory', path)
  }

  async stat(path: string): Promise<{ size: number; isDirectory: boolean } | undefined> {
    const bytes = this.files.get(path)
    return bytes === undefined ? undefined : { size: bytes.length, isDirectory: false }
  }

  lock(path: string): Promise<DiskLock> {
    return Promise.reject(new DiskError('ENOSYS', path))
  }
}

class MemoryFile implements DiskFile {
  readonly path: string
  readonly #disk: MemoryDisk

  constructor(disk: MemoryDisk, path: string) {
    this.#disk = disk
    this.path = path
  }

  async size(): Promise<number> {
    return this.#disk.get(this.path).length
  }

  async read(at: number, length: number): Promise<Uint8Array> {
    return this.#disk.get(this.path).subarray(at, at + length)
  }

  append(bytes: Uint8Array): Promise<void> {
    return this.write(this.#disk.get(this.path).length, bytes)
  }

  async write(at: number, bytes: Uint8Array): Promise<void> {
    this.#disk.onOperation('write', this.path)
    this.#resize(Math.max(this.#disk.get(this.path).length, at + bytes.length))
    this.#disk.get(this.path).set(bytes, at)
  }

  async sync(): Promise<void> {
    this.#disk.onOperation('sync', this.path)
    this.#disk.syncCount++
  }

  async truncate(size: number): Promise<void> {
    this.#disk.onOperation('truncate', this.path)
    this.#resize(size)
  }

  async close(): Promise<void> {}

  #resize(size: number): void {
    const old = this.#disk.get(this.path)
    if (old.length === size) return
    const bytes = Buffer.alloc(size)
    old.copy(bytes)
    this.#disk.files.set(this.path, bytes)
  }
}
