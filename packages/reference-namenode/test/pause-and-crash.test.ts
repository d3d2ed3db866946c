import { describe, expect, test } from 'vitest'
import { World } from './world.ts'

/** Real NameNodes in a simulated world: one active that writes, stopped or cut off at each turn. */
async function begun(seed: number): Promise<World> {
  const world = new World(seed)
  await world.start('nn1')
  await world.start('nn2')
  return world
}

/** nn1 becomes active and appends until a call fails; what was acknowledged goes to `kept`. */
async function writeAt(world: World, name: string, kept: string[]): Promise<void> {
  await world.transition(name, 'Active')
  await world.mkdir(name, '/d')
  for (let count = 0; count < 4; count += 1) {
    const entry = `${name}-${count}`
    await world.append(name, '/d/f', entry)
    kept.push(entry)
  }
}

/** The active's work, from the first turn after start to its last write, in turns. */
async function turnsOfOneWriter(seed: number): Promise<number> {
  const world = await begun(seed)
  const process = world.processes.get('nn1')
  const before = process?.turnCount ?? 0
  await world.settle(writeAt(world, 'nn1', []))
  return (process?.turnCount ?? 0) - before
}

async function checkAll(world: World, kept: readonly string[]): Promise<void> {
  await world.start('nn3')
  await world.settle(world.transition('nn3', 'Active'))
  const found = await world.settle(world.entries('nn3', '/d/f'))
  expect(new Set(found).size).toBe(found.length)
  expect(found.filter(entry => kept.includes(entry))).toEqual(kept)
}

const swallow = (): void => {} // the call's fate is not what is looked at

describe('a NameNode that is', () => {
  test('stopped before each of its turns loses nothing, then ends itself', async () => {
    const turns = await turnsOfOneWriter(11)
    expect(turns).toBeGreaterThan(30)
    for (let turn = 0; turn < turns; turn += 1) {
      const world = await begun(11)
      const process = world.processes.get('nn1')
      const from = process?.turnCount ?? 0
      world.sim.beforeTurn = (at, _kind, index) => {
        if (at === process && index === from + turn) at.pause()
      }
      const early: string[] = []
      writeAt(world, 'nn1', early).catch(swallow)
      await world.sim.runUntil(() => process?.paused === true)
      const late: string[] = []
      await world.settle(writeAt(world, 'nn2', late))
      const hadClaimed = world.nodes.get('nn2')?.writerEpoch === 2
      process?.resume()
      await world.sim.runFor(25_000)
      if (hadClaimed) {
        await expect(world.settle(world.append('nn1', '/d/f', 'never'))).rejects.toThrow()
        expect(world.nodes.get('nn2')?.state).toBe('active')
      }
      await checkAll(world, inOrder(early, late, hadClaimed))
    }
  })

  test('without power at each of its turns loses nothing it acknowledged', async () => {
    const turns = await turnsOfOneWriter(12)
    for (let turn = 0; turn < turns; turn += 1) {
      const world = await begun(12 + turn)
      const process = world.processes.get('nn1')
      const from = process?.turnCount ?? 0
      world.sim.beforeTurn = (at, _kind, index) => {
        if (at === process && index === from + turn) world.sim.host('nn1').crash()
      }
      const early: string[] = []
      writeAt(world, 'nn1', early).catch(swallow)
      await world.sim.runUntil(() => process?.alive === false)
      const late: string[] = []
      await world.settle(writeAt(world, 'nn2', late))
      world.sim.host('nn1').restart()
      await world.start('nn1')
      await checkAll(world, [...early, ...late])
    }
  })

  test('killed at each of its turns loses nothing it acknowledged', async () => {
    const turns = await turnsOfOneWriter(13)
    for (let turn = 0; turn < turns; turn += 1) {
      const world = await begun(200 + turn)
      const process = world.processes.get('nn1')
      const from = process?.turnCount ?? 0
      world.sim.beforeTurn = (at, _kind, index) => {
        if (at === process && index === from + turn) at.kill()
      }
      const early: string[] = []
      writeAt(world, 'nn1', early).catch(swallow)
      await world.sim.runUntil(() => process?.alive === false)
      const late: string[] = []
      await world.settle(writeAt(world, 'nn2', late))
      await checkAll(world, [...early, ...late])
    }
  })
})

/** Whoever claimed first wrote first. */
function inOrder(early: string[], late: string[], earlyClaimedFirst: boolean): string[] {
  return earlyClaimedFirst ? [...early, ...late] : [...late, ...early]
}

describe('a write that fails', () => {
  test.each(['append', 'sync', 'list'] as const)('in %s ends the NameNode', async kind => {
    const world = await begun(21)
    const kept: string[] = []
    await world.settle(writeAt(world, 'nn1', kept))
    world.sim.sharedDisk('edits').fail({ code: 'EIO', kinds: [kind], times: 1 })
    await expect(world.settle(world.append('nn1', '/d/f', 'lost?'))).rejects.toThrow()
    await world.sim.runUntil(() => world.processes.get('nn1')?.alive === false)
    await checkAll(world, kept)
  })
})
