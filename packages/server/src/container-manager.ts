/**
 * Finds containers and TTL znodes that may go (ZooKeeper 3.9 `ContainerManager`): a container that
 * has no child but had one, a TTL znode without children that was not written to for its time to
 * live. It only proposes; the prepare stage checks again. At most `perMinuteMax` a minute.
 */
import type { Cancel, Clock } from '@baton/runtime'
import type { DataTree } from './state/data-tree.ts'

export interface ContainerOptions {
  readonly clock: Clock
  readonly tree: DataTree
  readonly checkIntervalMs: number
  readonly perMinuteMax: number
  /** 0: a container that never had a child is kept. */
  readonly neverUsedMs: number
  readonly extendedTypes: boolean
  readonly deleteContainer: (path: string) => void
}

/** Deletions are handed out in portions this often. */
const PORTION_MS = 100
const MINUTE_MS = 60_000
const TTL_MASK = (1n << 40n) - 1n

export class ContainerManager {
  readonly #options: ContainerOptions
  #candidates: string[] = []
  #cancelCheck: Cancel | undefined
  #cancelPortion: Cancel | undefined

  constructor(options: ContainerOptions) {
    this.#options = options
  }

  start(): void {
    const { clock, checkIntervalMs } = this.#options
    this.#cancelCheck = clock.every(checkIntervalMs, () => this.check())
  }

  stop(): void {
    this.#cancelCheck?.()
    this.#cancelPortion?.()
    this.#candidates = []
  }

  /** Looks once; does nothing while an earlier look's findings are still being handed out. */
  check(): void {
    if (this.#candidates.length > 0) return
    const { tree, extendedTypes } = this.#options
    const candidates: string[] = []
    for (const path of tree.containers()) if (this.#isUnused(path)) candidates.push(path)
    if (extendedTypes) {
      for (const path of tree.ttls()) if (this.#isOutlived(path)) candidates.push(path)
    }
    // Proposed from the end.
    this.#candidates = candidates.reverse()
    this.#handOut()
  }

  #handOut(): void {
    const { perMinuteMax, clock, deleteContainer } = this.#options
    const portion = Math.max(1, Math.floor((perMinuteMax * PORTION_MS) / MINUTE_MS))
    for (let i = 0; i < portion; i++) {
      const path = this.#candidates.pop()
      if (path === undefined) return
      // Minutes may have gone by since the look: someone may have used it again.
      if (this.#mayGo(path)) deleteContainer(path)
    }
    if (this.#candidates.length === 0) return
    const delayMs = Math.max(PORTION_MS, (portion * MINUTE_MS) / perMinuteMax)
    this.#cancelPortion = clock.after(delayMs, () => this.#handOut())
  }

  #mayGo(path: string): boolean {
    const kind = this.#options.tree.get(path)?.kind
    return kind === 'ttl' ? this.#isOutlived(path) : kind === 'container' && this.#isUnused(path)
  }

  #isUnused(path: string): boolean {
    const { tree, neverUsedMs, clock } = this.#options
    const node = tree.get(path)
    if (node === undefined || node.childCount > 0) return false
    if (node.cversion > 0) return true
    return neverUsedMs > 0 && clock.wallTime() - node.ctime > neverUsedMs
  }

  #isOutlived(path: string): boolean {
    const { tree, clock } = this.#options
    const node = tree.get(path)
    if (node === undefined || node.childCount > 0) return false
    const ttlMs = Number(node.ephemeralOwner & TTL_MASK)
    return ttlMs > 0 && clock.wallTime() - node.mtime > ttlMs
  }
}
