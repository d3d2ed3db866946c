import { assert } from '@baton/runtime'
import type { ControllerEvent } from '@baton/zkfc'
import type { StreamEntry } from './stream-entry.ts'

export interface QueuedEvent {
  readonly event: ControllerEvent
  /** What will be written for it. */
  readonly entry: StreamEntry
}

/** How many events were dropped, and the last of them. */
export interface Dropped {
  readonly last: ControllerEvent
  readonly count: number
}

/**
 * Events that wait to be written, the oldest first. When it is full the oldest go, and are counted:
 * after an outage the newest events say more about what is wrong than the first ones. Events that
 * are being written count as well, and go first: a write that hangs must not make it any longer.
 */
export class BoundedEvents {
  readonly #lengthMax: number
  #waiting: QueuedEvent[] = []
  /** So many of the oldest are being written. */
  #takenCount = 0
  /** So many were dropped while they were being written. */
  #takenDroppedCount = 0
  #dropped: Dropped | undefined

  constructor(lengthMax: number) {
    assert(lengthMax >= 1, 'a queue of events holds at least one')
    this.#lengthMax = lengthMax
  }

  /** Those that are being written included. */
  get length(): number {
    return this.#waiting.length
  }

  add(queued: QueuedEvent): void {
    this.#waiting.push(queued)
    if (this.#waiting.length <= this.#lengthMax) return
    const gone = this.#waiting.shift()
    assert(gone !== undefined, 'something was dropped')
    this.#dropped = { last: gone.event, count: (this.#dropped?.count ?? 0) + 1 }
    if (this.#takenCount === 0) return
    this.#takenCount -= 1
    this.#takenDroppedCount += 1
  }

  /** Up to `countMax` of the oldest, to be written now; `confirm` or `giveBack` must follow. */
  take(countMax: number): readonly QueuedEvent[] {
    assert(this.#takenCount + this.#takenDroppedCount === 0, 'one batch at a time')
    const taken = this.#waiting.slice(0, countMax)
    this.#takenCount = taken.length
    return taken
  }

  /** What `take` gave is written. */
  confirm(): void {
    this.#waiting.splice(0, this.#takenCount)
    const dropped = this.#dropped
    if (dropped !== undefined) {
      // What was dropped in the meantime was written after all.
      const count = dropped.count - this.#takenDroppedCount
      this.#dropped = count === 0 ? undefined : { ...dropped, count }
    }
    this.#endTaking()
  }

  /** What `take` gave could not be written: it waits on, in its place. */
  giveBack(): void {
    this.#endTaking()
  }

  /** What was dropped since the last time this was asked. */
  takeDropped(): Dropped | undefined {
    const dropped = this.#dropped
    this.#dropped = undefined
    return dropped
  }

  /** What `takeDropped` gave and could not be told, to be told with what was dropped since. */
  giveBackDropped(dropped: Dropped): void {
    const since = this.#dropped
    this.#dropped = {
      last: since?.last ?? dropped.last,
      count: dropped.count + (since?.count ?? 0),
    }
  }

  #endTaking(): void {
    this.#takenCount = 0
    this.#takenDroppedCount = 0
  }
}
