import type { Runtime } from '@baton/runtime'
import { Simulation, SimulationFailure } from '@baton/runtime/sim'
import { expect, test } from 'vitest'
import { elapse } from '../../../../test/acceptance/world.ts'

/** Clients and a server under loss, cuts, stalls, lag and power loss: all that draws chance. */
async function busyRun(seed: number): Promise<Simulation> {
  const sim = new Simulation({ seed })
  sim.network.setDefault({ minMs: 0.1, maxMs: 4, loss: 0.02 })
  const shared = sim.sharedDisk('shared')
  for (const name of ['a', 'b', 'c']) {
    const host = sim.host(name)
    host.mount('/shared', shared)
    host.lag({ chance: 0.01, maxMs: 20 })
    host.onExec(async (_command, _options, at) => {
      await at.sim.sleep(7)
      return { exitCode: 0, stdout: at.name, stderr: '', timedOut: false }
    })
  }
  const start = (): void => {
    sim.host('b').spawn('server', serve)
  }
  start()
  for (const name of ['a', 'c', 'b']) sim.host(name).spawn('client', chatter, { mayCrash: true })
  sim.schedule(300, () => sim.network.cut('a', 'b', { oneWay: true }))
  sim.schedule(700, () => sim.network.healAll())
  sim.schedule(900, () => sim.host('b').processes[0]?.stall(150))
  sim.schedule(1_200, () => sim.host('b').crash())
  sim.schedule(1_500, () => {
    sim.host('b').restart()
    start()
  })
  await sim.runUntil(3_000)
  return sim
}

async function serve({ network, disk }: Runtime): Promise<void> {
  const log = await disk.open('/shared/log', 'write')
  await network.listen({ host: '0.0.0.0', port: 1 }, connection => {
    connection.onData = async bytes => {
      await log.append(bytes)
      await log.sync()
      connection.send(bytes)
    }
    connection.onClose = () => {}
  })
}

async function chatter({ network, clock, random, exec, logger }: Runtime): Promise<void> {
  for (;;) {
    try {
      const link = await network.connect({ host: 'b', port: 1 }, { timeoutMs: 200 })
      await new Promise<void>(resolve => {
        link.onData = bytes => {
          clock.after(random.int(20), () => link.send(bytes))
        }
        link.onClose = cause => {
          logger.info({ cause }, 'closed')
          resolve()
        }
        link.send(random.bytes(1 + random.int(50)))
      })
      await exec.run(['report'], { timeoutMs: 100, env: {} })
    } catch (error) {
      logger.warn({ error }, 'no link')
    }
    await new Promise<void>(resolve => {
      clock.after(10, resolve)
    })
  }
}

test('one seed gives the same trace byte for byte, another seed another', async () => {
  const first = await busyRun(1)
  const again = await busyRun(1)
  const other = await busyRun(2)
  expect(first.trace.count).toBeGreaterThan(2_000)
  expect(again.trace.text()).toBe(first.trace.text())
  expect(again.trace.hash).toBe(first.trace.hash)
  expect(again.sharedDisk('shared').peek('/log')).toEqual(first.sharedDisk('shared').peek('/log'))
  expect(other.trace.hash).not.toBe(first.trace.hash)
})

test('the seed is enough also when two runs are interleaved', async () => {
  const [one, two] = await Promise.all([busyRun(3), busyRun(3)])
  expect(one?.trace.hash).toBe(two?.trace.hash)
})

test('a new consumer of chance does not shift what the others draw', () => {
  const plain = new Simulation({ seed: 5 })
  const busy = new Simulation({ seed: 5 })
  busy.random.fork('newcomer').int(10)
  busy.random.int(10)
  const draw = (sim: Simulation): readonly number[] => {
    const random = sim.random.fork('old')
    return [random.int(1_000), random.int(1_000), random.int(1_000)]
  }
  expect(draw(busy)).toEqual(draw(plain))
})

test('microtasks of one event end before the next event of the same time', async () => {
  const sim = new Simulation({ seed: 1 })
  const order: string[] = []
  sim.host('a').spawn('p', ({ clock }) => {
    clock.after(5, async () => {
      for (let hop = 0; hop < 50; hop++) await Promise.resolve()
      order.push('microtasks of the first')
    })
    clock.after(5, () => order.push('the second'))
  })
  await sim.runUntil(10)
  expect(order).toEqual(['microtasks of the first', 'the second'])
})

test('running to a time stops there, though nothing happens at it', async () => {
  const sim = new Simulation({ seed: 1 })
  await sim.runUntil(123.5)
  expect(sim.now).toBe(123.5)
  await sim.runFor(10)
  expect(sim.now).toBe(133.5)
})

test('a goal that is not reached fails with the seed and the last events', async () => {
  const sim = new Simulation({ seed: 77 })
  sim.host('a').spawn('p', runtime => {
    runtime.clock.every(10, () => runtime.logger.info({ mood: 'bored' }, 'still waiting'))
  })
  const failure = await sim.runUntil(() => false, { limitMs: 1_000 }).catch((error: Error) => error)
  expect(failure).toBeInstanceOf(SimulationFailure)
  expect((failure as Error).message).toContain('seed 77')
  expect((failure as Error).message).toContain('a/p log info still waiting {"mood":"bored"}')
})

test('a goal fails at once where nothing is left to happen', async () => {
  const sim = new Simulation({ seed: 1 })
  await expect(sim.runUntil(() => false)).rejects.toThrow('nothing is left')
})

test('an exception in a process fails the run, unless it may crash', async () => {
  const strict = new Simulation({ seed: 1 })
  const main = async (runtime: Runtime): Promise<void> => {
    await elapse(runtime, 5)
    throw new Error('a bug')
  }
  strict.host('a').spawn('p', main)
  await expect(strict.runUntil(10)).rejects.toThrow('a/p crashed: Error: a bug')
  const lenient = new Simulation({ seed: 1 })
  const process = lenient.host('a').spawn('p', main, { mayCrash: true })
  await lenient.runUntil(10)
  expect(process.exited).toEqual({ kind: 'crash', code: 1, atMs: 5 })
})

test('a checker that finds something ends the run', async () => {
  const sim = new Simulation({ seed: 9 })
  sim.schedule(5, () => sim.fail('checker', new Error('two actives')))
  await expect(sim.runUntil(10)).rejects.toThrow('checker failed: Error: two actives')
})

test('the wall clock steps, the monotonic clock of a host does not', async () => {
  const sim = new Simulation({ seed: 1 })
  const host = sim.host('a')
  const { clock } = host.spawn('p', () => {}).runtime
  const before = { now: clock.now(), wall: clock.wallTime() }
  host.stepWallClock(-3_600_000)
  await sim.runUntil(1_000)
  expect(clock.now() - before.now).toBe(1_000)
  expect(clock.wallTime() - before.wall).toBe(1_000 - 3_600_000)
})

test('an exception in an async handler ends the run too', async () => {
  // The test runner has a watcher of its own, which would call this test failed.
  const watchers = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  try {
    const sim = new Simulation({ seed: 13 })
    sim.host('a').spawn('p', ({ clock }) => {
      clock.after(5, async () => {
        throw new Error('forgotten')
      })
    })
    await expect(sim.runUntil(10)).rejects.toThrow('an async handler failed: Error: forgotten')
  } finally {
    for (const watcher of watchers) process.on('unhandledRejection', watcher)
  }
})
