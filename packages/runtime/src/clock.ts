export type Cancel = () => void

export interface Clock {
  /** Monotonic milliseconds with a fraction; its origin means nothing. Deadlines use this one. */
  now(): number
  /** Milliseconds since 1970. May step; only for what people and files see. */
  wallTime(): number
  /** Runs once, not before `delayMs` have passed. Cancelling again, or too late, does nothing. */
  after(delayMs: number, run: () => void): Cancel
  /** Runs every `intervalMs`; a late turn is not made up for. */
  every(intervalMs: number, run: () => void): Cancel
}
