/** Paths are absolute or relative to the working directory, with `/`. Errors are `DiskError`. */
export interface Disk {
  open(path: string, mode: OpenMode): Promise<DiskFile>
  /** Atomic within a file system; durable after `syncDirectory` of the parent. Replaces `to`. */
  rename(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  /** Names (not paths) in a directory, sorted. */
  list(path: string): Promise<readonly string[]>
  /** Makes it and every missing parent; nothing happens where it exists. */
  makeDirectory(path: string): Promise<void>
  syncDirectory(path: string): Promise<void>
  /** undefined where nothing is there. */
  stat(path: string): Promise<{ readonly size: number; readonly isDirectory: boolean } | undefined>
  /**
   * Takes the operating system's exclusive lock on a file (made if missing), released when the
   * process ends however it ends. Rejects with code `ELOCKED` where another process holds it.
   */
  lock(path: string): Promise<DiskLock>
}

/**
 * `read`: must exist. `write`: made if missing, kept as it is. `create`: must not exist (`EEXIST`),
 * made exclusively.
 */
export type OpenMode = 'read' | 'write' | 'create'

export interface DiskFile {
  readonly path: string
  size(): Promise<number>
  /** Fewer bytes than `length` only at the end of the file. */
  read(at: number, length: number): Promise<Uint8Array>
  /** Writes all of it at the end as this handle knows it; not durable before `sync`. */
  append(bytes: Uint8Array): Promise<void>
  /** Writes in place; the file grows where needed. Not durable before `sync`. */
  write(at: number, bytes: Uint8Array): Promise<void>
  /** `fdatasync`: every earlier append and write of this handle is durable once it resolves. */
  sync(): Promise<void>
  truncate(size: number): Promise<void>
  close(): Promise<void>
}

export interface DiskLock {
  release(): Promise<void>
}

/** `code` is the system's: ENOENT, EEXIST, ENOSPC, EROFS, EACCES, EIO, ELOCKED, … */
export class DiskError extends Error {
  override readonly name = 'DiskError'
  readonly code: string
  readonly path: string
  constructor(code: string, path: string, message?: string) {
    super(message ?? `${code}: ${path}`)
    this.code = code
    this.path = path
  }
}

/** The whole file, or undefined where it is missing. Refuses more than `bytesMax` with `EFBIG`. */
export async function readFile(
  disk: Disk,
  path: string,
  bytesMax: number,
): Promise<Uint8Array | undefined> {
  const found = await disk.stat(path)
  if (found === undefined) return undefined
  if (found.size > bytesMax) throw new DiskError('EFBIG', path, `${path} is larger than expected`)
  const file = await disk.open(path, 'read')
  try {
    return await file.read(0, found.size)
  } finally {
    await file.close()
  }
}

/**
 * Replaces a file so that a crash at any moment leaves the old content or the new, whole:
 * write aside, sync, rename, sync the directory.
 */
export async function replaceFile(disk: Disk, path: string, content: Uint8Array): Promise<void> {
  const aside = `${path}.tmp`
  const file = await disk.open(aside, 'write')
  try {
    await file.truncate(0)
    await file.write(0, content)
    await file.sync()
  } finally {
    await file.close()
  }
  await disk.rename(aside, path)
  await disk.syncDirectory(parentDirectory(path))
}

export function parentDirectory(path: string): string {
  const at = path.lastIndexOf('/')
  if (at < 0) return '.'
  return at === 0 ? '/' : path.slice(0, at)
}
