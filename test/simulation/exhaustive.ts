import { ZKFCProtocol } from '@baton/hadoop'
import { converge, runChecked } from './checked-world.ts'
import { ZKFC_PORT } from './cluster/cluster-conf.ts'
import type { Cluster } from './cluster/cluster.ts'
import { FaultPoints } from './fault-points.ts'
import type { Point } from './fault-points.ts'

/*
 * One failover, with chosen points of it failing. The same seed gives the same points up to the
 * first that fails, so "every point" and "every pair" are loops over their numbers.
 */
export type Story = 'kill' | 'graceful'

export interface StoryRun {
  readonly labels: readonly string[]
  readonly hit: readonly Point[]
  readonly failure?: string
}

const DONE_MS = 20_000

export async function runStory(story: Story, points: readonly Point[]): Promise<StoryRun> {
  const faults = new FaultPoints(points)
  const options = {
    ...{ seed: `story ${story}`, nodes: ['nn1', 'nn2'], reallyFence: true, traceMax: 300 },
    // The proof that the process is gone would spare the fence, and its points.
    entries: [['dfs.namenode.shared.edits.dir', 'file:///edits']] as const,
    fenceMode: () => 'really' as const,
    wrapRuntime: faults.wrap.bind(faults),
  }
  const { failure } = await runChecked(options, async cluster => {
    const { sim } = cluster
    await sim.runUntil(() => cluster.activeControllers().length === 1)
    await sim.runFor(1300)
    const old = cluster.activeControllers()[0] ?? ''
    const next = cluster.nodes.find(id => id !== old) ?? ''
    faults.armed = true
    STORIES[story](cluster, old, next)
    const taken = (): boolean => cluster.activeControllers()[0] === next
    if (points.length === 0) await sim.runUntil(taken)
    else await sim.runUntil(() => taken() || sim.now > DONE_MS, { limitMs: 2 * DONE_MS })
    faults.armed = false
    faults.heal()
    await converge(cluster)
  })
  const { labels, hit } = faults
  return { labels, hit, ...(failure === undefined ? {} : { failure }) }
}

const STORIES: Readonly<Record<Story, (cluster: Cluster, old: string, next: string) => void>> = {
  kill: (cluster, old) => cluster.nameNodes.get(old)?.process?.kill(),
  graceful: (cluster, _old, next) => {
    cluster.ask('failover', ipc => {
      const address = { host: next, port: ZKFC_PORT }
      return ipc.call(address, ZKFCProtocol.gracefulFailover, {}, { rpcTimeoutMs: 60_000 })
    })
  },
}
