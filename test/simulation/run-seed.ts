import { SimRandom } from '@baton/runtime/sim'
import { converge, runChecked } from './checked-world.ts'
import { drawSwarm, FaultInjector, fencesReallyFence } from './faults/swarm.ts'
import type { Swarm } from './faults/swarm.ts'

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

const FILE_EDITS = [['dfs.namenode.shared.edits.dir', 'file:///edits']] as const

/**
 * A safety phase under faults, then healing, then the cluster must come to one active NameNode.
 * `directed` takes the place of what the seed draws.
 */
export async function runSeed(
  seed: number | string,
  directed: Partial<Swarm> = {},
): Promise<SeedResult> {
  const random = new SimRandom(`swarm/${seed}`)
  const swarm = { ...drawSwarm(random), ...directed }
  const tally = new Map<string, number>()
  const count = (what: string, times = 1): void => {
    tally.set(what, (tally.get(what) ?? 0) + times)
  }
  const options = {
    seed,
    nodes: swarm.nodes,
    entries: swarm.journal ? [] : FILE_EDITS,
    reallyFence: fencesReallyFence(swarm.fences),
    fenceMode: (): Swarm['fences'][number] => random.pick(swarm.fences),
    onEvent: (event: { readonly kind: string }): void => count(`event ${event.kind}`),
    onKept: (): void => count('role kept over a restart'),
    onObservation: (seen: { readonly kind: string }): void => count(seen.kind),
  }
  const { cluster, failure } = await runChecked(options, async world => {
    const injector = new FaultInjector(world, swarm, world.sim.random.fork('faults'))
    injector.start()
    await world.sim.runFor(swarm.durationMs)
    for (const [kind, times] of injector.counts) count(`fault ${kind}`, times)
    injector.heal()
    await converge(world)
  })
  for (const [mode, times] of cluster.fenceCounts) count(`fence ${mode}`, times)
  for (const [kind, times] of cluster.pauseCounts) count(`paused before ${kind}`, times)
  const { trace, now } = cluster.sim
  const result = { seed: String(seed), hash: trace.hash, swarm, counts: Object.fromEntries(tally) }
  return { ...result, virtualMs: now, ...(failure === undefined ? {} : { failure }) }
}
