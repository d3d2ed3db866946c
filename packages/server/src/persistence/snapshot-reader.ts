/**
 * Reading a snapshot (ZooKeeper 3.9 `FileSnap.deserialize`, `SerializeUtils`), of ours or Java's.
 *
 * The file is read as a whole. Bytes that are no snapshot, or whose seals do not fit, end in a
 * `PersistenceError`, and the next older snapshot is tried.
 */
import { gunzipSync } from 'node:zlib'
import { FileHeader, JuteError, Reader, SNAPSHOT_MAGIC, TxnDigest } from '@baton/jute'
import type { Disk } from '@baton/runtime'
import { DataTree } from '../state/data-tree.ts'
import type { DataTreeOptions } from '../state/data-tree.ts'
import { ADLER32_START, adler32 } from './adler32.ts'
import type { DataFile } from './data-files.ts'
import { AclList, END_MARK, SNAPSHOT_BYTES_MAX, SNAPSHOT_VERSION } from './file-snap.ts'
import { PersistenceError, reasonOf } from './persistence-error.ts'

export interface LoadedSnapshot {
  readonly tree: DataTree
  /** id -> time-out in ms */
  readonly sessions: Map<bigint, number>
  /** The digest of the tree once the log was replayed up to that zxid. */
  readonly digest: { readonly zxid: number; readonly treeDigest: bigint } | undefined
}

const GZIP_MAGIC = Buffer.from([0x1f, 0x8b])
const SNAPPY_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59])
const SEAL_BYTES = 13
const DIGEST_BYTES = 20
const ZXID_BYTES = 8
/** The end of any whole snapshot: the length and text of "/". */
const LAST_BYTES = Buffer.from([0, 0, 0, 1, 0x2f])

export async function readSnapshot(
  disk: Disk,
  snapshot: DataFile,
  options: DataTreeOptions,
): Promise<LoadedSnapshot> {
  try {
    const bytes = await readBytes(disk, snapshot.path)
    const loaded = decodeSnapshot(uncompress(bytes), options)
    loaded.tree.lastProcessedZxid = snapshot.zxid
    return loaded
  } catch (error) {
    throw new PersistenceError(snapshot.path, `not a whole snapshot: ${reasonOf(error)}`, {
      cause: error,
    })
  }
}

/** Whether the file ends as a snapshot does; a compressed one is believed. */
export async function looksComplete(disk: Disk, snapshot: DataFile): Promise<boolean> {
  if (/\.(gz|snappy)$/.test(snapshot.name)) return true
  const file = await disk.open(snapshot.path, 'read')
  try {
    const size = await file.size()
    if (size < LAST_BYTES.length) return false
    return LAST_BYTES.equals(await file.read(size - LAST_BYTES.length, LAST_BYTES.length))
  } finally {
    await file.close()
  }
}

async function readBytes(disk: Disk, path: string): Promise<Buffer> {
  const file = await disk.open(path, 'read')
  try {
    const size = await file.size()
    if (size > SNAPSHOT_BYTES_MAX) throw new RangeError(`${size} bytes are too many`)
    const bytes = await file.read(0, size)
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  } finally {
    await file.close()
  }
}

function uncompress(bytes: Buffer): Buffer {
  if (bytes.subarray(0, GZIP_MAGIC.length).equals(GZIP_MAGIC)) {
    return gunzipSync(bytes, { maxOutputLength: SNAPSHOT_BYTES_MAX })
  }
  if (bytes.subarray(0, SNAPPY_MAGIC.length).equals(SNAPPY_MAGIC)) {
    throw new Error('snappy is not supported; let ZooKeeper write one with method gz or none')
  }
  return bytes
}

/** Throws on anything that is not a snapshot to its last byte. */
export function decodeSnapshot(bytes: Buffer, options: DataTreeOptions): LoadedSnapshot {
  const reader = new Reader(bytes)
  const { magic, version } = FileHeader.read(reader)
  if (magic !== SNAPSHOT_MAGIC || version !== SNAPSHOT_VERSION) {
    throw new JuteError(`magic 0x${(magic >>> 0).toString(16)}, version ${version}`)
  }
  const seals = new Seals(bytes)
  const tree = new DataTree(options)
  tree.clear()
  const sessions = readSessions(reader)
  readAcls(reader, tree)
  readNodes(reader, tree)
  seals.check(reader)
  let digest: LoadedSnapshot['digest']
  // Both trailers came later than the format, each with a seal of its own.
  if (reader.remaining >= DIGEST_BYTES + SEAL_BYTES) {
    const zxid = reader.long()
    digest = { zxid, treeDigest: TxnDigest.read(reader).treeDigest }
    seals.check(reader)
  }
  if (reader.remaining >= ZXID_BYTES + SEAL_BYTES) {
    reader.long()
    seals.check(reader)
  }
  if (reader.remaining > 0) throw new JuteError(`${reader.remaining} bytes after the last seal`)
  return { tree, sessions, digest: digest?.zxid === 0 ? undefined : digest }
}

class Seals {
  readonly #bytes: Buffer
  #sum = ADLER32_START
  #summed = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  check(reader: Reader): void {
    this.#sum = adler32(this.#sum, this.#bytes, this.#summed, reader.offset)
    this.#summed = reader.offset
    const value = reader.long()
    if (value !== this.#sum || reader.string() !== END_MARK) {
      throw new JuteError(`the checksum at ${this.#summed} does not fit`)
    }
  }
}

function readCount(reader: Reader, what: string): number {
  const count = reader.int()
  if (count < 0 || count > reader.remaining) throw new JuteError(`${what}: count ${count}`)
  return count
}

function readSessions(reader: Reader): Map<bigint, number> {
  const sessions = new Map<bigint, number>()
  const count = readCount(reader, 'sessions')
  for (let i = 0; i < count; i++) {
    const id = reader.long64()
    sessions.set(id, reader.int())
  }
  return sessions
}

function readAcls(reader: Reader, tree: DataTree): void {
  const count = readCount(reader, 'ACL table')
  for (let i = 0; i < count; i++) {
    const id = reader.long()
    tree.aclCache.restore(id, AclList.read(reader) ?? [])
  }
}

function readNodes(reader: Reader, tree: DataTree): void {
  for (;;) {
    const path = reader.string()
    if (path === null) throw new JuteError('a node without a path')
    if (path === END_MARK) break
    const data = reader.bytes()
    const node = tree.makeNode(data, reader.long())
    node.readStat(reader, tree.extendedTypes)
    if (!tree.restoreNode(path, node)) {
      throw new JuteError(`the node ${JSON.stringify(path)} comes twice or has no parent`)
    }
  }
  if (tree.get('') === undefined) throw new JuteError('no root')
  tree.aclCache.purgeUnused()
}
