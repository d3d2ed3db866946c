import { HAServiceProtocol, IpcClient, ZKFCProtocol } from '@baton/hadoop'
import { describe, expect, test } from 'vitest'
import { replay } from '../src/core/decision-log.ts'
import type { ProcessIdentity } from '../src/process-evidence.ts'
import { World } from './support/world.ts'
import type { NodeId } from './support/world.ts'

const STATE_TRANSITIONS = new Set(['standbyStarted', 'activationStarted'])

async function started(options: ConstructorParameters<typeof World>[0] = {}): Promise<World> {
  const world = new World(options)
  await world.startAll('nn1')
  world.events.length = 0
  return world
}

/** Calls from a host of its own, as haadmin would. */
async function ask(
  world: World,
  to: NodeId,
  call: 'gracefulFailover' | 'cede',
  user = 'hdfs',
): Promise<string> {
  let answer: string | undefined
  world.sim.host('admin').spawn('haadmin', async runtime => {
    const ipc = new IpcClient(runtime, { user, callerContext: 'CLI' })
    const address = { host: to, port: 8019 }
    const options = { rpcTimeoutMs: 90_000 }
    const done =
      call === 'cede'
        ? ipc.call(address, ZKFCProtocol.cedeActive, { millisToCede: 5000 }, options)
        : ipc.call(address, ZKFCProtocol.gracefulFailover, {}, options)
    answer = await done.then(
      () => 'ok',
      (error: Error) => error.message,
    )
    ipc.close()
  })
  await world.sim.runUntil(() => answer !== undefined)
  return answer ?? ''
}

async function stateOf(world: World, id: NodeId): Promise<string> {
  let state: string | undefined
  world.sim.host('admin').spawn('getServiceState', async runtime => {
    const ipc = new IpcClient(runtime, { user: 'hdfs' })
    const method = HAServiceProtocol.getServiceStatus
    const found = await ipc.call({ host: id, port: 8020 }, method, {}, { rpcTimeoutMs: 5000 })
    state = found.state
    ipc.close()
  })
  await world.sim.runUntil(() => state !== undefined)
  return state ?? ''
}

function transitions(world: World): readonly string[] {
  return world.events
    .filter(event => STATE_TRANSITIONS.has(event.kind))
    .map(event => `${event.namenodeId} ${event.kind}`)
}

test('a killed NameNode is replaced at once, after fencing', async () => {
  const world = await started()
  const before = world.sim.now
  world.nameNodes.get('nn1')?.process.kill()
  await world.sim.runUntil(() => world.isActive('nn2'))
  expect(world.sim.now - before).toBeLessThan(300)
  expect(world.fenced).toEqual(['nn1'])
})

test('a NameNode that stands still is left alone until its silence is long enough', async () => {
  const world = await started()
  const before = world.sim.now
  world.nameNodes.get('nn1')?.process.pause()
  await world.sim.runUntil(() => world.isActive('nn2'))
  expect(world.sim.now - before).toBeGreaterThan(45_000)
  expect(world.sim.now - before).toBeLessThan(51_500)
  expect(world.fenced).toEqual(['nn1'])
})

test('a killed controller loses the role, and the old active steps down', async () => {
  const world = await started()
  world.controllers.get('nn1')?.process.kill()
  await world.sim.runUntil(() => world.isActive('nn2'))
  expect(world.fenced).toEqual([])
  expect(await stateOf(world, 'nn1')).toBe('standby')
})

test('a controller killed and started at once keeps the role, and asks nothing', async () => {
  const world = await started()
  world.controllers.get('nn1')?.process.kill()
  await world.sim.runFor(500)
  world.startController('nn1')
  await world.sim.runFor(30_000)
  expect(transitions(world)).toEqual([])
  expect(world.isActive('nn1')).toBe(true)
  expect(world.kinds('nn1')).toContain('sessionReattach')
  expect(await stateOf(world, 'nn1')).toBe('active')
})

test('without its state file a controller waits for the old lock, demoting nobody', async () => {
  const world = await started()
  world.controllers.get('nn1')?.process.kill()
  await world.sim.runFor(500)
  world.sim.host('nn1').disk.wipe()
  world.startController('nn1')
  await world.sim.runUntil(() => world.status('nn1')?.role === 'waiting')
  expect(transitions(world)).toEqual([])
  await world.sim.runUntil(() => world.isActive('nn1') || world.isActive('nn2'))
  const kinds = world.events.map(event => `${event.namenodeId} ${event.kind}`)
  const demoted = kinds.indexOf('nn1 standbyStarted')
  if (demoted >= 0) expect(kinds.indexOf('nn2 lockAcquired')).toBeLessThan(demoted)
})

test('SIGTERM keeps the role for a restart', async () => {
  const world = await started()
  void world.zkfc('nn1').stop('keep')
  await world.sim.runUntil(() => world.controllers.get('nn1')?.process.alive === false)
  const stopping = world.events.find(event => event.kind === 'controllerStopping')
  expect(stopping).toMatchObject({ mode: 'keep', returnByWallTime: expect.any(Number) as number })
  world.startController('nn1')
  await world.sim.runFor(20_000)
  expect(world.isActive('nn1')).toBe(true)
  expect(transitions(world)).toEqual([])
})

test('a hand-over leaves standby, no breadcrumb, no session: nobody is fenced', async () => {
  const world = await started()
  const before = world.sim.now
  void world.zkfc('nn1').stop('handOver')
  await world.sim.runUntil(() => world.isActive('nn2'))
  expect(world.sim.now - before).toBeLessThan(400)
  expect(world.kinds('nn1')).toEqual([
    'controllerStopping',
    'standbyStarted',
    'standbyEnded',
    'electionLeft',
    'breadcrumbDeleted',
    'sessionChanged',
    'controllerStopped',
  ])
  expect(world.kinds('nn2')).not.toContain('gracefulFenceStarted')
})

test('a standby controller that stops closes its session', async () => {
  const world = await started()
  void world.zkfc('nn2').stop('keep')
  await world.sim.runUntil(() => world.controllers.get('nn2')?.process.alive === false)
  expect(world.kinds('nn2')).not.toContain('standbyStarted')
  expect(world.isActive('nn1')).toBe(true)
})

test('a failover on request moves the role and is answered once it is done', async () => {
  const world = await started({ nodes: ['nn1', 'nn2', 'nn3'] })
  expect(await ask(world, 'nn2', 'gracefulFailover')).toBe('ok')
  expect(await stateOf(world, 'nn2')).toBe('active')
  expect(await stateOf(world, 'nn1')).toBe('standby')
  expect(world.fenced).toEqual([])
  await world.sim.runFor(2000)
  expect(world.status('nn1')?.role).toBe('standby')
  expect(await ask(world, 'nn2', 'gracefulFailover')).toBe('ok')
})

test('a dead third controller does not stand in the way of a failover on request', async () => {
  const world = await started({ nodes: ['nn1', 'nn2', 'nn3'] })
  world.controllers.get('nn3')?.process.kill()
  expect(await ask(world, 'nn2', 'gracefulFailover')).toBe('ok')
  expect(world.isActive('nn2')).toBe(true)
})

test('a stranger may neither cede nor fail over', async () => {
  const world = await started()
  const why = 'Disallowed RPC access from nobody (auth:SIMPLE) at '
  expect(await ask(world, 'nn2', 'gracefulFailover', 'nobody')).toContain(why)
  expect(await ask(world, 'nn1', 'cede', 'nobody')).toContain(why)
  expect(world.isActive('nn1')).toBe(true)
})

test('a ceded role comes back only after the period', async () => {
  const world = await started()
  world.controllers.get('nn2')?.process.kill()
  await world.sim.runFor(12_000)
  const before = world.sim.now
  expect(await ask(world, 'nn1', 'cede')).toBe('ok')
  expect(await stateOf(world, 'nn1')).toBe('standby')
  await world.sim.runUntil(() => world.isActive('nn1'))
  expect(world.sim.now - before).toBeGreaterThanOrEqual(5000)
})

describe('the process of the NameNode is proven gone', () => {
  const identity: ProcessIdentity = {
    pid: 4711,
    startTicks: '1',
    bootId: 'boot-1',
    pidNamespace: 'p',
    networkNamespace: 'n',
    ports: [8020],
  }

  async function withEvidence(verdicts: readonly ('gone' | 'alive' | 'unknown')[]): Promise<World> {
    const world = new World()
    const left = [...verdicts]
    world.localProcesses = {
      listener: () => Promise.resolve(identity),
      gone: () => Promise.resolve(left.shift() ?? 'unknown'),
      bootId: () => Promise.resolve('boot-1'),
    }
    await world.startAll('nn1')
    await world.sim.runFor(2500)
    world.nameNodes.get('nn1')?.process.kill()
    await world.sim.runUntil(() => world.isActive('nn2'))
    return world
  }

  test('then the breadcrumb goes before the lock, and nobody is fenced', async () => {
    const world = await withEvidence(['alive', 'alive', 'gone'])
    expect(world.fenced).toEqual([])
    const deleted = world.events.find(event => event.kind === 'breadcrumbDeleted')
    expect(deleted).toMatchObject({ proof: 'processGone', namenodeId: 'nn1' })
  })

  test('what is unknown keeps the breadcrumb', async () => {
    const world = await withEvidence(['unknown'])
    expect(world.fenced).toEqual(['nn1'])
  })

  test('a process that stays alive for the whole limit keeps the breadcrumb', async () => {
    const world = await withEvidence(new Array<'alive'>(50).fill('alive'))
    expect(world.fenced).toEqual(['nn1'])
  })
})

test('a fence that fails is tried again with longer and longer pauses', async () => {
  const world = await started({ onFence: () => 1 })
  world.nameNodes.get('nn1')?.process.kill()
  await world.sim.runFor(120_000)
  expect(world.isActive('nn2')).toBe(false)
  expect(world.fenced.length).toBeGreaterThan(3)
  expect(world.fenced.length).toBeLessThan(14)
})

test('a controller cut off from ZooKeeper leaves its NameNode active', async () => {
  const world = await started()
  world.sim.network.cut('nn1', 'zk')
  await world.sim.runUntil(() => world.isActive('nn2'))
  expect(await stateOf(world, 'nn1')).toBe('standby')
  world.sim.network.healAll()
  await world.sim.runUntil(() => world.status('nn1')?.role === 'standby')
})

test('a second controller for the same NameNode refuses to start', async () => {
  const world = await started()
  world.sim.host('nn1').spawn('second', async runtime => {
    const { Zkfc } = await import('../src/zkfc.ts')
    const zkfc = new Zkfc({
      runtime,
      conf: world.conf('nn1'),
      identity: { nameserviceId: 'mycluster', namenodeId: 'nn1' },
      localProcesses: world.localProcesses,
      stateDirectory: '/state',
      user: 'hdfs',
    })
    await expect(zkfc.start()).rejects.toThrow('another controller is running')
  })
  await world.sim.runFor(1000)
  expect(world.isActive('nn1')).toBe(true)
})

test('every recorded decision, stepped again, has the same effects', async () => {
  const world = await started()
  world.nameNodes.get('nn1')?.process.kill()
  await world.sim.runUntil(() => world.isActive('nn2'))
  for (const id of ['nn1', 'nn2'] as const) {
    const zkfc = world.zkfc(id)
    const { settings } = zkfc
    if (settings === undefined) throw new Error('a started controller has settings')
    expect(zkfc.decisions.length).toBeGreaterThan(10)
    for (const decision of zkfc.decisions) {
      expect(replay(decision, settings)).toEqual(decision.effects)
    }
  }
})

test('the core is shown the wall clock, so that a suspended host is noticed', async () => {
  const world = await started()
  const host = world.sim.host('nn1')
  const ahead = (): number => {
    const last = world.zkfc('nn1').decisions.at(-1)
    return (last?.input.wallMs ?? NaN) - (last?.now ?? NaN)
  }
  const before = ahead()
  host.stepWallClock(60_000)
  await world.sim.runFor(2000)
  // The wall clock counts whole milliseconds.
  expect(Math.abs(ahead() - before - 60_000)).toBeLessThan(2)
  expect(transitions(world)).toEqual([])
})
