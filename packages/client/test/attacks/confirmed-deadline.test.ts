import { expect, test } from 'vitest'
import { CONFIRM_MS, ConfirmedDeadline } from '../../src/liveness.ts'

test('a deadline is confirmed by a tick at its time, not by any second tick', () => {
  const deadline = new ConfirmedDeadline()
  expect(deadline.passed(1000, 1000)).toBe(false)
  // A pause may end in several ticks at once, before the sockets were read.
  expect(deadline.passed(1000, 1000)).toBe(false)
  expect(deadline.passed(1000, 1000 + CONFIRM_MS - 1)).toBe(false)
  expect(deadline.passed(1000, 1000 + CONFIRM_MS)).toBe(true)
})
