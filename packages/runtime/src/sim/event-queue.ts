/** What is to happen at a virtual time; `run` is undefined once cancelled or done. */
export interface SimEvent {
  readonly at: number
  readonly order: number
  run: (() => void) | undefined
}

const COMPACT_COUNT_MIN = 1024

/** A binary heap by time, then by the order of scheduling. */
export class EventQueue {
  #heap: SimEvent[] = []
  #order = 0
  #cancelledCount = 0

  get size(): number {
    return this.#heap.length - this.#cancelledCount
  }

  push(at: number, run: () => void): SimEvent {
    const event: SimEvent = { at, order: this.#order++, run }
    this.#heap.push(event)
    this.#up(this.#heap.length - 1)
    return event
  }

  cancel(event: SimEvent): void {
    if (event.run === undefined) return
    event.run = undefined
    this.#cancelledCount++
    const { length } = this.#heap
    if (this.#cancelledCount > COMPACT_COUNT_MIN && this.#cancelledCount > length / 2) {
      this.#compact()
    }
  }

  /** The next event that was not cancelled, left in place. */
  peek(): SimEvent | undefined {
    for (;;) {
      const first = this.#heap[0]
      if (first === undefined || first.run !== undefined) return first
      this.#removeFirst()
      this.#cancelledCount--
    }
  }

  pop(): SimEvent | undefined {
    const first = this.peek()
    if (first !== undefined) this.#removeFirst()
    return first
  }

  /** Sorted is a heap too. */
  #compact(): void {
    this.#heap = this.#heap.filter(event => event.run !== undefined)
    this.#heap.sort((a, b) => (before(a, b) ? -1 : 1))
    this.#cancelledCount = 0
  }

  #removeFirst(): void {
    const last = this.#heap.pop()
    if (last === undefined || this.#heap.length === 0) return
    this.#heap[0] = last
    this.#down()
  }

  #up(from: number): void {
    const heap = this.#heap
    const event = heap[from] as SimEvent
    let at = from
    while (at > 0) {
      const parentAt = (at - 1) >> 1
      const parent = heap[parentAt] as SimEvent
      if (!before(event, parent)) break
      heap[at] = parent
      at = parentAt
    }
    heap[at] = event
  }

  #down(): void {
    const heap = this.#heap
    const event = heap[0] as SimEvent
    let at = 0
    for (;;) {
      let childAt = 2 * at + 1
      if (childAt >= heap.length) break
      const right = heap[childAt + 1]
      if (right !== undefined && before(right, heap[childAt] as SimEvent)) childAt++
      const child = heap[childAt] as SimEvent
      if (!before(child, event)) break
      heap[at] = child
      at = childAt
    }
    heap[at] = event
  }
}

function before(a: SimEvent, b: SimEvent): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
