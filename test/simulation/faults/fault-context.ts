import type { SimHost, SimProcess, SimRandom } from '@baton/runtime/sim'
import type { Cluster } from '../cluster/cluster.ts'

/** What a fault works with. */
export interface FaultContext {
  readonly cluster: Cluster
  readonly random: SimRandom
  /** Undone at the healing, and after `ms` anyway. */
  undoAfter(ms: number, undo: () => void): void
}

/** True: it happened. */
export type Fault = (context: FaultContext) => boolean

/** Half of them about the active, where most is at stake. */
export function anyNode({ cluster, random }: FaultContext): string {
  const active = cluster.activeControllers()[0] ?? cluster.activeNameNodes()[0]
  if (active !== undefined && random.chance(0.6)) return active
  return random.pick(cluster.nodes)
}

export function nameNodeOf(context: FaultContext, id: string): SimProcess | undefined {
  return context.cluster.nameNodes.get(id)?.process
}

export function controllerOf(context: FaultContext, id: string): SimProcess | undefined {
  return context.cluster.controllers.get(id)?.process
}

export function anyHost({ cluster, random }: FaultContext): SimHost {
  return cluster.sim.host(random.pick([...cluster.nodes, 'zk']))
}

/** Mostly short, sometimes longer than any time-out of the cluster. */
export function drawMs(random: SimRandom): number {
  const [min, max] = random.pick([
    [20, 400],
    [400, 3000],
    [3000, 7000],
    [7000, 15_000],
  ] as const)
  return random.between(min, max)
}
