import { performance } from 'node:perf_hooks'
import type { Cancel, Clock } from '../clock.ts'

/** setTimeout takes a signed 32-bit number of milliseconds; longer delays are cut in pieces. */
const TIMER_MS_MAX = 2 ** 31 - 1

/**
 * libuv counts whole milliseconds and may fire up to one early; a deadline compared with `now()`
 * would then not be due, so an early turn waits for the rest.
 */
function after(delayMs: number, run: () => void): Cancel {
  const dueMs = performance.now() + Math.max(0, delayMs)
  let timer: NodeJS.Timeout
  const arm = (): void => {
    const leftMs = Math.ceil(Math.max(0, dueMs - performance.now()))
    timer = setTimeout(turn, Math.min(leftMs, TIMER_MS_MAX))
  }
  const turn = (): void => {
    if (performance.now() < dueMs) arm()
    else run()
  }
  arm()
  return () => clearTimeout(timer)
}

function every(intervalMs: number, run: () => void): Cancel {
  const timer = setInterval(run, Math.min(Math.max(1, intervalMs), TIMER_MS_MAX))
  return () => clearInterval(timer)
}

/** `performance.now` (CLOCK_MONOTONIC) and the system's wall clock. */
export const nodeClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  after,
  every,
}
