import type { Checker, Lock, Observation, Violation } from '../observations.ts'

interface Restart {
  readonly lock: Lock
  readonly pid: number
}

/**
 * A controller that is started again while its NameNode is active and its lock still stands keeps
 * the role without a transition call, in either direction, until it has the role or the lock is
 * gone. A NameNode that was stopped, ended or asked to go in between excuses a call.
 */
export class KeptRoleChecker implements Checker {
  readonly #violation: Violation
  readonly #onKept: () => void
  #lock: Lock | undefined
  readonly #processes = new Map<string, { readonly pid: number; state: string }>()
  readonly #restarts = new Map<string, Restart>()

  /** `onKept` counts: a batch in which no role was ever kept checked nothing. */
  constructor(violation: Violation, onKept: () => void = () => {}) {
    this.#violation = violation
    this.#onKept = onKept
  }

  on(seen: Observation): void {
    switch (seen.kind) {
      case 'treeChanged':
        this.#lock = seen.after.lock
        if (seen.before.lock?.owner === this.#lock?.owner) return
        return this.#restarts.clear()
      case 'nameNodeStarted':
        this.#processes.set(seen.node, { pid: seen.pid, state: 'standby' })
        return
      case 'nameNodeState':
        this.#processes.set(seen.node, { pid: seen.pid, state: seen.state })
        if (seen.state !== 'active') this.#restarts.delete(seen.node)
        return
      case 'nameNodeEnded':
        this.#processes.delete(seen.node)
        this.#restarts.delete(seen.node)
        return
      case 'nameNodePaused':
      case 'askedToGo':
      case 'controllerEnded':
        this.#restarts.delete(seen.node)
        return
      case 'controllerStarted':
        return this.#onStarted(seen.node)
      case 'controllerActive':
        if (this.#restarts.delete(seen.node)) this.#onKept()
        return
      case 'transitionSent':
        return this.#onTransition(seen.by, seen.to, seen.call)
      default:
    }
  }

  #onStarted(node: string): void {
    const process = this.#processes.get(node)
    if (this.#lock?.names !== node || process?.state !== 'active') return
    this.#restarts.set(node, { lock: this.#lock, pid: process.pid })
  }

  #onTransition(by: string, to: string, call: string): void {
    if (by !== to || !this.#restarts.has(by)) return
    this.#restarts.delete(by)
    this.#violation(
      `the controller of ${by} was restarted, its lock stood and ${by} was active, ` +
        `yet it sent ${call}`,
    )
  }
}
