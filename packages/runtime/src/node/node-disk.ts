import { close, constants, open as openFd } from 'node:fs'
import { mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import { promisify } from 'node:util'
import { DiskError, parentDirectory } from '../disk.ts'
import type { Disk, DiskFile, DiskLock, OpenMode } from '../disk.ts'
import { NodeDiskFile, toDiskError } from './node-disk-file.ts'

export interface NodeDiskOptions {
  /** Permission bits of new files; 0600, since session passwords are kept in some. */
  readonly fileMode?: number
  /** Permission bits of new directories; 0700. */
  readonly directoryMode?: number
}

/** What is used of `fs-native-extensions`. */
interface FsNative {
  tryLock(fd: number): boolean
}

const OPEN_FLAGS: Readonly<Record<OpenMode, number>> = {
  read: constants.O_RDONLY,
  write: constants.O_RDWR | constants.O_CREAT,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
}

/**
 * One level at a time. Node's own recursive mkdir never ends, and keeps a thread busy, where a
 * parent exists and says "no such file" to a new entry, as /proc does.
 */
async function makeLevels(disk: Disk, path: string, mode: number): Promise<void> {
  const missing: string[] = []
  for (let at = path; ; at = parentDirectory(at)) {
    const found = await disk.stat(at)
    if (found?.isDirectory === true) break
    if (found !== undefined) {
      throw new DiskError(at === path ? 'EEXIST' : 'ENOTDIR', at, `${at} is a file`)
    }
    missing.unshift(at)
    if (at === parentDirectory(at)) break
  }
  for (const directory of missing) {
    await guard(directory, () => mkdir(directory, { mode })).catch((error: unknown) => {
      // Another process made it in between.
      if (!(error instanceof DiskError && error.code === 'EEXIST')) throw error
    })
  }
}

/** Files of the operating system. */
export class NodeDisk implements Disk {
  readonly #fileMode: number
  readonly #directoryMode: number

  constructor(options: NodeDiskOptions = {}) {
    this.#fileMode = options.fileMode ?? 0o600
    this.#directoryMode = options.directoryMode ?? 0o700
  }

  open(path: string, mode: OpenMode): Promise<DiskFile> {
    return guard(path, async () => {
      const handle = await open(path, OPEN_FLAGS[mode], this.#fileMode)
      const found = await handle.stat()
      if (!found.isDirectory()) return new NodeDiskFile(path, handle, found.size)
      await handle.close()
      throw new DiskError('EISDIR', path, `${path} is a directory, a file was expected`)
    })
  }

  rename(from: string, to: string): Promise<void> {
    return guard(from, () => rename(from, to))
  }

  remove(path: string): Promise<void> {
    return guard(path, () => unlink(path))
  }

  list(path: string): Promise<readonly string[]> {
    return guard(path, async () => (await readdir(path)).sort())
  }

  makeDirectory(path: string): Promise<void> {
    return makeLevels(this, path, this.#directoryMode)
  }

  syncDirectory(path: string): Promise<void> {
    return guard(path, async () => {
      const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY)
      try {
        await handle.sync()
      } finally {
        await handle.close()
      }
    })
  }

  stat(path: string): Promise<{ size: number; isDirectory: boolean } | undefined> {
    return guard(path, async () => {
      try {
        const found = await stat(path)
        return { size: found.size, isDirectory: found.isDirectory() }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        throw error
      }
    })
  }

  /**
   * An open-file-description lock (`fcntl` F_OFD_SETLK), so a second take in the same process is
   * refused too. A bare descriptor, not a FileHandle: a handle is closed, and its lock lost, when
   * it is garbage collected.
   */
  lock(path: string): Promise<DiskLock> {
    return guard(path, async () => {
      const native = await loadNative(path)
      const fd = await promisify(openFd)(path, OPEN_FLAGS.write, this.#fileMode)
      try {
        if (!native.tryLock(fd)) {
          throw new DiskError('ELOCKED', path, `${path} is locked by another process`)
        }
      } catch (error) {
        await promisify(close)(fd)
        throw error
      }
      return lockOf(path, fd)
    })
  }
}

async function loadNative(path: string): Promise<FsNative> {
  try {
    // @ts-expect-error: the package brings no types; FsNative names what is used of it
    const loaded = (await import('fs-native-extensions')) as { default: FsNative }
    return loaded.default
  } catch (cause) {
    const why = (cause as Error).message
    const platform = `${process.platform} ${process.arch}`
    const message = `cannot lock ${path}: fs-native-extensions does not load on ${platform}: ${why}`
    throw new DiskError('ENOLCK', path, message)
  }
}

function lockOf(path: string, fd: number): DiskLock {
  let released = false
  return {
    release: () =>
      guard(path, async () => {
        if (released) return
        released = true
        await promisify(close)(fd)
      }),
  }
}

async function guard<T>(path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw toDiskError(error, path)
  }
}
