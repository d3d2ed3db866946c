import { AcknowledgedEditsChecker } from './checkers/acknowledged-edits.ts'
import { BreadcrumbChecker } from './checkers/breadcrumb.ts'
import { KeptRoleChecker } from './checkers/kept-role.ts'
import { LockOwnerChecker } from './checkers/lock-owner.ts'
import { OneActiveChecker } from './checkers/one-active.ts'
import { whyNotConverged } from './checkers/convergence.ts'
import { Cluster } from './cluster/cluster.ts'
import { drawSwarm, FaultInjector, fencesReallyFence } from './faults/swarm.ts'
import type { Swarm } from './faults/swarm.ts'
import type { Checker, Observation, Violation } from './observations.ts'
import { SimRandom } from '@baton/runtime/sim'

/** What one seed led to; `counts` says how often each thing really happened. */
export interface SeedResult {
  readonly seed: string
  readonly hash: string
  readonly swarm: Swarm
  readonly counts: Readonly<Record<string, number>>
  readonly virtualMs: number
  /** Absent: every check held. */
  readonly failure?: string
}

const CONVERGES_MS = 60_000
const FILE_EDITS = [['dfs.namenode.shared.edits.dir', 'file:///edits']] as const

export function checkersFor(options: {
  readonly violation: Violation
  readonly reallyFence: boolean
  readonly onKept?: () => void
}): readonly Checker[] {
  const { violation, reallyFence, onKept } = options
  return [
    new AcknowledgedEditsChecker(violation),
    ...(reallyFence ? [new OneActiveChecker(violation)] : []),
    new BreadcrumbChecker(violation),
    new LockOwnerChecker(violation),
    new KeptRoleChecker(violation, onKept),
  ]
}

/** A safety phase under faults, then healing, then the cluster must come to one active NameNode. */
export async function runSeed(
  seed: number | string,
  directed: Partial<Swarm> = {},
): Promise<SeedResult> {
  const random = new SimRandom(`swarm/${seed}`)
  const swarm = { ...drawSwarm(random), ...directed }
  const tally = new Map<string, number>()
  const count = (what: string, times = 1): void =>
    void tally.set(what, (tally.get(what) ?? 0) + times)
  let cluster: Cluster | undefined = undefined
  const violation: Violation = text => cluster?.sim.fail('a checker', text)
  const reallyFence = fencesReallyFence(swarm.fences)
  const onKept = (): void => count('role kept over a restart')
  const checkers = checkersFor({ violation, reallyFence, onKept })
  const observe = (seen: Observation): void => {
    count(seen.kind)
    for (const checker of checkers) checker.on(seen)
  }
  const fenceMode = (): Swarm['fences'][number] => random.pick(swarm.fences)
  const onEvent = (event: { kind: string }): void => count(`event ${event.kind}`)
  const entries = swarm.journal ? [] : FILE_EDITS
  cluster = new Cluster({ seed, nodes: swarm.nodes, entries, fenceMode, observe, onEvent })
  const injector = new FaultInjector(cluster, swarm, cluster.sim.random.fork('faults'))
  let failure: string | undefined
  try {
    await cluster.start()
    injector.start()
    await cluster.sim.runFor(swarm.durationMs)
    await converge(cluster, injector)
    cluster.end()
    await cluster.sim.runFor(0)
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error)
  } finally {
    cluster.dispose()
  }
  for (const [kind, times] of injector.counts) count(`fault ${kind}`, times)
  for (const [mode, times] of cluster.fenceCounts) count(`fence ${mode}`, times)
  for (const [kind, times] of cluster.pauseCounts) count(`paused before ${kind}`, times)
  const { trace, now } = cluster.sim
  const result = { seed: String(seed), hash: trace.hash, swarm, counts: Object.fromEntries(tally) }
  return { ...result, virtualMs: now, ...(failure === undefined ? {} : { failure }) }
}

/** With fences that work, or still lie; those that fail or hang forbid a failover for ever. */
export async function converge(
  cluster: Cluster,
  injector: Pick<FaultInjector, 'heal'>,
): Promise<void> {
  const { sim } = cluster
  injector.heal()
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
