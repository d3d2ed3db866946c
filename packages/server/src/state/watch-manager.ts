/**
 * Who wants to hear of which path. One manager holds data watches, another child watches.
 *
 * A watch is keyed by (path, watcher): asking twice yields one event. On one key a bitmask of modes
 * can stand at once: standard (gone once it fired), persistent, persistent recursive (hears of
 * every descendant too). An event goes to each watcher at most once, in the order in which the
 * watchers came to the path, then to the recursive watchers of the parents, nearest first.
 * (ZooKeeper 3.9 `WatchManager`; ZOOKEEPER-4466 for the modes.)
 */
import type { ACL, EventType } from '@baton/jute'

/** A connection; its identity is the key. */
export interface Watcher {
  process(event: WatchEvent): void
}

/** One object for all watchers of one trigger. */
export interface WatchEvent {
  readonly type: EventType
  /** The node that changed, also for recursive watches. */
  readonly path: string
  /** Of the txn that did it; -1 for what setWatches catches up with. */
  readonly zxid: number
  /** The node's. Whoever may not READ must not hear of it (CVE-2024-23944). */
  readonly acl: readonly ACL[] | undefined
  /** The event's frame, kept by the first connection that makes it. */
  encoded: Uint8Array | undefined
}

export const WatchMode = { standard: 1, persistent: 2, recursive: 4 } as const
const ALL_MODES = 7
const NO_WATCHERS: ReadonlyMap<Watcher, number> = new Map()

export class WatchManager {
  /** path -> watcher -> modes */
  readonly #table = new Map<string, Map<Watcher, number>>()
  readonly #pathsOf = new Map<Watcher, Set<string>>()
  #recursiveCount = 0
  #size = 0

  /** (path, watcher) pairs. */
  get size(): number {
    return this.#size
  }
  get pathCount(): number {
    return this.#table.size
  }
  get watcherCount(): number {
    return this.#pathsOf.size
  }

  add(path: string, watcher: Watcher, mode: number = WatchMode.standard): void {
    let watchers = this.#table.get(path)
    if (watchers === undefined) {
      watchers = new Map()
      this.#table.set(path, watchers)
    }
    const modes = watchers.get(watcher) ?? 0
    if ((modes & mode) !== 0) return
    if (mode === WatchMode.recursive) this.#recursiveCount++
    watchers.set(watcher, modes | mode)
    if (modes !== 0) return
    this.#size++
    let paths = this.#pathsOf.get(watcher)
    if (paths === undefined) {
      paths = new Set()
      this.#pathsOf.set(watcher, paths)
    }
    paths.add(path)
  }

  /** Whether a watch of any of `modes` stands. */
  has(path: string, watcher: Watcher, modes: number = ALL_MODES): boolean {
    return ((this.#table.get(path)?.get(watcher) ?? 0) & modes) !== 0
  }

  /** Takes `modes` away; false where none of them stood. */
  remove(path: string, watcher: Watcher, modes: number = ALL_MODES): boolean {
    const watchers = this.#table.get(path)
    const standing = watchers?.get(watcher) ?? 0
    if (watchers === undefined || (standing & modes) === 0) return false
    this.#keep(path, watchers, watcher, standing & ~modes)
    if (watchers.size === 0) this.#table.delete(path)
    return true
  }

  removeWatcher(watcher: Watcher): void {
    const paths = this.#pathsOf.get(watcher)
    if (paths === undefined) return
    for (const path of [...paths]) this.remove(path, watcher)
  }

  /**
   * Tells the watchers of `event.path` and the recursive ones above it, except those in `except`.
   * Returns whom it told, for the next trigger of the same change.
   */
  trigger(event: WatchEvent, except?: ReadonlySet<Watcher>): ReadonlySet<Watcher> | undefined {
    if (this.#table.size === 0) return undefined
    const told = this.#collect(event.path)
    if (told === undefined) return undefined
    for (const watcher of told) {
      if (except === undefined || !except.has(watcher)) watcher.process(event)
    }
    return told
  }

  paths(): Iterable<[string, Iterable<Watcher>]> {
    return [...this.#table].map(([path, watchers]) => [path, watchers.keys()])
  }

  #collect(path: string): Set<Watcher> | undefined {
    const told = new Set<Watcher>()
    const watchers = this.#table.get(path)
    for (const [watcher, modes] of watchers ?? NO_WATCHERS) {
      told.add(watcher)
      // Deleting the current entry of a map while it is walked is well defined.
      if ((modes & WatchMode.standard) !== 0 && watchers !== undefined) {
        this.#keep(path, watchers, watcher, modes & ~WatchMode.standard)
      }
    }
    if (watchers?.size === 0) this.#table.delete(path)
    if (this.#recursiveCount > 0) this.#collectRecursive(path, told)
    return told.size === 0 ? undefined : told
  }

  #collectRecursive(path: string, told: Set<Watcher>): void {
    for (
      let at = path.lastIndexOf('/');
      at >= 0 && path.length > 1;
      at = path.lastIndexOf('/', at - 1)
    ) {
      const above = at === 0 ? '/' : path.slice(0, at)
      for (const [watcher, modes] of this.#table.get(above) ?? NO_WATCHERS) {
        if ((modes & WatchMode.recursive) !== 0) told.add(watcher)
      }
      if (at === 0) return
    }
  }

  /** Leaves only `modes` on the pair; none means the pair goes. */
  #keep(path: string, watchers: Map<Watcher, number>, watcher: Watcher, modes: number): void {
    const before = watchers.get(watcher) ?? 0
    if ((before & ~modes & WatchMode.recursive) !== 0) this.#recursiveCount--
    if (modes !== 0) {
      watchers.set(watcher, modes)
      return
    }
    watchers.delete(watcher)
    this.#size--
    const paths = this.#pathsOf.get(watcher)
    paths?.delete(path)
    if (paths?.size === 0) this.#pathsOf.delete(watcher)
  }
}
