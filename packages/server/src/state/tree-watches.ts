/**
 * The two watch tables of a tree and the rules that join them (ZooKeeper 3.9 `DataTree`).
 *
 * One change fires in a fixed order: the node's data watches, then for a delete its child watches
 * (except whom the data watch has told), then the parent's child watches. A persistent watch stands
 * in both tables; a recursive one in the data table only, so that it never hears ChildrenChanged.
 */
import { AddWatchMode, ErrorCode, EventType, WatcherType } from '@baton/jute'
import type { SetWatches, SetWatches2 } from '@baton/jute'
import { WatchManager, WatchMode } from './watch-manager.ts'
import type { Watcher, WatchEvent } from './watch-manager.ts'
import type { Znode } from './znode.ts'

/** The zxid of an event that no single txn caused. */
const NO_ZXID = -1
const ANY_MODE = WatchMode.standard | WatchMode.persistent | WatchMode.recursive

/** Which modes of which table a `WatcherType` means; `check` of persistent looks at data alone. */
const typeRows: Readonly<Record<number, { readonly data: number; readonly child: number }>> = {
  [WatcherType.children]: { data: 0, child: WatchMode.standard },
  [WatcherType.data]: { data: WatchMode.standard, child: 0 },
  [WatcherType.any]: { data: ANY_MODE, child: ANY_MODE },
  [WatcherType.persistent]: { data: WatchMode.persistent, child: WatchMode.persistent },
  [WatcherType.persistentRecursive]: { data: WatchMode.recursive, child: 0 },
}

type Lookup = (path: string) => Znode | undefined

export class TreeWatches {
  readonly data = new WatchManager()
  readonly child = new WatchManager()
  readonly #get: Lookup

  constructor(get: Lookup) {
    this.#get = get
  }

  get size(): number {
    return this.data.size + this.child.size
  }

  /** A node came or went. */
  fire(
    type: typeof EventType.nodeCreated | typeof EventType.nodeDeleted,
    path: string,
    zxid: number,
    node: Znode,
    parentPath: string,
    parent: Znode,
  ): void {
    if (this.size === 0) return
    const event = eventOf(type, path, zxid, node)
    const told = this.data.trigger(event)
    if (type === EventType.nodeDeleted) this.child.trigger(event, told)
    this.child.trigger(eventOf(EventType.nodeChildrenChanged, parentPath, zxid, parent))
  }

  fireData(type: EventType, path: string, zxid: number, node: Znode): void {
    if (this.data.size > 0) this.data.trigger(eventOf(type, path, zxid, node))
  }

  /** False for an unknown mode. */
  add(path: string, mode: number, watcher: Watcher): boolean {
    if (mode === AddWatchMode.persistent) {
      this.data.add(path, watcher, WatchMode.persistent)
      this.child.add(path, watcher, WatchMode.persistent)
      return true
    }
    if (mode !== AddWatchMode.persistentRecursive) return false
    this.data.add(path, watcher, WatchMode.recursive)
    return true
  }

  remove(path: string, type: number, watcher: Watcher): number {
    const row = typeRows[type]
    if (row === undefined) return ErrorCode.marshallingError
    const child = this.child.remove(path, watcher, row.child)
    const data = this.data.remove(path, watcher, row.data)
    return child || data ? ErrorCode.ok : ErrorCode.noWatcher
  }

  check(path: string, type: number, watcher: Watcher): number {
    const row = typeRows[type]
    if (row === undefined) return ErrorCode.marshallingError
    const found = this.child.has(path, watcher, row.child) || this.data.has(path, watcher, row.data)
    return found ? ErrorCode.ok : ErrorCode.noWatcher
  }

  removeWatcher(watcher: Watcher): void {
    this.data.removeWatcher(watcher)
    this.child.removeWatcher(watcher)
  }

  /** A client came back: tells it what it missed since its last zxid, arms the rest again. */
  rearm(request: SetWatches | SetWatches2, watcher: Watcher): void {
    const since = request.relativeZxid
    for (const path of request.dataWatches) {
      this.#rearmOn(this.data, path, watcher, node => {
        if (node === undefined) return EventType.nodeDeleted
        return node.mzxid > since ? EventType.nodeDataChanged : undefined
      })
    }
    for (const path of request.existWatches) {
      this.#rearmOn(this.data, path, watcher, node =>
        node === undefined ? undefined : EventType.nodeCreated,
      )
    }
    for (const path of request.childWatches) {
      this.#rearmOn(this.child, path, watcher, node => {
        if (node === undefined) return EventType.nodeDeleted
        return node.pzxid > since ? EventType.nodeChildrenChanged : undefined
      })
    }
    if (!('persistentWatches' in request)) return
    for (const path of request.persistentWatches) this.add(path, AddWatchMode.persistent, watcher)
    for (const path of request.persistentRecursiveWatches) {
      this.add(path, AddWatchMode.persistentRecursive, watcher)
    }
  }

  #rearmOn(
    manager: WatchManager,
    path: string,
    watcher: Watcher,
    missed: (node: Znode | undefined) => EventType | undefined,
  ): void {
    const node = this.#get(path)
    const type = missed(node)
    if (type === undefined) manager.add(path, watcher)
    else watcher.process(eventOf(type, path, NO_ZXID, node))
  }
}

function eventOf(type: EventType, path: string, zxid: number, node: Znode | undefined): WatchEvent {
  return { type, path, zxid, acl: node?.acl.list, encoded: undefined }
}
