/**
 * The client's watch tables (ZooKeeper 3.9 `ZKWatchManager`).
 *
 * A server forgets a connection's watches with the connection; the client is the one that
 * remembers. A watch enters a table when the reply that left it arrives, leaves it when it fires
 * (persistent ones stay), and after a reconnect all that are left are sent with `setWatches` and
 * the last zxid seen, so that the server either re-arms one or fires what was missed.
 * Keys are the server's paths; the chroot is taken off only when an event is handed out.
 */
import { EventType, OpCode, SetWatches, SetWatches2, WatcherType } from '@baton/jute'
import type { Writer } from '@baton/jute'

export interface WatchedEvent {
  readonly type: EventType
  readonly path: string
  /** Of the change, where the server tells it (3.9 does); else -1. */
  readonly zxid: number
}
export type Watch = (event: WatchedEvent) => void

export const watchKinds = ['data', 'exist', 'child', 'persistent', 'recursive'] as const
export type WatchKind = (typeof watchKinds)[number]

type Table = Map<string, Set<Watch>>

/** Above this a setWatches request is cut in two (ZOOKEEPER-706): servers refuse long frames. */
export const SET_WATCHES_BYTES_MAX = 128 * 1024

/** Which one-shot tables an event empties at its path, and whether recursive watches see it. */
const fires: Readonly<Record<number, { once: readonly WatchKind[]; recursive: boolean }>> = {
  [EventType.nodeCreated]: { once: ['data', 'exist'], recursive: true },
  [EventType.nodeDataChanged]: { once: ['data', 'exist'], recursive: true },
  [EventType.nodeDeleted]: { once: ['data', 'exist', 'child'], recursive: true },
  [EventType.nodeChildrenChanged]: { once: ['child'], recursive: false },
}

/** What removing by `WatcherType` takes away, and the event that tells it. */
const removals: Readonly<Record<number, readonly WatchKind[]>> = {
  [WatcherType.children]: ['child'],
  [WatcherType.data]: ['data', 'exist'],
  [WatcherType.any]: watchKinds,
  [WatcherType.persistent]: ['persistent'],
  [WatcherType.persistentRecursive]: ['recursive'],
}

const removedEvent: Readonly<Record<WatchKind, EventType>> = {
  data: EventType.dataWatchRemoved,
  exist: EventType.dataWatchRemoved,
  child: EventType.childWatchRemoved,
  persistent: EventType.persistentWatchRemoved,
  recursive: EventType.persistentWatchRemoved,
}

export interface RearmRequest {
  readonly opCode: typeof OpCode.setWatches | typeof OpCode.setWatches2
  write(writer: Writer): void
}

export class WatchManager {
  readonly #tables: Readonly<Record<WatchKind, Table>> = {
    data: new Map(),
    exist: new Map(),
    child: new Map(),
    persistent: new Map(),
    recursive: new Map(),
  }

  /** Watches in all tables; one function at one path in one table counts once. */
  get count(): number {
    let count = 0
    for (const kind of watchKinds) {
      for (const watches of this.#tables[kind].values()) count += watches.size
    }
    return count
  }

  add(kind: WatchKind, path: string, watch: Watch): void {
    const table = this.#tables[kind]
    const found = table.get(path)
    if (found === undefined) table.set(path, new Set([watch]))
    else found.add(watch)
  }

  /** Who is to be told of an event at `path`; one-shot watches leave their tables. */
  take(type: EventType, path: string): ReadonlySet<Watch> {
    const told = new Set<Watch>()
    const row = fires[type]
    if (row === undefined) return told
    for (const kind of row.once) {
      collect(this.#tables[kind].get(path), told)
      this.#tables[kind].delete(path)
    }
    collect(this.#tables.persistent.get(path), told)
    // A server that also holds a child watch below sends ChildrenChanged there; a recursive watch
    // promises never to show it.
    if (row.recursive && this.#tables.recursive.size > 0) this.#collectAncestors(path, told)
    return told
  }

  #collectAncestors(path: string, told: Set<Watch>): void {
    const table = this.#tables.recursive
    for (let at = path.length; at > 0; at = path.lastIndexOf('/', at - 1)) {
      collect(table.get(path.slice(0, at)), told)
    }
    if (path !== '/') collect(table.get('/'), told)
  }

  has(watcherType: number, path: string): boolean {
    return (removals[watcherType] ?? []).some(kind => this.#tables[kind].has(path))
  }

  /** Takes the watches of a type away and tells which event each of them gets. */
  remove(watcherType: number, path: string): readonly { watch: Watch; type: EventType }[] {
    const told: { watch: Watch; type: EventType }[] = []
    for (const kind of removals[watcherType] ?? []) {
      const type = removedEvent[kind]
      for (const watch of this.#tables[kind].get(path) ?? []) told.push({ watch, type })
      this.#tables[kind].delete(path)
    }
    return told
  }

  /** The requests that bring every watch back, none above the limit unless one path alone is. */
  rearm(relativeZxid: number, bytesMax = SET_WATCHES_BYTES_MAX): readonly RearmRequest[] {
    const second = this.#tables.persistent.size + this.#tables.recursive.size > 0
    const requests: RearmRequest[] = []
    let batch = emptyBatch()
    let bytes = 0
    for (const kind of watchKinds) {
      for (const path of this.#tables[kind].keys()) {
        const length = 4 + Buffer.byteLength(path)
        if (bytes > 0 && bytes + length > bytesMax) {
          requests.push(requestOf(batch, relativeZxid, second))
          batch = emptyBatch()
          bytes = 0
        }
        batch[kind].push(path)
        bytes += length
      }
    }
    if (bytes > 0) requests.push(requestOf(batch, relativeZxid, second))
    return requests
  }
}

type Batch = Record<WatchKind, string[]>

function emptyBatch(): Batch {
  return { data: [], exist: [], child: [], persistent: [], recursive: [] }
}

/** Servers before 3.6 know only `setWatches`, so its successor is used only where it is needed. */
function requestOf(batch: Batch, relativeZxid: number, second: boolean): RearmRequest {
  const first = {
    relativeZxid,
    dataWatches: batch.data,
    existWatches: batch.exist,
    childWatches: batch.child,
  }
  if (!second) {
    return { opCode: OpCode.setWatches, write: writer => SetWatches.write(writer, first) }
  }
  const all = {
    ...first,
    persistentWatches: batch.persistent,
    persistentRecursiveWatches: batch.recursive,
  }
  return { opCode: OpCode.setWatches2, write: writer => SetWatches2.write(writer, all) }
}

function collect(from: ReadonlySet<Watch> | undefined, into: Set<Watch>): void {
  if (from === undefined) return
  for (const watch of from) into.add(watch)
}
