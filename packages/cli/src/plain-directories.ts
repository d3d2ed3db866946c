import { DiskError, type Disk } from '@baton/runtime'
import { mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

const DIRECTORY_MODE = 0o700

/**
 * The disk with directories made one level at a time. Node's own recursive mkdir never ends, and
 * keeps a thread busy, where a parent exists and says "no such file" to a new entry, as /proc does.
 */
export function withPlainDirectories(disk: Disk): Disk {
  return {
    open: (path, mode) => disk.open(path, mode),
    rename: (from, to) => disk.rename(from, to),
    remove: path => disk.remove(path),
    list: path => disk.list(path),
    syncDirectory: path => disk.syncDirectory(path),
    stat: path => disk.stat(path),
    lock: path => disk.lock(path),
    makeDirectory: path => makeDirectory(disk, resolve(path)),
  }
}

async function makeDirectory(disk: Disk, path: string): Promise<void> {
  const missing: string[] = []
  let at = path
  for (;;) {
    const found = await disk.stat(at)
    if (found?.isDirectory === true) break
    if (found !== undefined) throw new DiskError('ENOTDIR', at, `${at} is a file`)
    if (at === dirname(at)) break
    missing.unshift(at)
    at = dirname(at)
  }
  for (const directory of missing) await makeOne(directory)
}

async function makeOne(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: DIRECTORY_MODE })
  } catch (error) {
    const { code = 'EIO', message } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return // another process made it in between
    throw new DiskError(code, path, message)
  }
}
