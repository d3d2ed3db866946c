/**
 * What the tree will look like once every proposed txn is applied: one change record per znode that
 * a txn not yet applied touches (ZooKeeper 3.9 `ZooKeeperServer.outstandingChanges`). A write is
 * checked against these first, and against the tree only for what they do not name, so that writes
 * can be prepared without waiting for those before them.
 *
 * Records are immutable; a later record of the same path replaces the earlier one in the map. Each
 * entry of the queue remembers what it replaced, which makes a rollback the exact reverse of the
 * additions (ZOOKEEPER-1624: a failed multi must also give the sequence counter back).
 */
import type { ACL } from '@baton/jute'
import { assert } from '@baton/runtime'
import type { DataTree } from '../state/data-tree.ts'
import type { Znode } from '../state/znode.ts'

export interface ChangeRecord {
  readonly path: string
  /** False: deleted. The other fields then mean nothing. */
  readonly exists: boolean
  readonly version: number
  /** Internal: the count of child creates. */
  readonly cversion: number
  readonly aversion: number
  readonly kind: Znode['kind']
  /** The session that owns an ephemeral, 0n for every other kind. */
  readonly owner: bigint
  readonly childCount: number
  readonly acl: readonly ACL[]
}

interface Entry {
  readonly zxid: number
  readonly record: ChangeRecord
  readonly replaced: ChangeRecord | undefined
}

/** The queue's dead front is cut off when it has this many entries. */
const COMPACT_COUNT = 1024

export class OutstandingChanges {
  readonly #tree: DataTree
  readonly #byPath = new Map<string, ChangeRecord>()
  /** Paths that a queued record gave to a session, so that a close need not look at them all. */
  readonly #given = new Map<bigint, Set<string>>()
  #queue: Entry[] = []
  #head = 0

  constructor(tree: DataTree) {
    this.#tree = tree
  }

  get count(): number {
    return this.#queue.length - this.#head
  }

  /** undefined where the znode will not exist. */
  get(path: string): ChangeRecord | undefined {
    const pending = this.#byPath.get(path)
    if (pending !== undefined) return pending.exists ? pending : undefined
    const node = this.#tree.get(path)
    return node === undefined ? undefined : recordOf(path, node)
  }

  add(zxid: number, record: ChangeRecord): void {
    this.#queue.push({ zxid, record, replaced: this.#byPath.get(record.path) })
    this.#byPath.set(record.path, record)
    if (!isOwned(record)) return
    const given = this.#given.get(record.owner)
    if (given === undefined) this.#given.set(record.owner, new Set([record.path]))
    else given.add(record.path)
  }

  /** Takes back every record of `zxid`, which must be the newest. */
  rollback(zxid: number): void {
    for (;;) {
      const last = this.#queue.length > this.#head ? this.#queue.at(-1) : undefined
      if (last?.zxid !== zxid) return
      this.#queue.pop()
      const { record, replaced } = last
      assert(this.#byPath.get(record.path) === record, 'a rollback meets its own newest record')
      if (replaced === undefined) this.#byPath.delete(record.path)
      else this.#byPath.set(record.path, replaced)
      this.#ungive(record)
    }
  }

  /** Forgets what the tree now holds itself: every record up to `zxid`. */
  applied(zxid: number): void {
    for (; this.#head < this.#queue.length; this.#head++) {
      const entry = this.#queue[this.#head]
      if (entry === undefined || entry.zxid > zxid) break
      const { record } = entry
      if (this.#byPath.get(record.path) === record) this.#byPath.delete(record.path)
      this.#ungive(record)
    }
    if (this.#head === this.#queue.length) {
      this.#queue = []
      this.#head = 0
    } else if (this.#head > COMPACT_COUNT) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
  }

  /**
   * Ephemerals the session will own: the tree's, corrected by what is outstanding. A path may be
   * another's by then: deleted and made again, both outstanding.
   */
  ephemerals(session: bigint): readonly string[] {
    const willOwn = (path: string): boolean => {
      const pending = this.#byPath.get(path)
      return pending === undefined || (isOwned(pending) && pending.owner === session)
    }
    const given = this.#given.get(session) ?? NO_PATHS
    return [...new Set([...this.#tree.ephemerals(session), ...given])].filter(willOwn)
  }

  /** The record left the queue: its path is the owner's no more, unless a later record says so. */
  #ungive(record: ChangeRecord): void {
    if (!isOwned(record)) return
    const { path, owner } = record
    const pending = this.#byPath.get(path)
    if (pending !== undefined && isOwned(pending) && pending.owner === owner) return
    const given = this.#given.get(owner)
    given?.delete(path)
    if (given?.size === 0) this.#given.delete(owner)
  }
}

const NO_PATHS: ReadonlySet<string> = new Set()

function isOwned(record: ChangeRecord): boolean {
  return record.exists && record.kind === 'ephemeral'
}

function recordOf(path: string, node: Znode): ChangeRecord {
  const { kind } = node
  return {
    path,
    exists: true,
    version: node.version,
    cversion: node.cversion,
    aversion: node.aversion,
    kind,
    owner: kind === 'ephemeral' ? node.ephemeralOwner : 0n,
    childCount: node.childCount,
    acl: node.acl.list,
  }
}
