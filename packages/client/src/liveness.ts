/**
 * When a connection is due for a ping and when it counts as silent (ZooKeeper `ClientCnxn`, with
 * two differences).
 *
 * A ping goes out a third of the time-out after the last request, and at least every 10 s. A
 * connection is silent when nothing came for two thirds of the time-out **and** something sent has
 * gone without an answer for one third: after a pause of this process (a stopped container, a long
 * turn of the event loop) the server owes nothing, so silence proves nothing until it was asked.
 *
 * A late tick is no proof either: what the server sent may lie unread in the kernel. So a deadline
 * that passed must be confirmed by a second tick, one turn of the event loop later, that is itself
 * on time.
 */

const PING_MS_MAX = 10_000
/** Long enough for the event loop to have read the sockets once. */
export const CONFIRM_MS = 10
/** A confirming tick later than this may itself come from a pause. */
const LATE_MS = 50
/** A machine that is never on time must still give up at some point. */
const CONFIRM_COUNT_MAX = 20

/** A deadline that only counts as passed when a tick that is on time says so a second time. */
export class ConfirmedDeadline {
  #confirmAt: number | undefined
  #count = 0

  clear(): void {
    this.#confirmAt = undefined
    this.#count = 0
  }

  /** When the next tick is wanted, for a deadline at `dueAt`. */
  wakeAt(dueAt: number): number {
    return this.#confirmAt ?? dueAt
  }

  passed(dueAt: number, now: number): boolean {
    if (now < dueAt) {
      this.clear()
      return false
    }
    if (this.#confirmAt === undefined) {
      this.#confirmAt = now + CONFIRM_MS
      return false
    }
    if (now < this.#confirmAt) return false
    if (now - this.#confirmAt <= LATE_MS || this.#count >= CONFIRM_COUNT_MAX) return true
    this.#count++
    this.#confirmAt = now + CONFIRM_MS
    return false
  }
}

export class Liveness {
  #timeoutMs = 0
  #lastSentMs = 0
  #lastHeardMs = Number.NEGATIVE_INFINITY
  readonly #silence = new ConfirmedDeadline()

  begin(timeoutMs: number, now: number): void {
    this.#timeoutMs = timeoutMs
    this.#lastSentMs = now
    this.heard(now)
  }

  get lastHeardMs(): number {
    return this.#lastHeardMs
  }

  sent(now: number): void {
    this.#lastSentMs = now
  }

  heard(now: number): void {
    this.#lastHeardMs = now
    this.#silence.clear()
  }

  get pingDueAt(): number {
    return this.#lastSentMs + Math.min(this.#timeoutMs / 3, PING_MS_MAX)
  }

  /** `oldestSentAt`: of what has no answer yet; undefined where nothing is owed. */
  isSilent(oldestSentAt: number | undefined, now: number): boolean {
    return this.#silence.passed(this.#silentAt(oldestSentAt), now)
  }

  wakeAt(oldestSentAt: number | undefined): number {
    return Math.min(this.pingDueAt, this.#silence.wakeAt(this.#silentAt(oldestSentAt)))
  }

  #silentAt(oldestSentAt: number | undefined): number {
    if (oldestSentAt === undefined) return Number.POSITIVE_INFINITY
    const third = this.#timeoutMs / 3
    return Math.max(this.#lastHeardMs + 2 * third, oldestSentAt + third)
  }
}
