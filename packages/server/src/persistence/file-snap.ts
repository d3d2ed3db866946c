/**
 * Writing a snapshot, in ZooKeeper's own format (ZooKeeper 3.9 `FileSnap`):
 *
 *   "ZKSN", version 2, dbid -1; sessions {id, timeout}; ACL table {number, list}; nodes in preorder
 *   {path, data, ACL number, stat} up to the path "/"; seal; {zxid, 2, digest}; seal; {zxid}; seal
 *
 * A seal is the Adler-32 of every byte before it and the string "/".
 *
 * The snapshot is fuzzy: between pieces the server goes on applying txns, and the log from the
 * first zxid after the start is replayed on top. Nodes created after the start are left out, since
 * the replay makes them: so no node names an ACL that the table could not hold, and none comes
 * twice. The digest is the tree's when the walk ends; the replay must meet it at that zxid.
 *
 * It is written aside, synced, renamed, and the directory synced: it exists whole or not at all.
 */
import { ACL, FileHeader, nullableVector, SNAPSHOT_MAGIC, Writer } from '@baton/jute'
import type { Disk, DiskFile } from '@baton/runtime'
import type { DataTree } from '../state/data-tree.ts'
import { DIGEST_VERSION } from '../state/digest.ts'
import { ADLER32_START, adler32 } from './adler32.ts'
import { ASIDE_PREFIX, snapshotName } from './data-files.ts'
import { PersistenceError } from './persistence-error.ts'

export const SNAPSHOT_VERSION = 2
export const AclList = nullableVector(ACL)
/** The path that ends the nodes, and the mark of a seal. */
export const END_MARK = '/'

/**
 * It is read as a whole into memory, and once more as a tree: beyond this a server of ours is not
 * the tool. What could not be read is not written: older snapshots and the log must stay then.
 */
export const SNAPSHOT_BYTES_MAX = 2 ** 31 - 1
/** After so many bytes others have their turn. */
const PIECE_BYTES = 256 * 1024

export interface SnapshotInfo {
  readonly path: string
  /** The last zxid surely in it. */
  readonly zxid: number
  readonly bytes: number
  readonly nodeCount: number
}

export async function writeSnapshot(
  disk: Disk,
  directory: string,
  tree: DataTree,
  sessions: ReadonlyMap<bigint, number>,
  bytesMax = SNAPSHOT_BYTES_MAX,
): Promise<SnapshotInfo> {
  const zxid = tree.lastProcessedZxid
  const path = `${directory}/${snapshotName(zxid)}`
  const aside = `${directory}/${ASIDE_PREFIX}${snapshotName(zxid)}`
  try {
    const written = await writeAside(disk, aside, tree, sessions)
    if (written.bytes > bytesMax) {
      const size = `${written.bytes} bytes, and more than ${bytesMax} cannot be read again`
      throw new PersistenceError(path, `the snapshot has ${size}; store less in this server`)
    }
    await disk.rename(aside, path)
    await disk.syncDirectory(directory)
    return { path, zxid, ...written }
  } catch (error) {
    // On a full disk the log needs the room. What cannot be removed now goes at the next start.
    await disk.remove(aside).catch(() => undefined)
    throw error
  }
}

async function writeAside(
  disk: Disk,
  aside: string,
  tree: DataTree,
  sessions: ReadonlyMap<bigint, number>,
): Promise<{ bytes: number; nodeCount: number }> {
  const file = await disk.open(aside, 'write')
  try {
    await file.truncate(0)
    const written = await new SnapshotWriter(file, tree).write(sessions, tree.lastProcessedZxid)
    await file.sync()
    return written
  } finally {
    await file.close()
  }
}

class SnapshotWriter {
  readonly #file: DiskFile
  readonly #tree: DataTree
  readonly #writer = new Writer(2 * PIECE_BYTES)
  #sum = ADLER32_START
  #summed = 0
  #flushedBytes = 0

  constructor(file: DiskFile, tree: DataTree) {
    this.#file = file
    this.#tree = tree
  }

  async write(
    sessions: ReadonlyMap<bigint, number>,
    zxid: number,
  ): Promise<{ bytes: number; nodeCount: number }> {
    this.#writeHead(sessions)
    let nodeCount = 0
    for (const path of walk(this.#tree, zxid)) {
      this.#writer.string(path)
      this.#tree.get(path)?.writeRecord(this.#writer)
      nodeCount++
      if (this.#writer.offset >= PIECE_BYTES) await this.#flush()
    }
    this.#writeTail()
    await this.#flush()
    return { bytes: this.#flushedBytes, nodeCount }
  }

  #writeHead(sessions: ReadonlyMap<bigint, number>): void {
    const writer = this.#writer
    FileHeader.write(writer, { magic: SNAPSHOT_MAGIC, version: SNAPSHOT_VERSION, dbid: -1n })
    writer.int(sessions.size)
    for (const [id, timeoutMs] of sessions) {
      writer.long64(id)
      writer.int(timeoutMs)
    }
    const rows = this.#tree.aclCache.rows()
    writer.int(rows.length)
    for (const { id, list } of rows) {
      writer.long(id)
      AclList.write(writer, list)
    }
  }

  #writeTail(): void {
    const writer = this.#writer
    const { digest, digestEnabled, lastProcessedZxid } = this.#tree
    writer.string(END_MARK)
    this.#seal()
    if (digestEnabled) {
      writer.long(lastProcessedZxid)
      writer.int(DIGEST_VERSION)
      writer.int(digest.high)
      writer.int(digest.low)
      this.#seal()
    }
    writer.long(lastProcessedZxid)
    this.#seal()
  }

  #seal(): void {
    this.#sumUp()
    this.#writer.int(0)
    this.#writer.int(this.#sum)
    this.#writer.string(END_MARK)
  }

  #sumUp(): void {
    this.#sum = adler32(this.#sum, this.#writer.buffer, this.#summed, this.#writer.offset)
    this.#summed = this.#writer.offset
  }

  async #flush(): Promise<void> {
    this.#sumUp()
    await this.#file.append(this.#writer.buffer.subarray(0, this.#writer.offset))
    this.#flushedBytes += this.#writer.offset
    this.#writer.offset = 0
    this.#summed = 0
  }
}

/**
 * Paths in preorder, of nodes made up to `zxid`. The tree may change between two steps: a child
 * set that is being walked shows what is added to it and skips what is deleted.
 */
function* walk(tree: DataTree, zxid: number): Generator<string> {
  yield ''
  const stack: { readonly path: string; readonly names: Iterator<string> }[] = []
  const enter = (path: string): void => {
    const names = tree.get(path)?.childNames()[Symbol.iterator]()
    if (names !== undefined) stack.push({ path, names })
  }
  enter('')
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const next = top.names.next()
    if (next.done === true) {
      stack.pop()
      continue
    }
    const path = `${top.path}/${next.value}`
    const node = tree.get(path)
    if (node === undefined || node.czxid > zxid) continue
    yield path
    enter(path)
  }
}
