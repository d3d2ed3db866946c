/**
 * The tree of znodes (ZooKeeper 3.9 `DataTree`).
 *
 * The tree changes by txns only, in the order of their zxids. A txn says what became of a request,
 * so applying never decides anything; it may meet a tree that already knows the txn, because a
 * snapshot is fuzzy: it is written while txns go on being applied, and the log is then replayed
 * from where the snapshot began. Four rules make that harmless:
 *   - a node that is missing or already there is an ordinary result, not a fault;
 *   - a txn does not see a node created after it: the snapshot caught a later node of that name,
 *     and an old delete or write must not hit it;
 *   - a parent's cversion and pzxid only grow, and a create that meets its node still moves them;
 *   - a delete moves the parent's pzxid even where the node is gone.
 *
 * Nodes lie in one map by full path; the root is in it as '' and as '/', and counts twice, as in
 * ZooKeeper. Watches fire inside `processTxn`, data watches before child watches.
 */
import { ErrorCode, EventType, OpCode, READ_ACL_UNSAFE } from '@baton/jute'
import type { ACL, CreateTxn, Id, SetWatches, SetWatches2, TxnHeader } from '@baton/jute'
import { assert, unreachable } from '@baton/runtime'
import { AclCache } from './acl-cache.ts'
import { permits } from './acl.ts'
import { DigestSum } from './digest.ts'
import { OwnedNodes } from './owned-nodes.ts'
import { baseName, parentPath } from './path.ts'
import { sharedBytes, Slab } from './slab.ts'
import { TreeWatches } from './tree-watches.ts'
import { outcome } from './txn-result.ts'
import type { TxnResult } from './txn-result.ts'
import type { Txn } from './txn.ts'
import type { Watcher, WatchManager } from './watch-manager.ts'
import { CONTAINER_OWNER, TTL_OWNER_MARK, Znode } from './znode.ts'

export type { TxnResult } from './txn-result.ts'

export interface DataTreeOptions {
  /** Default true. Off: no digest is kept. */
  readonly digestEnabled?: boolean
  /** `zookeeper.extendedTypesEnabled`: default false. */
  readonly extendedTypes?: boolean
}

/** Idle room that is never worth moving nodes for. */
const WASTED_BYTES_MIN = 4 * 1024 * 1024
const NO_BYTES = Buffer.alloc(0)

export class DataTree {
  readonly digest = new DigestSum()
  readonly digestEnabled: boolean
  readonly extendedTypes: boolean
  readonly aclCache = new AclCache()
  lastProcessedZxid = 0
  readonly #nodes = new Map<string, Znode>()
  readonly #watches: TreeWatches
  readonly #owned = new OwnedNodes()
  #slab = new Slab()
  #dataSizeBytes = 0
  #storedBytes = 0
  #wastedBytes = 0

  constructor(options: DataTreeOptions = {}) {
    this.digestEnabled = options.digestEnabled ?? true
    this.extendedTypes = options.extendedTypes ?? false
    this.#watches = new TreeWatches(path => this.#nodes.get(path))
    this.#addSystemNode('', null)
    this.#addSystemNode('/zookeeper', null)
    this.#addSystemNode('/zookeeper/quota', null)
    this.#addSystemNode('/zookeeper/config', READ_ACL_UNSAFE)
    this.get('/zookeeper/config')?.setAversion(-1)
  }

  /** '' and '/' are the root. The path is not validated: an odd one is simply not there. */
  get(path: string): Znode | undefined {
    return this.#nodes.get(path)
  }

  /** Whether a connection with these ids has any of the bits of `perm` on the node. */
  allows(node: Znode, perm: number, ids: readonly Id[]): boolean {
    return (node.acl.worldPerms & perm) !== 0 || permits(node.acl.list, perm, ids)
  }

  /** The root counts twice: 5 when fresh. */
  get nodeCount(): number {
    return this.#nodes.size
  }
  /** Lengths of all paths and data, as ZooKeeper reports them. */
  get approximateDataSizeBytes(): number {
    return this.#dataSizeBytes
  }
  get ephemeralsCount(): number {
    return this.#owned.ephemeralsCount
  }
  /** Paths of a session's ephemerals, in the order of their creation. */
  ephemerals(session: bigint): readonly string[] {
    return this.#owned.ephemerals(session)
  }
  ephemeralSessions(): Iterable<bigint> {
    return this.#owned.sessions()
  }
  containers(): Iterable<string> {
    return this.#owned.containers
  }
  ttls(): Iterable<string> {
    return this.#owned.ttls
  }

  /** Descendants of `path`. Walks the whole subtree. */
  allChildrenNumber(path: string): number {
    // As ZooKeeper, which counts names that begin with path + '/': '' then counts '/' itself.
    if (path === '/' || path === '') return this.#nodes.size - (path === '' ? 1 : 2)
    let count = 0
    const pending = [path]
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      for (const name of this.#nodes.get(at)?.childNames() ?? []) {
        count++
        pending.push(`${at}/${name}`)
      }
    }
    return count
  }

  get dataWatches(): WatchManager {
    return this.#watches.data
  }
  get childWatches(): WatchManager {
    return this.#watches.child
  }
  get watchCount(): number {
    return this.#watches.size
  }
  /** Op 106: no check of existence or ACL. False for an unknown mode. */
  addWatch(path: string, mode: number, watcher: Watcher): boolean {
    return this.#watches.add(path, mode, watcher)
  }
  /** Op 18. noWatcher where none was there, marshallingError for an unknown type. */
  removeWatches(path: string, type: number, watcher: Watcher): number {
    return this.#watches.remove(path, type, watcher)
  }
  /** Op 17. */
  checkWatches(path: string, type: number, watcher: Watcher): number {
    return this.#watches.check(path, type, watcher)
  }
  /** Ops 101 and 105: what was missed is told before this returns, the rest is armed again. */
  setWatches(request: SetWatches | SetWatches2, watcher: Watcher): void {
    this.#watches.rearm(request, watcher)
  }
  /** The connection is closed. */
  removeWatcher(watcher: Watcher): void {
    this.#watches.removeWatcher(watcher)
  }

  /** Applies one txn and fires its watches. */
  processTxn(header: TxnHeader, txn: Txn): TxnResult {
    assert(header.type === txn.type, 'the header names the type of its txn')
    const result = this.#apply(header, txn)
    if (header.zxid > this.lastProcessedZxid) this.lastProcessedZxid = header.zxid
    if (this.#wastedBytes > WASTED_BYTES_MIN && this.#wastedBytes > this.#storedBytes)
      this.#compact()
    return result
  }

  #apply(header: TxnHeader, txn: Txn): TxnResult {
    switch (txn.type) {
      case OpCode.create:
      case OpCode.create2:
        return this.#create(header, txn.type, {
          ...txn.body,
          owner: txn.body.ephemeral ? header.clientId : 0n,
        })
      case OpCode.createContainer:
        return this.#create(header, txn.type, { ...txn.body, owner: CONTAINER_OWNER })
      case OpCode.createTTL:
        return this.#create(header, txn.type, {
          ...txn.body,
          owner: TTL_OWNER_MARK | BigInt(txn.body.ttl),
        })
      case OpCode.delete:
      case OpCode.deleteContainer:
        return outcome(txn.type, this.#delete(header.zxid, txn.body.path), txn.body.path)
      case OpCode.setData:
      case OpCode.reconfig:
        return this.#setData(header, txn.type, txn.body)
      case OpCode.setACL:
        return this.#setAcl(header.zxid, txn.body)
      case OpCode.closeSession:
        return this.#closeSession(header, txn.body?.paths2Delete)
      case OpCode.multi:
        return this.#multi(header, txn.body)
      case OpCode.check:
        return outcome(txn.type, ErrorCode.ok, txn.body.path)
      case OpCode.createSession:
        return outcome(txn.type, ErrorCode.ok, undefined)
      case OpCode.error:
        return outcome(txn.type, txn.body.err, undefined)
      default:
        return unreachable(txn)
    }
  }

  #create(
    header: TxnHeader,
    type: number,
    txn: Omit<CreateTxn, 'ephemeral'> & { readonly owner: bigint },
  ): TxnResult {
    const { path, parentCVersion } = txn
    const above = parentPath(path)
    const parent = this.#nodeAt(above, header.zxid)
    if (parent === undefined) return outcome(type, ErrorCode.noNode, path)
    this.#moveParentOn(above, parent, parentCVersion, header.zxid)
    if (this.#nodes.has(path)) return outcome(type, ErrorCode.nodeExists, path)
    parent.addChild(baseName(path))
    const node = new Znode(this.#slab, txn.data, this.aclCache.acquire(txn.acl))
    const { zxid, time } = header
    node.initialise({ zxid, time, ephemeralOwner: txn.owner }, this.extendedTypes)
    this.#register(path, node)
    this.#watches.fire(EventType.nodeCreated, path, header.zxid, node, above, parent)
    return outcome(type, ErrorCode.ok, path, node)
  }

  /** A parent's counters only grow: a txn that comes again must not take them back. */
  #moveParentOn(path: string, parent: Znode, parentCVersion: number, zxid: number): void {
    const { cversion } = parent
    const next = parentCVersion === -1 ? (cversion + 1) | 0 : parentCVersion
    // Compared around the ring, so that the counter goes on where an int overflows.
    if (((next - cversion) | 0) <= 0) return
    this.#update(path, parent, () => parent.setChildrenChanged(next, zxid))
  }

  #delete(zxid: number, path: string): number {
    if (path.length < 2) return ErrorCode.badArguments
    const above = parentPath(path)
    const parent = this.#nodeAt(above, zxid)
    if (parent === undefined) return ErrorCode.noNode
    if (zxid > parent.pzxid) this.#update(above, parent, () => parent.setPzxid(zxid))
    const node = this.#nodeAt(path, zxid)
    if (node === undefined) return ErrorCode.noNode
    parent.removeChild(baseName(path))
    this.#unregister(path, node)
    this.#watches.fire(EventType.nodeDeleted, path, zxid, node, above, parent)
    return ErrorCode.ok
  }

  #setData(
    header: TxnHeader,
    type: number,
    txn: { readonly path: string; readonly data: Uint8Array | null; readonly version: number },
  ): TxnResult {
    const node = this.#nodeAt(txn.path, header.zxid)
    if (node === undefined) return outcome(type, ErrorCode.noNode, txn.path)
    const before = node.dataLength
    const { zxid, time } = header
    this.#update(txn.path, node, () =>
      node.setData(this.#slab, txn.data, { version: txn.version, zxid, time }),
    )
    const grown = node.dataLength - before
    this.#dataSizeBytes += isRoot(txn.path) ? 2 * grown : grown
    this.#storedBytes += grown
    if (grown !== 0) this.#wastedBytes += sharedBytes(node.storedBytes - grown)
    this.#watches.fireData(EventType.nodeDataChanged, txn.path, header.zxid, node)
    return outcome(type, ErrorCode.ok, txn.path, node)
  }

  #setAcl(
    zxid: number,
    txn: {
      readonly path: string
      readonly acl: readonly ACL[] | null
      readonly version: number
    },
  ): TxnResult {
    const node = this.#nodeAt(txn.path, zxid)
    if (node === undefined) return outcome(OpCode.setACL, ErrorCode.noNode, txn.path)
    const acl = this.aclCache.acquire(txn.acl)
    this.aclCache.release(node.acl)
    node.acl = acl
    this.#update(txn.path, node, () => node.setAversion(txn.version))
    return outcome(OpCode.setACL, ErrorCode.ok, txn.path, node)
  }

  /** One zxid for all; what the txn does not name (logs before 3.6) goes after what it names. */
  #closeSession(header: TxnHeader, named: readonly string[] | undefined): TxnResult {
    for (const path of named ?? []) this.#delete(header.zxid, path)
    for (const path of this.ephemerals(header.clientId)) this.#delete(header.zxid, path)
    return outcome(OpCode.closeSession, ErrorCode.ok, undefined)
  }

  /** A multi that failed was logged as nothing but errors, and so changes nothing. */
  #multi(header: TxnHeader, txns: readonly Txn[]): TxnResult {
    const parts: TxnResult[] = []
    const failedAt = txns.findIndex(({ type }) => type === OpCode.error)
    for (const [i, txn] of txns.entries()) {
      const code = i < failedAt ? ErrorCode.ok : ErrorCode.runtimeInconsistency
      if (failedAt < 0 || txn.type === OpCode.error) parts.push(this.#apply(header, txn))
      else parts.push(outcome(OpCode.error, code, undefined))
    }
    const error = parts.find(part => part.error !== ErrorCode.ok)?.error ?? ErrorCode.ok
    return { type: OpCode.multi, error, path: undefined, stat: undefined, parts }
  }

  /** The node, unless it came after `zxid`. */
  #nodeAt(path: string, zxid: number): Znode | undefined {
    const node = this.#nodes.get(path)
    return node === undefined || node.czxid > zxid ? undefined : node
  }

  /** Changes a node and keeps the digest true. */
  #update(path: string, node: Znode, change: () => void): void {
    change()
    if (!this.digestEnabled) return
    this.digest.subtract(node.digest)
    node.digest = node.computeDigest(path)
    this.digest.add(node.digest)
  }

  #register(path: string, node: Znode): void {
    this.#nodes.set(path, node)
    this.#dataSizeBytes += path.length + node.dataLength
    this.#storedBytes += node.storedBytes
    this.#owned.add(path, node)
    if (!this.digestEnabled) return
    node.digest = node.computeDigest(path)
    this.digest.add(node.digest)
  }

  #unregister(path: string, node: Znode): void {
    this.#nodes.delete(path)
    this.#dataSizeBytes -= path.length + node.dataLength
    this.#storedBytes -= node.storedBytes
    this.#wastedBytes += sharedBytes(node.storedBytes)
    this.#owned.remove(path, node)
    this.aclCache.release(node.acl)
    this.digest.subtract(node.digest)
  }

  #addSystemNode(path: string, acl: readonly ACL[] | null): void {
    this.restoreNode(path, new Znode(this.#slab, NO_BYTES, this.aclCache.acquire(acl)))
  }

  /**
   * A node of a snapshot, with its slab filled by `makeNode`. False where its parent is missing.
   */
  restoreNode(path: string, node: Znode): boolean {
    if (path === '') {
      this.#register('', node)
      // The second name of the root counts in the sizes, and not in the digest.
      this.#nodes.set('/', node)
      this.#dataSizeBytes += 1 + node.dataLength
      return true
    }
    const parent = path.startsWith('/') && path.length > 1 ? this.get(parentPath(path)) : undefined
    if (parent === undefined || this.#nodes.has(path)) return false
    parent.addChild(baseName(path))
    this.#register(path, node)
    return true
  }

  /** A node without a place yet, for `restoreNode`. */
  makeNode(data: Uint8Array | null, aclId: number): Znode {
    return new Znode(this.#slab, data, this.aclCache.acquireById(aclId))
  }

  /** Forgets every node; a snapshot fills the tree anew. */
  clear(): void {
    for (const [path, node] of [...this.#nodes]) if (path !== '/') this.#unregister(path, node)
    this.#nodes.clear()
    this.#slab = new Slab()
    this.#dataSizeBytes = 0
    this.#storedBytes = 0
    this.#wastedBytes = 0
  }

  /**
   * Moves all nodes together. Cost and gain are of one size with the writes since the last time.
   */
  #compact(): void {
    this.#slab = new Slab()
    for (const [path, node] of this.#nodes) if (path !== '/') node.relocate(this.#slab)
    this.#wastedBytes = 0
  }
}

function isRoot(path: string): boolean {
  return path.length < 2
}
