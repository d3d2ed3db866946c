import { inspect } from 'node:util'
import { RedisEventSink } from '@baton/console'
import { IpcClient, ZKFCProtocol } from '@baton/hadoop'
import type { Connection, Network, Runtime } from '@baton/runtime'
import { SimRandom } from '@baton/runtime/sim'
import type { SimProcess } from '@baton/runtime/sim'
import { noLocalProcesses, Zkfc } from '@baton/zkfc'
import type { ControllerEvent, EventListener } from '@baton/zkfc'
import { expect, expectTypeOf, test } from 'vitest'
import { FakeStore } from '../../packages/console/test/fake-store.ts'
import { World } from '../../packages/zkfc/test/support/world.ts'
import type { NodeId } from '../../packages/zkfc/test/support/world.ts'

/*
 * The failover path never feels the event sink. One seed's story (the active NameNode is killed, it
 * comes back, a graceful failover, both controllers stop) is run with a sink in every mood and
 * without one. All that the controllers do to the world, byte by byte with its virtual time, and
 * every turn of every other process must be the same.
 */

const SEEDS = [1, 2]
const IDS: readonly NodeId[] = ['nn1', 'nn2']
const QUEUE_LENGTH_MAX = 8
const COMMAND_TIMEOUT_MS = 2_000
const CLOSE_TIMEOUT_MS = 1_000
/** From the end of a controller to the end of its process; a sink has closed long before. */
const EXIT_MS = 3 * CLOSE_TIMEOUT_MS
const STOP_MS = 10_000
const OPTIONS = {
  keyPrefix: 'baton:events:',
  queueLengthMax: QUEUE_LENGTH_MAX,
  commandTimeoutMs: COMMAND_TIMEOUT_MS,
  closeTimeoutMs: CLOSE_TIMEOUT_MS,
}

interface Mood {
  readonly atStart: FakeStore['mood']
  /** Told of every event before the sink is. */
  readonly onEvent?: (event: ControllerEvent, store: FakeStore) => void
}

const MOODS = {
  answers: { atStart: 'up' },
  'hangs from the start': { atStart: 'hung' },
  'hangs from the fault on': {
    atStart: 'up',
    onEvent: ({ kind }, store) => {
      if (kind === 'healthConnectionEnded') store.mood = 'hung'
    },
  },
  'is killed in the middle': {
    atStart: 'up',
    onEvent: ({ kind }, store) => {
      // What was sent since the fault has no answer yet, and never gets one.
      if (kind === 'healthConnectionEnded') store.mood = 'hung'
      if (kind === 'fencingStarted') store.kill()
    },
  },
} as const satisfies Readonly<Record<string, Mood>>

interface Told {
  readonly listeners: readonly EventListener[]
  readonly close: () => Promise<void>
}

interface Story {
  /** Who did what to whom, oldest first. */
  readonly effects: readonly string[]
  readonly events: readonly ControllerEvent[]
  /** From the end of the controller to the end of its sink, per controller. */
  readonly closingMs: readonly number[]
}

const NOBODY: Told = { listeners: [], close: () => Promise.resolve() }

async function runStory(seed: number, tell: (runtime: Runtime) => Told): Promise<Story> {
  const world = new World({ seed })
  const effects: string[] = []
  const closingMs: number[] = []
  const add = (who: string, what: string): void => {
    effects.push(`${world.sim.now.toFixed(6)} ${who} ${what}`)
  }
  world.sim.beforeTurn = ({ name, label }, kind) => {
    if (name !== 'zkfc') add(label, `turn ${kind}`)
  }
  const start = (id: NodeId): void => {
    world.sim.host(id).spawn('zkfc', async (runtime, self) => {
      const told = tell(runtime)
      const recorded = recordEffects(runtime, what => add(self.label, what))
      const entry = { process: self, zkfc: controllerOf(world, id, recorded, told.listeners) }
      world.controllers.set(id, entry)
      await runController(entry.zkfc, told, self, closingMs)
    })
  }
  await startCluster(world, start)
  await failOver(world)
  await stopControllers(world)
  return { effects, events: world.events, closingMs }
}

function controllerOf(
  world: World,
  id: NodeId,
  runtime: Runtime,
  listeners: readonly EventListener[],
): Zkfc {
  return new Zkfc({
    runtime,
    conf: world.conf(id),
    identity: { nameserviceId: 'mycluster', namenodeId: id },
    localProcesses: { ...noLocalProcesses, bootId: () => Promise.resolve('boot-1') },
    listeners: [event => void world.events.push(event), ...listeners],
    stateDirectory: '/state',
    user: 'hdfs',
  })
}

/** As the command does it: the sink is closed once the controller has ended. */
async function runController(
  zkfc: Zkfc,
  told: Told,
  self: SimProcess,
  closingMs: number[],
): Promise<void> {
  await zkfc.start()
  const { exitCode } = await zkfc.whenEnded
  const endedMs = self.sim.now
  await told.close()
  closingMs.push(self.sim.now - endedMs)
  // The same moment in every story: what the network does at the exit draws from its chance too.
  self.sim.schedule(endedMs + EXIT_MS, () => self.exit(exitCode))
}

async function startCluster(world: World, start: (id: NodeId) => void): Promise<void> {
  await world.startServer()
  await world.format()
  for (const id of IDS) world.startNameNode(id)
  start('nn1')
  await world.sim.runUntil(() => world.isActive('nn1'))
  start('nn2')
  await world.sim.runUntil(() => world.isStandby('nn2'))
}

async function failOver(world: World): Promise<void> {
  const { sim } = world
  world.nameNodes.get('nn1')?.process.kill()
  await sim.runUntil(() => world.isActive('nn2'))
  await sim.runFor(5_000)
  world.startNameNode('nn1')
  await sim.runUntil(() => world.isStandby('nn1'))
  let answered = false
  sim.host('admin').spawn('haadmin', async (runtime, self) => {
    const ipc = new IpcClient(runtime, { user: 'hdfs', callerContext: 'CLI' })
    const to = { host: 'nn1', port: 8019 }
    await ipc.call(to, ZKFCProtocol.gracefulFailover, {}, { rpcTimeoutMs: 60_000 })
    answered = true
    self.exit(0)
  })
  await sim.runUntil(() => answered && world.isActive('nn1') && world.isStandby('nn2'))
  await sim.runFor(15_000)
}

/** The active one hands over, then the new active one keeps its role for a restart. */
async function stopControllers(world: World): Promise<void> {
  for (const [id, mode] of [
    ['nn1', 'handOver'],
    ['nn2', 'keep'],
  ] as const) {
    const process = world.controllers.get(id)?.process
    await world.sim.runUntil(() => world.isActive(id))
    const endMs = world.sim.now + STOP_MS
    void world.zkfc(id).stop(mode)
    await world.sim.runUntil(() => process?.alive === false)
    await world.sim.runUntil(endMs)
  }
}

/** Shows what a process asks of its world, and changes nothing. */
function recordEffects(runtime: Runtime, record: (what: string) => void): Runtime {
  const network: Network = {
    ...bound(runtime.network, ['resolve', 'reverse']),
    listen: (address, onConnection) =>
      runtime.network.listen(address, link => onConnection(recordSends(link, record))),
    connect: async (address, options) => {
      record(`connect ${address.host}:${address.port}`)
      return recordSends(await runtime.network.connect(address, options), record)
    },
  }
  return {
    ...runtime,
    network,
    exec: {
      run: (command, options) => {
        record(`exec ${command.join(' ')} for ${options.env['target_namenodeid'] ?? '?'}`)
        return runtime.exec.run(command, options)
      },
    },
  }
}

function bound<T extends object, K extends keyof T>(target: T, names: readonly K[]): Pick<T, K> {
  const made = names.map(name => [name, (target[name] as () => unknown).bind(target)] as const)
  return Object.fromEntries(made) as Pick<T, K>
}

function recordSends(link: Connection, record: (what: string) => void): Connection {
  const send = link.send.bind(link)
  link.send = bytes => {
    const { host, port } = link.remote
    record(`send ${host}:${port} ${inspect(Buffer.from(bytes).toString('latin1'))}`)
    return send(bytes)
  }
  for (const end of ['close', 'destroy'] as const) {
    const run = link[end].bind(link)
    link[end] = reason => {
      record(`${end} ${link.remote.host}:${link.remote.port}`)
      run(reason)
    }
  }
  return link
}

interface SinkStory extends Story {
  readonly store: FakeStore
  /** What the sinks' listeners answered, each once. */
  readonly answers: ReadonlySet<unknown>
  readonly queuedMax: number
}

/** The story with a sink beside each controller, all on one store. */
async function runWithSink(seed: number, mood: Mood): Promise<SinkStory> {
  const store = new FakeStore()
  store.mood = mood.atStart
  const answers = new Set<unknown>()
  let queuedMax = 0
  const story = await runStory(seed, runtime => {
    // Chance of its own, as a real machine's: what the sink draws must not shift the others'.
    const random = new SimRandom(`sink ${seed}`)
    const sink = new RedisEventSink({ ...runtime, random }, store, OPTIONS)
    const listener: EventListener = event => {
      mood.onEvent?.(event, store)
      answers.add(sink.listener(event))
      queuedMax = Math.max(queuedMax, sink.queuedCount)
    }
    return { listeners: [listener], close: () => sink.close() }
  })
  return { ...story, store, answers, queuedMax }
}

const absent = new Map<number, Promise<Story>>()

function runWithout(seed: number): Promise<Story> {
  let story = absent.get(seed)
  if (story === undefined) absent.set(seed, (story = runStory(seed, () => NOBODY)))
  return story
}

/** The first difference alone: the stories are thousands of lines. */
function expectSame(seen: Story, wanted: Story): void {
  const at = wanted.effects.findIndex((effect, index) => seen.effects[index] !== effect)
  expect(at < 0 ? [] : seen.effects.slice(at, at + 3)).toEqual(
    at < 0 ? [] : wanted.effects.slice(at, at + 3),
  )
  expect(seen.effects.length).toBe(wanted.effects.length)
  expect(seen.events).toEqual(wanted.events)
}

test('the story holds a fencing, a failover by fault and one by request', async () => {
  for (const seed of SEEDS) {
    const { effects, events } = await runWithout(seed)
    const kinds = events.map(event => event.kind)
    expect(kinds.filter(kind => kind === 'failoverEnded').length).toBeGreaterThanOrEqual(2)
    expect(kinds).toContain('gracefulFailoverEnded')
    expect(kinds.filter(kind => kind === 'controllerStopped')).toHaveLength(2)
    expect(effects.filter(effect => / exec .*fence/.test(effect))).toHaveLength(1)
    for (const call of ['transitionToActive', 'transitionToStandby', 'cedeActive']) {
      expect(effects.some(effect => effect.includes(call))).toBe(true)
    }
  }
})

test('another seed is another story, so that equal ones say something', async () => {
  const [one, two] = await Promise.all([runWithout(1), runWithout(2)])
  expect(one.effects).not.toEqual(two.effects)
})

test('a listener that does touch the world is found', async () => {
  const story = await runStory(1, ({ network }) => {
    const knock = async (): Promise<void> => {
      const link = await network.connect({ host: 'zk', port: 2181 }, { timeoutMs: 1_000 })
      link.destroy()
    }
    return { ...NOBODY, listeners: [event => void (event.kind === 'fencingStarted' && knock())] }
  })
  expect(story.effects).not.toEqual((await runWithout(1)).effects)
})

test.each(Object.keys(MOODS) as (keyof typeof MOODS)[])(
  'a sink whose store %s changes no effect and no moment of a failover',
  async name => {
    for (const seed of SEEDS) {
      const story = await runWithSink(seed, MOODS[name])
      expectSame(story, await runWithout(seed))
      expect([...story.answers]).toEqual([undefined])
      expect(story.queuedMax).toBeLessThanOrEqual(QUEUE_LENGTH_MAX)
      expect(story.closingMs).toHaveLength(2)
      expect(Math.max(...story.closingMs)).toBeLessThanOrEqual(CLOSE_TIMEOUT_MS)
      // The mood came over the sink: it is full where nothing is written, else all is there.
      if (name === 'answers') expect(story.store.entries).toHaveLength(story.events.length)
      else expect(story.queuedMax).toBe(QUEUE_LENGTH_MAX)
      expect(Math.max(...story.closingMs) > 0).toBe(name.startsWith('hangs'))
      expect(story.store.openCount).toBe(0)
    }
  },
)

test('nobody awaits a listener: what it returns is not even looked at', async () => {
  const touched: PropertyKey[] = []
  const never = new Proxy(new Promise<void>(() => undefined), {
    get: (target, key) => {
      touched.push(key)
      return Reflect.get(target, key, target) as unknown
    },
  })
  const listener = (() => never) as EventListener
  const story = await runStory(1, () => ({ ...NOBODY, listeners: [listener] }))
  expectSame(story, await runWithout(1))
  expect(touched).toEqual([])
  expectTypeOf<ReturnType<EventListener>>().toBeVoid()
  expectTypeOf<RedisEventSink['listener']>().returns.toBeVoid()
})

test('a listener that throws does not reach the failover either', async () => {
  const listener: EventListener = () => {
    throw new Error('a listener with a defect')
  }
  const story = await runStory(1, () => ({ ...NOBODY, listeners: [listener] }))
  expectSame(story, await runWithout(1))
})
