/**
 * ACL lists, each kept once and numbered (ZooKeeper 3.9 `ReferenceCountedACLCache`). Most nodes
 * share a few lists; a node then holds one reference, and a snapshot one number. -1 is the open
 * list and is in no snapshot.
 */
import { OPEN_ACL_UNSAFE } from '@baton/jute'
import type { ACL } from '@baton/jute'
import { assert } from '@baton/runtime'

export interface AclEntry {
  readonly id: number
  readonly list: readonly ACL[]
  /** What world:anyone may do: most checks end here. All where the list is empty. */
  readonly worldPerms: number
  uses: number
}

export const OPEN_ACL_ID = -1
const ALL_PERMS = 31

function entry(id: number, list: readonly ACL[]): AclEntry {
  let worldPerms = list.length === 0 ? ALL_PERMS : 0
  for (const { perms, id: who } of list) {
    if (who.scheme === 'world' && who.id === 'anyone') worldPerms |= perms
  }
  return { id, list, worldPerms, uses: 0 }
}

function keyOf(list: readonly ACL[]): string {
  return JSON.stringify(list.map(({ perms, id }) => [perms, id.scheme, id.id]))
}

export class AclCache {
  readonly open: AclEntry = entry(OPEN_ACL_ID, OPEN_ACL_UNSAFE)
  #lastId = 0
  readonly #byKey = new Map<string, AclEntry>()
  readonly #byId = new Map<number, AclEntry>([[OPEN_ACL_ID, this.open]])
  #lastList: readonly ACL[] | undefined = undefined
  #lastEntry: AclEntry | undefined = undefined

  get size(): number {
    return this.#byKey.size
  }

  /** The entry of a list, made where it is new; null means open. Counts one use. */
  acquire(list: readonly ACL[] | null): AclEntry {
    const found = list === null ? this.open : this.#intern(list)
    found.uses++
    return found
  }

  release(used: AclEntry): void {
    used.uses--
    if (used.uses > 0 || used.id === OPEN_ACL_ID) return
    assert(used.uses === 0, 'an ACL is released as often as it was acquired')
    this.#byId.delete(used.id)
    const key = keyOf(used.list)
    if (this.#byKey.get(key) === used) this.#byKey.delete(key)
    this.#lastList = undefined
  }

  /**
   * The entry with a snapshot's number. A snapshot is fuzzy: a node may name a list made after the
   * table was written, and the log then tells it again. Until it does, nobody may do anything.
   */
  acquireById(id: number): AclEntry {
    let found = this.#byId.get(id)
    if (found === undefined) {
      found = {
        id,
        list: [{ perms: 0, id: { scheme: 'world', id: 'anyone' } }],
        worldPerms: 0,
        uses: 0,
      }
      this.#byId.set(id, found)
      this.#lastId = Math.max(this.#lastId, id)
    }
    found.uses++
    return found
  }

  /** A row of a snapshot's table. */
  restore(id: number, list: readonly ACL[]): void {
    const restored = entry(id, list)
    this.#byId.set(id, restored)
    this.#byKey.set(keyOf(list), restored)
    this.#lastId = Math.max(this.#lastId, id)
  }

  /** Drops rows that no node of the snapshot used. */
  purgeUnused(): void {
    for (const row of this.rows()) {
      row.uses++
      this.release(row)
    }
  }

  rows(): readonly AclEntry[] {
    return [...this.#byKey.values()]
  }

  #intern(list: readonly ACL[]): AclEntry {
    // Writes of one client carry one list object again and again only within a txn; the key
    // string is the general way, the identity check the cheap one.
    if (list === this.#lastList && this.#lastEntry !== undefined) return this.#lastEntry
    const key = keyOf(list)
    let found = this.#byKey.get(key)
    if (found === undefined) {
      found = entry(++this.#lastId, list)
      this.#byKey.set(key, found)
      this.#byId.set(found.id, found)
    }
    this.#lastList = list
    this.#lastEntry = found
    return found
  }
}
