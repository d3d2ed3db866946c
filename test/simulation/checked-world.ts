import { AcknowledgedEditsChecker } from './checkers/acknowledged-edits.ts'
import { BreadcrumbChecker } from './checkers/breadcrumb.ts'
import { whyNotConverged } from './checkers/convergence.ts'
import { KeptRoleChecker } from './checkers/kept-role.ts'
import { LockOwnerChecker } from './checkers/lock-owner.ts'
import { OneActiveChecker } from './checkers/one-active.ts'
import { Cluster } from './cluster/cluster.ts'
import type { ClusterOptions } from './cluster/cluster.ts'
import type { Checker, Observation, Violation } from './observations.ts'

export interface CheckedOptions extends Omit<ClusterOptions, 'observe'> {
  /** No fence of this world ever lies, so that the second part of the top promise is claimed. */
  readonly reallyFence: boolean
  readonly onKept?: () => void
  readonly onObservation?: (seen: Observation) => void
}

export interface CheckedRun {
  readonly cluster: Cluster
  /** Absent: every check held. */
  readonly failure?: string
}

const CONVERGES_MS = 60_000

/** Starts a cluster under all checkers, runs the script in it, and reads the final log. */
export async function runChecked(
  options: CheckedOptions,
  script: (cluster: Cluster) => Promise<void>,
): Promise<CheckedRun> {
  const violation: Violation = text => cluster.sim.fail('a checker', text)
  const checkers = checkersOf(options, violation)
  const observe = (seen: Observation): void => {
    options.onObservation?.(seen)
    for (const checker of checkers) checker.on(seen)
  }
  const cluster: Cluster = new Cluster({ ...options, observe })
  try {
    await cluster.start()
    await script(cluster)
    cluster.end()
    await cluster.sim.runFor(0)
    return { cluster }
  } catch (error) {
    return { cluster, failure: error instanceof Error ? error.message : String(error) }
  } finally {
    cluster.dispose()
  }
}

function checkersOf(options: CheckedOptions, violation: Violation): readonly Checker[] {
  return [
    new AcknowledgedEditsChecker(violation),
    ...(options.reallyFence ? [new OneActiveChecker(violation)] : []),
    new BreadcrumbChecker(violation),
    new LockOwnerChecker(violation),
    new KeptRoleChecker(violation, options.onKept),
  ]
}

/** With fences that work, or still lie; those that fail or hang forbid a failover for ever. */
export async function converge(cluster: Cluster): Promise<void> {
  const { sim } = cluster
  cluster.forgetPauses()
  sim.network.healAll()
  const lies = cluster.fenceMode() === 'lies'
  cluster.fenceMode = () => (lies ? 'lies' : 'really')
  const healedMs = sim.now
  sim.note('world', 'healed')
  try {
    await sim.runUntil(() => whyNotConverged(cluster, healedMs) === undefined, {
      limitMs: CONVERGES_MS,
    })
  } catch (error) {
    const why = whyNotConverged(cluster, healedMs)
    if (why === undefined) throw error
    throw new Error(`${why}\n${error instanceof Error ? error.message : String(error)}`)
  }
}
