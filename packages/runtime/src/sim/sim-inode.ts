import type { SimHost } from './sim-host.ts'
import type { SimRandom } from './sim-random.ts'

/** A change not yet durable, with what it takes to undo it. `bytes` undefined: a truncation. */
interface Pending {
  readonly by: SimHost
  readonly at: number
  readonly bytes: Uint8Array | undefined
  sizeBefore: number
  overwritten: Uint8Array
  /** A sync that should have covered it failed: no later sync makes it durable. */
  doomed: boolean
}

const CAPACITY_MIN = 256

/** The content of a file: what programs read, and what of it power loss would leave. */
export class SimInode {
  #bytes = new Uint8Array(0)
  #size = 0
  #pending: Pending[] = []

  get size(): number {
    return this.#size
  }

  read(at: number, length: number): Uint8Array {
    return this.#bytes.slice(at, Math.min(this.#size, at + length))
  }

  write(by: SimHost, at: number, bytes: Uint8Array): void {
    const overwritten = this.#bytes.slice(at, Math.min(this.#size, at + bytes.length))
    const own = bytes.slice()
    const sizeBefore = this.#size
    this.#pending.push({ by, at, bytes: own, sizeBefore, overwritten, doomed: false })
    this.#put(at, own)
  }

  truncate(by: SimHost, size: number): void {
    const overwritten = this.#bytes.slice(size, this.#size)
    const sizeBefore = this.#size
    this.#pending.push({ by, at: size, bytes: undefined, sizeBefore, overwritten, doomed: false })
    this.#resize(size)
  }

  /** A whole new content, durable at once. */
  fill(bytes: Uint8Array): void {
    this.#resize(0)
    this.#put(0, bytes)
    this.#pending = []
  }

  /** Every change so far is durable, but for the doomed: their bytes fall back, the size stays. */
  sync(): void {
    this.#pending = this.#pending.filter(change => change.doomed)
    for (const change of this.#pending) {
      const before = new Uint8Array(change.bytes?.length ?? change.overwritten.length)
      before.set(change.overwritten)
      change.overwritten = before
      change.sizeBefore = Math.max(change.sizeBefore, this.#size)
    }
  }

  /** The sync failed: the kernel forgets that these pages are dirty. */
  syncFailed(): void {
    for (const change of this.#pending) change.doomed = true
  }

  get unsyncedCount(): number {
    return this.#pending.length
  }

  /**
   * Power loss at one host: of its changes a prefix survives, the next may be torn: cut short, or
   * grown with zeros where its bytes should be. Changes of other hosts stay.
   */
  losePower(host: SimHost, random: SimRandom): void {
    const changes = this.#pending
    if (!changes.some(change => change.by === host)) return
    for (const change of changes.toReversed()) this.#undo(change)
    this.#pending = []
    const lostFrom = drawSurvivors(changes.filter(change => change.by === host).length, random)
    let seen = 0
    for (const change of changes) {
      if (change.by !== host) {
        if (change.bytes === undefined) this.truncate(change.by, change.at)
        else this.write(change.by, change.at, change.bytes)
        continue
      }
      if (seen < lostFrom && !change.doomed) this.#redo(change)
      else if (seen === lostFrom) this.#tear(change, random)
      seen++
    }
  }

  #redo(change: Pending): void {
    if (change.bytes === undefined) this.#resize(change.at)
    else this.#put(change.at, change.bytes)
  }

  #undo(change: Pending): void {
    this.#resize(change.sizeBefore)
    const room = Math.max(0, this.#size - change.at)
    this.#bytes.set(change.overwritten.subarray(0, room), change.at)
  }

  #tear(change: Pending, random: SimRandom): void {
    if (change.bytes === undefined) return
    const kind = random.int(3)
    if (kind === 0) return
    const kept = random.int(change.bytes.length + 1)
    this.#put(change.at, change.bytes.subarray(0, kept))
    const end = change.at + change.bytes.length
    if (kind === 2 && this.#size < end) this.#resize(end)
  }

  #put(at: number, bytes: Uint8Array): void {
    const end = at + bytes.length
    if (end > this.#size) this.#resize(end)
    this.#bytes.set(bytes, at)
  }

  #resize(size: number): void {
    if (size > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(CAPACITY_MIN, size, this.#bytes.length * 2))
      grown.set(this.#bytes.subarray(0, this.#size))
      this.#bytes = grown
    }
    if (size < this.#size) this.#bytes.fill(0, size, this.#size)
    this.#size = size
  }
}

/** How many of `count` unsynced changes survive: none, all, or some, a third of the time each. */
export function drawSurvivors(count: number, random: SimRandom): number {
  const kind = random.int(3)
  if (kind === 0) return 0
  return kind === 1 ? count : random.int(count + 1)
}
