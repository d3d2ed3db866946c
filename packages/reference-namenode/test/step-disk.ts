import { DiskError, parentDirectory, type Disk, type DiskFile, type OpenMode } from '@baton/runtime'

/** Files in memory; every operation takes effect at once, in the turn in which it is called. */
export class MemoryDisk {
  readonly files = new Map<string, Uint8Array>()

  content(path: string): Uint8Array {
    const found = this.files.get(path)
    if (found === undefined) throw new DiskError('ENOENT', path)
    return found
  }

  put(path: string, at: number, bytes: Uint8Array): void {
    const old = this.content(path)
    const grown = new Uint8Array(Math.max(old.length, at + bytes.length))
    grown.set(old)
    grown.set(bytes, at)
    this.files.set(path, grown)
  }

  open(path: string, mode: OpenMode): void {
    const exists = this.files.has(path)
    if (mode === 'create' && exists) throw new DiskError('EEXIST', path)
    if (mode === 'read' && !exists) throw new DiskError('ENOENT', path)
    if (!exists) this.files.set(path, new Uint8Array(0))
  }
}

/**
 * One process's way to the disk, which can be stopped before any of its operations, as SIGSTOP
 * would, and goes on when the test says so.
 */
export class StepDisk implements Disk {
  readonly #disk: MemoryDisk
  operationCount = 0
  /** The operation before which this process is stopped. */
  stopBefore = Number.POSITIVE_INFINITY
  #onStop: () => void = () => {}
  #goOn: (() => void) | undefined
  readonly stopped = new Promise<void>(resolve => {
    this.#onStop = resolve
  })

  constructor(disk: MemoryDisk) {
    this.#disk = disk
  }

  get isStopped(): boolean {
    return this.#goOn !== undefined
  }

  goOn(): void {
    this.stopBefore = Number.POSITIVE_INFINITY
    this.#goOn?.()
    this.#goOn = undefined
  }

  async #step<T>(effect: () => T): Promise<T> {
    const index = this.operationCount
    this.operationCount += 1
    if (index >= this.stopBefore) {
      await new Promise<void>(resolve => {
        this.#goOn = resolve
        this.#onStop()
      })
    }
    return effect()
  }

  async open(path: string, mode: OpenMode): Promise<DiskFile> {
    await this.#step(() => this.#disk.open(path, mode))
    return this.#file(path)
  }

  #file(path: string): DiskFile {
    const disk = this.#disk
    let end = disk.content(path).length
    const nothing = (): Promise<void> => this.#step(() => {})
    return {
      path,
      size: () => this.#step(() => disk.content(path).length),
      read: (at, length) => this.#step(() => disk.content(path).slice(at, at + length)),
      append: bytes =>
        this.#step(() => {
          disk.put(path, end, bytes)
          end += bytes.length
        }),
      write: (at, bytes) => this.#step(() => disk.put(path, at, bytes)),
      sync: nothing,
      truncate: size =>
        this.#step(() => void disk.files.set(path, disk.content(path).slice(0, size))),
      close: nothing,
    }
  }

  rename(): Promise<void> {
    return Promise.reject(new Error('the edits are never renamed'))
  }

  remove(): Promise<void> {
    return Promise.reject(new Error('the edits are never removed'))
  }

  list(path: string): Promise<readonly string[]> {
    const inside = (name: string): boolean => parentDirectory(name) === path
    return this.#step(() =>
      [...this.#disk.files.keys()].filter(inside).map(name => name.slice(path.length + 1)),
    )
  }

  makeDirectory(): Promise<void> {
    return this.#step(() => {})
  }

  syncDirectory(): Promise<void> {
    return this.#step(() => {})
  }

  stat(
    path: string,
  ): Promise<{ readonly size: number; readonly isDirectory: boolean } | undefined> {
    return this.#step(() => {
      const found = this.#disk.files.get(path)
      return found === undefined ? undefined : { size: found.length, isDirectory: false }
    })
  }

  lock(): Promise<never> {
    return Promise.reject(new Error('nothing is locked here'))
  }
}
