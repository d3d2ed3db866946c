import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EventQueue, type SimEvent } from '../../src/sim/event-queue.ts'

test('events come by time, then by the order of scheduling, and cancelled ones never', () => {
  const plan = fc.array(fc.tuple(fc.integer({ min: 0, max: 20 }), fc.boolean()), { maxLength: 200 })
  fc.assert(
    fc.property(plan, items => {
      const queue = new EventQueue()
      const events = items.map(([at]) => queue.push(at, () => {}))
      items.forEach(([, cancelled], index) => {
        if (cancelled) queue.cancel(events[index] as SimEvent)
      })
      const kept = events.filter((_, index) => items[index]?.[1] === false)
      const expected = kept.toSorted((a, b) => a.at - b.at || a.order - b.order)
      expect(queue.size).toBe(expected.length)
      const found: (SimEvent | undefined)[] = expected.map(() => queue.pop())
      expect(found).toEqual(expected)
      expect(queue.pop()).toBeUndefined()
    }),
    { numRuns: 200 },
  )
})

test('cancelled events do not pile up', () => {
  const queue = new EventQueue()
  for (let round = 0; round < 100_000; round++) {
    queue.cancel(queue.push(1e9, () => {}))
  }
  expect(queue.size).toBe(0)
  expect(queue.peek()).toBeUndefined()
})
