import type { Connection, Runtime } from '@baton/runtime'
import { Simulation, type SimProcess } from '@baton/runtime/sim'
import { expect, test } from 'vitest'
import { elapse, Recorder, rejectionCode } from '../../../../test/acceptance/world.ts'

interface Linked {
  readonly sim: Simulation
  readonly server: SimProcess
  readonly client: SimProcess
  /** The client's end. */
  readonly link: Recorder
  readonly atServer: Recorder[]
}

/** A client on host a, linked to a server on host b. */
export async function linked(seed: number): Promise<Linked> {
  const sim = new Simulation({ seed })
  const atServer: Recorder[] = []
  const server = sim.host('b').spawn('server', async ({ network }) => {
    await network.listen({ host: 'b', port: 1 }, connection => {
      atServer.push(new Recorder(connection))
    })
  })
  await sim.runFor(5)
  let link: Recorder | undefined
  const client = sim.host('a').spawn('client', async ({ network }) => {
    link = new Recorder(await network.connect({ host: 'b', port: 1 }, { timeoutMs: 1_000 }))
  })
  await sim.runUntil(() => link !== undefined && atServer.length === 1)
  return { sim, server, client, link: link as unknown as Recorder, atServer }
}

function connectFrom(sim: Simulation, timeoutMs: number): Promise<string> {
  return new Promise(resolve => {
    sim.host('c').spawn('prober', async ({ network }) => {
      resolve(await rejectionCode(network.connect({ host: 'b', port: 1 }, { timeoutMs })))
    })
  })
}

test('a killed process resets its links, and its port refuses', async () => {
  const { sim, server, link } = await linked(1)
  server.kill()
  await sim.runFor(10)
  expect(link.causes).toEqual([{ kind: 'reset', reason: 'ECONNRESET' }])
  const code = connectFrom(sim, 1_000)
  await sim.runFor(10)
  expect(await code).toBe('ECONNREFUSED')
})

test('a process that exits sends what is queued, then the end', async () => {
  const { sim, server, link, atServer } = await linked(2)
  atServer[0]?.connection.send(Uint8Array.of(1, 2, 3))
  server.exit(0)
  await sim.runFor(10)
  expect(link.bytes).toEqual([1, 2, 3])
  expect(link.causes).toEqual([{ kind: 'end' }])
})

test('what a dead process still calls has no effect', async () => {
  const { sim, client, link, atServer } = await linked(3)
  const effects: string[] = []
  const { clock, disk, network, exec, logger } = client.runtime
  sim.host('a').disk.put('/f', Uint8Array.of(0))
  const file = disk.open('/f', 'write')
  await sim.runFor(5)
  const handle = await file
  clock.after(1, () => effects.push('timer'))
  client.kill()
  link.connection.send(Uint8Array.of(9))
  clock.after(1, () => effects.push('late timer'))
  const never = [
    handle.append(Uint8Array.of(9)),
    disk.open('/g', 'create'),
    disk.remove('/f'),
    network.connect({ host: 'b', port: 1 }, { timeoutMs: 5 }),
    network.listen({ host: 'a', port: 2 }, () => {}),
    exec.run(['x'], { timeoutMs: 5, env: {} }),
  ]
  for (const promise of never) {
    const settled = (): void => void effects.push('settled')
    promise.then(settled, settled)
  }
  const traceCount = sim.trace.count
  logger.info({}, 'from the grave')
  expect(sim.trace.count).toBe(traceCount)
  await sim.runFor(1_000)
  expect(effects).toEqual([])
  expect(atServer[0]?.bytes).toEqual([])
  expect(sim.host('a').disk.paths()).toEqual(['/f'])
  expect(sim.host('a').disk.peek('/f')).toEqual(Uint8Array.of(0))
})

test('a process that ends itself does nothing after it, not even in its microtasks', async () => {
  const sim = new Simulation({ seed: 4 })
  const process = sim.host('a').spawn('p', async (runtime, self) => {
    await elapse(runtime, 1)
    self.exit(3)
    await Promise.resolve()
    await runtime.disk.open('/late', 'create')
  })
  await sim.runFor(100)
  expect(process.exited).toMatchObject({ kind: 'exit', code: 3 })
  expect(sim.host('a').disk.paths()).toEqual([])
})

test('locks of a killed process are free, those of a stopped one are not', async () => {
  const sim = new Simulation({ seed: 5 })
  const host = sim.host('a')
  const owner = host.spawn('owner', async ({ disk }) => void (await disk.lock('/lock')))
  await sim.runFor(5)
  const tryLock = async (): Promise<string> => {
    let code: string | undefined
    host.spawn('other', async ({ disk }) => {
      code = await rejectionCode(disk.lock('/lock').then(lock => lock.release()))
    })
    await sim.runUntil(() => code !== undefined)
    return code as unknown as string
  }
  owner.pause()
  expect(await tryLock()).toBe('ELOCKED')
  owner.kill()
  expect(await tryLock()).toBe('resolved')
})

test('a stopped process accepts links and bytes, and answers once it goes on', async () => {
  const { sim, server, link, atServer } = await linked(6)
  server.pause()
  link.connection.send(Uint8Array.of(1))
  let second: Connection | undefined
  sim.host('c').spawn('client', async ({ network }) => {
    second = await network.connect({ host: 'b', port: 1 }, { timeoutMs: 1_000 })
    second.send(Uint8Array.of(2))
  })
  await sim.runFor(60_000)
  expect(second).toBeDefined()
  expect(link.causes).toEqual([])
  expect(atServer).toHaveLength(1)
  expect(atServer[0]?.bytes).toEqual([])
  server.resume()
  await sim.runFor(1)
  expect(atServer.map(end => end.bytes)).toEqual([[1], [2]])
})

test('timers of a stopped process run late, an interval once', async () => {
  const sim = new Simulation({ seed: 7 })
  const ran: string[] = []
  const process = sim.host('a').spawn('p', ({ clock }) => {
    const start = clock.now()
    const at = (): number => Math.round(clock.now() - start)
    clock.after(100, () => ran.push(`timer at ${at()}`))
    clock.every(50, () => ran.push(`turn at ${at()}`))
    const cancel = clock.after(120, () => ran.push('cancelled'))
    clock.after(110, cancel)
  })
  await sim.runUntil(60)
  process.pause()
  await sim.runUntil(1_000)
  expect(ran).toEqual(['turn at 50'])
  process.resume()
  await sim.runUntil(1_060)
  expect(ran.slice(1).sort()).toEqual(['timer at 1000', 'turn at 1000', 'turn at 1050'])
})

test('killed while stopped, it never goes on', async () => {
  const sim = new Simulation({ seed: 8 })
  let ran = false
  const process = sim.host('a').spawn('p', ({ clock }) => {
    clock.after(10, () => {
      ran = true
    })
  })
  await sim.runUntil(5)
  process.pause()
  await sim.runUntil(20)
  process.kill()
  process.resume()
  await sim.runUntil(100)
  expect(ran).toBe(false)
})

test('beforeTurn can stop a process at each of its turns', async () => {
  const main = async (runtime: Runtime): Promise<void> => {
    await elapse(runtime, 1)
    await (await runtime.disk.open('/f', 'write')).append(Uint8Array.of(1))
    await elapse(runtime, 1)
  }
  const clean = new Simulation({ seed: 9 })
  const whole = clean.host('a').spawn('p', main)
  await clean.runUntil(50)
  for (let stopAt = 0; stopAt < whole.turnCount; stopAt++) {
    const sim = new Simulation({ seed: 9 })
    sim.beforeTurn = (process, _kind, index) => {
      if (index === stopAt && sim.now < 1_000) process.stall(1_000)
    }
    const process = sim.host('a').spawn('p', main)
    await sim.runUntil(500)
    expect(process.turnCount).toBe(stopAt)
    await sim.runUntil(2_000)
    expect(process.turnCount).toBe(whole.turnCount)
  }
})

test('lag makes turns late', async () => {
  const sim = new Simulation({ seed: 10 })
  sim.host('a').lag({ chance: 1, maxMs: 100 })
  const lateMs: number[] = []
  sim.host('a').spawn('p', async runtime => {
    for (let round = 0; round < 20; round++) {
      const start = runtime.clock.now()
      await elapse(runtime, 10)
      lateMs.push(runtime.clock.now() - start - 10)
    }
  })
  await sim.runUntil(() => lateMs.length === 20)
  expect(Math.max(...lateMs)).toBeGreaterThan(20)
  expect(Math.min(...lateMs)).toBeGreaterThanOrEqual(0)
})

test('a program outlives the process that started it, but not its host', async () => {
  const sim = new Simulation({ seed: 11 })
  const host = sim.host('a')
  const done: string[] = []
  host.onExec(async (command, _options, at, context) => {
    await at.sim.sleep(100)
    if (!context.killed) done.push(command.join(' '))
    return { exitCode: 0, stdout: '', stderr: '', timedOut: false }
  })
  const start = (name: string): SimProcess =>
    host.spawn('p', async ({ exec }) => void (await exec.run([name], { timeoutMs: 500, env: {} })))
  const first = start('orphan')
  await sim.runFor(10)
  first.kill()
  await sim.runFor(200)
  start('unlucky')
  await sim.runFor(10)
  host.crash()
  await sim.runFor(200)
  expect(done).toEqual(['orphan'])
})
