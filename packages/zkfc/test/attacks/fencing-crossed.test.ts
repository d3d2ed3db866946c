import { expect, test } from 'vitest'
import { World } from '../support/world.ts'
import type { NodeId } from '../support/world.ts'

/*
 * What happens to a fence, or to an activation, when the controller that runs it is stopped, and
 * when the controller of the NameNode being fenced comes back meanwhile.
 */
const FENCE_MS = 20_000

interface Fences {
  /** Programs begun, by the host they run on. */
  readonly begun: string[]
  readonly killed: string[]
}

/** Three NameNodes; nn1 hangs, its controller is dead, and fencing it takes a while. */
async function fencing(fenceMs = FENCE_MS): Promise<{ world: World; fences: Fences; by: NodeId }> {
  const world = new World({ nodes: ['nn1', 'nn2', 'nn3'] })
  const fences: Fences = { begun: [], killed: [] }
  for (const id of world.nodes) {
    world.sim.host(id).onExec(async (_command, { env }, host, context) => {
      fences.begun.push(host.name)
      await world.sim.sleep(fenceMs)
      if (context.killed) {
        fences.killed.push(host.name)
        return { exitCode: 137, stdout: '', stderr: '', timedOut: false }
      }
      world.nameNodes.get(env['target_namenodeid'] as NodeId)?.process.kill()
      return { exitCode: 0, stdout: '', stderr: '', timedOut: false }
    })
  }
  await world.startAll('nn1')
  world.events.length = 0
  world.nameNodes.get('nn1')?.process.pause()
  world.controllers.get('nn1')?.process.kill()
  await world.sim.runUntil(() => fences.begun.length > 0)
  return { world, fences, by: fences.begun[0] as NodeId }
}

const activated = (world: World): readonly string[] =>
  world.events.filter(event => event.kind === 'activationStarted').map(event => event.namenodeId)

test('a controller back while its NameNode is fenced takes nothing up again', async () => {
  const { world, by } = await fencing()
  world.startController('nn1')
  await world.sim.runUntil(() => world.isActive(by))
  await world.sim.runFor(5000)
  expect(activated(world)).toEqual([by])
  expect(world.status('nn1')?.role).not.toBe('active')
})

test('a controller stopped while it fences ends at once, and another fences', async () => {
  const { world, fences, by } = await fencing()
  const before = world.sim.now
  void world.zkfc(by).stop('keep')
  await world.sim.runUntil(() => world.controllers.get(by)?.process.alive === false)
  expect(world.sim.now - before).toBeLessThan(4000)
  const other = by === 'nn2' ? 'nn3' : 'nn2'
  await world.sim.runUntil(() => world.isActive(other))
  expect(fences.begun).toEqual([by, other])
  expect(activated(world)).toEqual([other])
})

test('a NameNode told active by a controller that was stopped is fenced by the next', async () => {
  const { world, by } = await fencing(1000)
  const other = by === 'nn2' ? 'nn3' : 'nn2'
  await world.sim.runUntil(() => {
    const told = activated(world).includes(by)
    if (told) world.nameNodes.get(by)?.process.pause()
    return told
  })
  void world.zkfc(by).stop('keep')
  await world.sim.runUntil(() => world.isActive(other))
  const fenced = world.events.filter(event => event.kind === 'fencingEnded' && event.ok)
  expect(fenced.map(event => event.namenodeId)).toEqual([by, other])
  expect(world.nameNodes.get(by)?.process.alive).toBe(false)
})
