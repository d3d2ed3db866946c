import type { Checker, Observation, TreeView, Violation } from '../observations.ts'

/**
 * The breadcrumb is never skipped:
 *
 * - transitionToActive leaves for NameNode X only while X's controller holds the lock and the
 *   breadcrumb holds X's bytes;
 * - the breadcrumb changes from Y to X only after X's controller made Y safe, in the life of its
 *   present lock: a fencing program that ended well, or transitionToStandby read by a Y that is not
 *   active any more;
 * - the breadcrumb of Y is deleted only by the session that owns the lock, itself Y's, and only
 *   while no process of Y is active: standby was confirmed, or the process is really gone.
 */
export class BreadcrumbChecker implements Checker {
  readonly #violation: Violation
  #tree: TreeView = { lock: undefined, crumb: undefined }
  /** Alive NameNode processes: pid -> what it is and in which state. */
  readonly #processes = new Map<number, { readonly node: string; state: string }>()
  /** `by target` for every target made safe since the lock or the breadcrumb changed hands. */
  readonly #fenced = new Set<string>()
  readonly #askedToStandBy = new Set<string>()
  #byHand = false

  constructor(violation: Violation) {
    this.#violation = violation
  }

  on(seen: Observation): void {
    switch (seen.kind) {
      case 'nameNodeStarted':
        this.#processes.set(seen.pid, { node: seen.node, state: 'standby' })
        return
      case 'nameNodeEnded':
        this.#processes.delete(seen.pid)
        return
      case 'nameNodeState':
        this.#processes.set(seen.pid, { node: seen.node, state: seen.state })
        return
      case 'fenceEnded':
        if (seen.ok) this.#fenced.add(pair(seen.by, seen.target))
        return
      case 'transitionReceived':
        if (seen.call === 'transitionToStandby') this.#askedToStandBy.add(pair(seen.by, seen.node))
        return
      case 'transitionSent':
        if (seen.call === 'transitionToActive') this.#onActivation(seen.to)
        return
      case 'crumbByHand':
        this.#byHand = true
        return
      case 'treeChanged':
        return this.#onTree(seen.before, seen.after, seen.session)
      default:
    }
  }

  #onActivation(node: string): void {
    const { lock, crumb } = this.#tree
    if (crumb !== node) {
      const found = crumb ?? 'nobody'
      this.#violation(`${node} was told to be active while the breadcrumb names ${found}`)
    }
    if (lock?.names === node) return
    const holder = lock?.names ?? 'nobody'
    this.#violation(`${node} was told to be active while ${holder} holds the lock`)
  }

  #onTree(before: TreeView, after: TreeView, session: bigint): void {
    this.#tree = after
    if (before.lock?.owner !== after.lock?.owner) this.#forget()
    if (before.crumb !== after.crumb) this.#onCrumb(before, after, session)
  }

  #onCrumb(before: TreeView, after: TreeView, session: bigint): void {
    const old = before.crumb
    const now = after.crumb
    if (this.#byHand) {
      this.#byHand = false
      return this.#forget()
    }
    if (old !== undefined && now === undefined) this.#onDeleted(old, before, session)
    if (old !== undefined && now !== undefined && !this.#isSafe(now, old)) {
      this.#violation(`the breadcrumb went from ${old} to ${now} and ${now} did not fence ${old}`)
    }
    this.#forget()
  }

  #onDeleted(node: string, { lock }: TreeView, session: bigint): void {
    if (lock?.owner !== session || lock.names !== node) {
      const who = lock === undefined ? 'nobody holds the lock' : `${lock.names} holds the lock`
      this.#violation(`the breadcrumb of ${node} was deleted by a session without the lock: ${who}`)
    }
    if (!this.#isActive(node)) return
    this.#violation(`the breadcrumb of ${node} was deleted while its process is active`)
  }

  #isSafe(by: string, target: string): boolean {
    if (this.#fenced.has(pair(by, target))) return true
    return this.#askedToStandBy.has(pair(by, target)) && !this.#isActive(target)
  }

  #isActive(node: string): boolean {
    return [...this.#processes.values()].some(
      other => other.node === node && other.state === 'active',
    )
  }

  #forget(): void {
    this.#fenced.clear()
    this.#askedToStandBy.clear()
  }
}

function pair(by: string, target: string): string {
  return `${by} ${target}`
}
