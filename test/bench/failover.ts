import { setTimeout as sleep } from 'node:timers/promises'
import { Teardown, until } from '../harness/child.ts'
import type { ControllerKind, NameNodeId } from '../harness/hadoop-cluster.ts'
import { temporaryDirectory } from '../harness/paths.ts'
import { FailoverRig, otherThan } from './failover-rig.ts'
import { formatMeasured } from './statistics.ts'
import type { Measured } from './statistics.ts'

/** One figure: how it is taken once, how often, and what it is held to. */
interface Figure {
  readonly name: string
  readonly unit: 'ms' | 'MB'
  readonly goal: string
  /** Share of the asked number of runs; slow faults are run less often. */
  readonly share: number
  readonly measure: (rig: FailoverRig, kind: ControllerKind, active: NameNodeId) => Promise<number>
}

const FIGURES: Readonly<Record<string, Figure>> = {
  sent: {
    name: 'NameNode killed: fault to transitionToActive sent',
    unit: 'ms',
    goal: '100 ms median, 250 ms worst',
    share: 1,
    async measure(rig, kind, active) {
      const to = otherThan(active)
      const faultAt = Date.now()
      rig.cluster.nameNodes.get(active)?.signal('SIGKILL')
      await rig.active(to)
      return activationSentAt(kind, rig.controller(to).log, faultAt) - faultAt
    },
  },
  kill: {
    name: 'NameNode killed: no active',
    unit: 'ms',
    goal: '0.25 x',
    share: 1,
    measure: (rig, _kind, active) =>
      rig.noActiveMs(otherThan(active), () => {
        rig.cluster.nameNodes.get(active)?.signal('SIGKILL')
      }),
  },
  hang: {
    name: 'NameNode hangs (SIGSTOP): no active',
    unit: 'ms',
    goal: '51 s with defaults; 7 s with 5,000 and 1,000',
    share: 0.2,
    measure: (rig, _kind, active) =>
      rig.noActiveMs(otherThan(active), () => {
        rig.cluster.nameNodes.get(active)?.signal('SIGSTOP')
      }),
  },
  bounce: {
    name: 'controller killed, started again: longest gap in 30 s',
    unit: 'ms',
    goal: 'no gap (one look every 50 ms)',
    share: 0.3,
    measure: (rig, kind, active) =>
      rig.longestGapMs(30_000, async () => {
        await rig.controller(active).kill()
        rig.cluster.startController(kind, active)
      }),
  },
  lost: {
    name: 'the same, the state file lost: longest gap in 30 s',
    unit: 'ms',
    goal: 'none before the old lock expires, then 400 ms',
    share: 0.2,
    measure: (rig, kind, active) =>
      rig.longestGapMs(30_000, async () => {
        await rig.controller(active).kill()
        rig.cluster.clearControllerState(active)
        rig.cluster.startController(kind, active)
      }),
  },
  term: {
    name: 'controller stopped for good by SIGTERM, role kept: no active',
    unit: 'ms',
    goal: 'as killed for good',
    share: 0.3,
    measure: (rig, _kind, active) =>
      rig.noActiveMs(otherThan(active), async () => {
        await rig.controller(active).stop()
      }),
  },
  handOver: {
    name: 'controller stopped for good, role handed over (Java: SIGTERM): no active',
    unit: 'ms',
    goal: '400 ms',
    share: 0.3,
    measure: (rig, kind, active) =>
      rig.noActiveMs(otherThan(active), () => {
        rig.controller(active).signal(kind === 'baton' ? 'SIGUSR2' : 'SIGTERM')
      }),
  },
  away: {
    name: 'controller killed for good: no active',
    unit: 'ms',
    goal: '370 ms',
    share: 0.3,
    measure: (rig, _kind, active) =>
      rig.noActiveMs(otherThan(active), () => rig.controller(active).kill()),
  },
  failover: {
    name: 'haadmin -failover: no active',
    unit: 'ms',
    goal: '1.0 x',
    share: 0.5,
    measure: (rig, kind, active) =>
      rig.noActiveMs(otherThan(active), async () => {
        await rig.cluster.haadmin(kind, ['-failover', active, otherThan(active)])
      }),
  },
  query: {
    name: 'haadmin -getServiceState: wall time',
    unit: 'ms',
    goal: '0.25 x',
    share: 0.5,
    async measure(rig, kind, active) {
      const from = performance.now()
      await rig.cluster.haadmin(kind, ['-getServiceState', active])
      return performance.now() - from
    },
  },
  start: {
    name: 'controller start to lock held',
    unit: 'ms',
    goal: '0.25 x',
    share: 0.5,
    async measure(rig, kind, active) {
      for (const id of ['nn1', 'nn2'] as const) await rig.controller(id).kill()
      await until('free lock', async () => (await rig.lock.read()) === undefined, {
        withinMs: 60_000,
      })
      rig.cluster.clearControllerState(active)
      const from = performance.now()
      rig.cluster.startController(kind, active)
      await until('lock held', async () => (await rig.lock.read()) !== undefined, {
        withinMs: 60_000,
        everyMs: 5,
      })
      return performance.now() - from
    },
  },
  memory: {
    name: 'controller memory after 20 s at rest',
    unit: 'MB',
    goal: '75 MB',
    share: 0.2,
    async measure(rig, _kind, active) {
      await sleep(20_000)
      return rig.controller(active).residentBytes() / 1_000_000
    },
  },
}

const ACTIVATIONS: Readonly<Record<ControllerKind, (log: string) => number[]>> = {
  baton: log =>
    log.split('\n').flatMap(line => {
      if (!line.includes('"activationStarted"')) return []
      return [(JSON.parse(line) as { event: { at: number } }).event.at]
    }),
  java: log =>
    [...log.matchAll(/^(\S+ \S+),(\d+) INFO .*Trying to make .* active/gm)].map(m =>
      new Date(`${m[1]?.replace(' ', 'T')}.${m[2]}`).getTime(),
    ),
}

/** When the controller sent transitionToActive, by its own log, in wall time. */
function activationSentAt(kind: ControllerKind, log: string, after: number): number {
  const sent = ACTIVATIONS[kind](log).find(time => time >= after)
  if (sent === undefined) throw new Error(`no activation after the fault:\n${log.slice(-2_000)}`)
  return sent
}

export interface FailoverBenchOptions {
  readonly runs: number
  readonly only: readonly string[]
  /** Health calls may take 5,000 ms and the graceful fence 1,000, instead of the defaults. */
  readonly short: boolean
}

/** Both kinds alternate run by run on the same NameNodes and the same ZooKeeper. */
export async function benchFailover(options: FailoverBenchOptions): Promise<string> {
  const names = options.only.length === 0 ? Object.keys(FIGURES) : options.only
  const teardown = new Teardown()
  const directory = temporaryDirectory('bench')
  teardown.add(directory.remove)
  try {
    const core = options.short
      ? {
          'ha.health-monitor.rpc-timeout.ms': '5000',
          'ha.failover-controller.graceful-fence.rpc-timeout.ms': '1000',
        }
      : DEFAULT_TIMES
    const rig = await FailoverRig.start(directory.path, teardown, core)
    await warm(rig)
    const rows: Measured[] = []
    for (const name of names) {
      const figure = FIGURES[name]
      if (figure === undefined) throw new RangeError(`no figure ${name}: ${Object.keys(FIGURES)}`)
      rows.push(await take(rig, figure, Math.max(1, Math.round(options.runs * figure.share))))
      process.stderr.write(`${formatMeasured(rows.slice(-1)).split('\n').at(-1)}\n`)
    }
    return formatMeasured(rows)
  } finally {
    await teardown.run()
  }
}

/** Hadoop's own values, whatever the shipped samples say. */
const DEFAULT_TIMES = {
  'ha.health-monitor.rpc-timeout.ms': undefined,
  'ha.failover-controller.graceful-fence.rpc-timeout.ms': undefined,
  'ha.zookeeper.session-timeout.ms': undefined,
}

/** Both NameNodes were active once, so that none is slow for being fresh. */
async function warm(rig: FailoverRig): Promise<void> {
  const active = await rig.controllers('baton')
  const to = otherThan(active)
  await rig.cluster.haadmin('baton', ['-failover', active, to])
  await rig.active(to)
}

async function take(rig: FailoverRig, figure: Figure, runs: number): Promise<Measured> {
  const taken: Record<ControllerKind, number[]> = { java: [], baton: [] }
  for (let run = 0; run < runs; run++) {
    for (const kind of ['java', 'baton'] as const) {
      const active = await rig.controllers(kind)
      taken[kind].push(await figure.measure(rig, kind, active))
      for (const id of ['nn1', 'nn2'] as const) rig.cluster.nameNodes.get(id)?.signal('SIGCONT')
      process.stderr.write(`${figure.name}: ${kind} ${Math.round(taken[kind].at(-1) ?? 0)}\n`)
    }
  }
  const { name, unit, goal } = figure
  return { name, unit, goal, java: taken.java, baton: taken.baton }
}
