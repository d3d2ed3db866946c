import type { Checker, Observation, Violation } from '../observations.ts'

/**
 * Where the fences really fence: no two NameNode processes that are alive (stopped ones count) and
 * active once the second one was told to be (design, section 4, part 2). Not claimed, and not
 * checked, where a fencing method lies.
 */
export class OneActiveChecker implements Checker {
  readonly #violation: Violation
  /** Active processes that have not ended: pid -> NameNode. */
  readonly #active = new Map<number, string>()

  constructor(violation: Violation) {
    this.#violation = violation
  }

  on(seen: Observation): void {
    switch (seen.kind) {
      case 'nameNodeState':
        if (seen.state !== 'active') return void this.#active.delete(seen.pid)
        this.#active.set(seen.pid, seen.node)
        return this.#judge(seen.node, 'became active')
      case 'nameNodeEnded':
        this.#active.delete(seen.pid)
        return
      case 'transitionSent':
        if (seen.call === 'transitionToActive') this.#judge(seen.to, 'was told to be active')
        return
      default:
    }
  }

  #judge(node: string, what: string): void {
    const others = [...this.#active.values()].filter(other => other !== node)
    if (others.length === 0) return
    this.#violation(`${node} ${what} while ${others.join(' and ')} is alive and active`)
  }
}
