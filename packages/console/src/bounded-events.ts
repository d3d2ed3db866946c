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
 * after an outage the newest events say more about what is wrong than the first ones.
 */
export class BoundedEvents {
  readonly #lengthMax: number
  #waiting: QueuedEvent[] = []
  #dropped: Dropped | undefined

  constructor(lengthMax: number) {
    assert(lengthMax >= 1, 'a queue of events holds at least one')
    this.#lengthMax = lengthMax
  }

  get length(): number {
    return this.#waiting.length
  }

  add(queued: QueuedEvent): void {
    this.#waiting.push(queued)
    this.#trim()
  }

  /** Takes up to `countMax` of the oldest; they count as gone until given back. */
  take(countMax: number): readonly QueuedEvent[] {
    return this.#waiting.splice(0, countMax)
  }

  /** What `take` gave and could not be written, back to its place. */
  giveBack(events: readonly QueuedEvent[]): void {
    this.#waiting = [...events, ...this.#waiting]
    this.#trim()
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

  #trim(): void {
    const excess = this.#waiting.length - this.#lengthMax
    if (excess <= 0) return
    const gone = this.#waiting.splice(0, excess)
    const last = gone.at(-1)
    assert(last !== undefined, 'something was dropped')
    this.#dropped = { last: last.event, count: (this.#dropped?.count ?? 0) + excess }
  }
}
