/**
 * Names in `version-2`: `log.<hex>` by the first zxid in it, `snapshot.<hex>[.gz|.snappy]` by the
 * last zxid applied when its writing began (ZooKeeper 3.9 `persistence.Util`).
 */
import { DiskError, parentDirectory } from '@baton/runtime'
import type { Disk } from '@baton/runtime'

export const VERSION_DIRECTORY = 'version-2'
/**
 * In front of what is being written; no reader, ours or Java's, takes such a name for a snapshot.
 */
export const ASIDE_PREFIX = 'aside.'

export interface DataFile {
  readonly name: string
  readonly path: string
  readonly zxid: number
}

const NAME = /^(log|snapshot)\.([0-9a-f]{1,16})(\.gz|\.snappy)?$/

export function logName(firstZxid: number): string {
  return `log.${firstZxid.toString(16)}`
}

export function snapshotName(zxid: number): string {
  return `snapshot.${zxid.toString(16)}`
}

export interface DataFiles {
  readonly logs: readonly DataFile[]
  readonly snapshots: readonly DataFile[]
  /** Left over by a crash. */
  readonly asides: readonly string[]
}

/** What lies in a directory, by rising zxid; other names are nobody's business. */
export async function listDataFiles(disk: Disk, directory: string): Promise<DataFiles> {
  const names = await disk.list(directory)
  const found: { kind: string; file: DataFile }[] = []
  for (const name of names) {
    const [, kind, hex, suffix] = NAME.exec(name) ?? []
    if (kind === undefined || hex === undefined || (kind === 'log' && suffix !== undefined))
      continue
    const zxid = Number.parseInt(hex, 16)
    if (!Number.isSafeInteger(zxid)) continue
    found.push({ kind, file: { name, path: `${directory}/${name}`, zxid } })
  }
  found.sort((a, b) => a.file.zxid - b.file.zxid)
  const ofKind = (kind: string) => found.filter(one => one.kind === kind).map(one => one.file)
  const asides = names
    .filter(name => name.startsWith(ASIDE_PREFIX))
    .map(name => `${directory}/${name}`)
  return { logs: ofKind('log'), snapshots: ofKind('snapshot'), asides }
}

/**
 * The logs that hold what came after `zxid`: the last one that begins at or before the next zxid,
 * and all later ones (ZooKeeper 3.9 `FileTxnLog.getLogFiles`).
 */
export function logsAfter(logs: readonly DataFile[], zxid: number): readonly DataFile[] {
  const first = logs.findLastIndex(log => log.zxid <= zxid + 1)
  return first < 0 ? logs : logs.slice(first)
}

/**
 * Makes the directory and its parents so that they survive a loss of power. A process that was
 * killed half way left names that only its kernel knows, so what is there already is synced too.
 */
export async function makeDurableDirectory(disk: Disk, path: string): Promise<void> {
  await disk.makeDirectory(path)
  for (let at = path; ;) {
    const parent = parentDirectory(at)
    await syncOwnDirectory(disk, parent)
    if (parent === at) return
    at = parent
  }
}

/** A directory that this process may not read is somebody else's work, and older than ours. */
async function syncOwnDirectory(disk: Disk, path: string): Promise<void> {
  try {
    await disk.syncDirectory(path)
  } catch (error) {
    if (!(error instanceof DiskError) || !FOREIGN.has(error.code)) throw error
  }
}

const FOREIGN: ReadonlySet<string> = new Set(['EACCES', 'EPERM'])
