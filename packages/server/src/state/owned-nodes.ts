/**
 * Which nodes will have to go by themselves: ephemerals by their session, containers, TTL nodes. An
 * index over the tree, so that nobody has to walk it.
 */
import { unreachable } from '@baton/runtime'
import type { Znode } from './znode.ts'

const NO_PATHS: ReadonlySet<string> = new Set()

export class OwnedNodes {
  readonly containers = new Set<string>()
  readonly ttls = new Set<string>()
  readonly #ephemerals = new Map<bigint, Set<string>>()
  #ephemeralsCount = 0

  get ephemeralsCount(): number {
    return this.#ephemeralsCount
  }

  /** In the order of their creation. */
  ephemerals(session: bigint): readonly string[] {
    return [...(this.#ephemerals.get(session) ?? NO_PATHS)]
  }

  sessions(): Iterable<bigint> {
    return this.#ephemerals.keys()
  }

  add(path: string, node: Znode): void {
    switch (node.kind) {
      case 'persistent':
        return
      case 'container':
        this.containers.add(path)
        return
      case 'ttl':
        this.ttls.add(path)
        return
      case 'ephemeral':
        return this.#addEphemeral(path, node.ephemeralOwner)
      default:
        unreachable(node.kind)
    }
  }

  remove(path: string, node: Znode): void {
    switch (node.kind) {
      case 'persistent':
        return
      case 'container':
        this.containers.delete(path)
        return
      case 'ttl':
        this.ttls.delete(path)
        return
      case 'ephemeral':
        return this.#removeEphemeral(path, node.ephemeralOwner)
      default:
        unreachable(node.kind)
    }
  }

  #addEphemeral(path: string, owner: bigint): void {
    const paths = this.#ephemerals.get(owner)
    if (paths === undefined) this.#ephemerals.set(owner, new Set([path]))
    else paths.add(path)
    this.#ephemeralsCount++
  }

  #removeEphemeral(path: string, owner: bigint): void {
    const paths = this.#ephemerals.get(owner)
    if (paths?.delete(path) !== true) return
    this.#ephemeralsCount--
    if (paths.size === 0) this.#ephemerals.delete(owner)
  }
}
