import { expect, test } from 'vitest'
import { World } from './support/world.ts'

test('two controllers elect one NameNode, and a killed one is replaced at once', async () => {
  const world = new World()
  await world.startAll('nn1')
  expect(world.isActive('nn2')).toBe(false)
  const before = world.sim.now
  world.nameNodes.get('nn1')?.process.kill()
  await world.sim.runUntil(() => world.isActive('nn2'))
  expect(world.sim.now - before).toBeLessThan(300)
  expect(world.fenced).toEqual(['nn1'])
})
