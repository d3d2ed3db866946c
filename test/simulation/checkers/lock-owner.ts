import type { Checker, Observation, Violation } from '../observations.ts'

/**
 * The lock lives and dies with one session: nobody else deletes it, and it is never granted to a
 * session that was closed or has expired (such a lock would never go away). Who asks for a session
 * gets that one or none.
 */
export class LockOwnerChecker implements Checker {
  readonly #violation: Violation
  readonly #closed = new Set<bigint>()

  constructor(violation: Violation) {
    this.#violation = violation
  }

  on(seen: Observation): void {
    if (seen.kind === 'sessionClosed') this.#closed.add(seen.session)
    if (seen.kind === 'sessionAnswered') this.#onAnswer(seen.asked, seen.answered)
    if (seen.kind !== 'treeChanged') return
    const before = seen.before.lock
    const after = seen.after.lock
    if (before?.owner === after?.owner) return
    if (before !== undefined && seen.session !== before.owner) {
      const who = `session 0x${seen.session.toString(16)}`
      this.#violation(`${who} deleted the lock of ${before.names}, which it does not own`)
    }
    if (after !== undefined && this.#closed.has(after.owner)) {
      this.#violation(`the lock was granted to ${after.names} on a session that is closed`)
    }
  }

  #onAnswer(asked: bigint, answered: bigint): void {
    if (asked === 0n || answered === 0n || asked === answered) return
    const [old, other] = [asked, answered].map(id => `0x${id.toString(16)}`)
    this.#violation(`session ${old} was asked for and a new session ${other} was handed out`)
  }
}
