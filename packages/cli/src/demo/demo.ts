import { execa } from 'execa'
import type { Runtime } from '@baton/runtime'
import { createNodeRuntime } from '@baton/runtime/node'
import { describeEvent } from '@baton/zkfc'
import type { ControllerEvent } from '@baton/zkfc'
import {
  DemoCluster,
  GRACEFUL_FENCE_MS,
  HEALTH_TIMEOUT_MS,
  NAMENODES,
  NAMESERVICE,
  otherThan,
  SESSION_TIMEOUT_MS,
} from './demo-cluster.ts'
import type { NameNodeId } from './demo-cluster.ts'
import { DemoHands } from './demo-hands.ts'
import { formatTable, timesOf } from './demo-report.ts'
import type { TourResult, TourRow } from './demo-report.ts'
import { TOUR } from './demo-tour.ts'
import type { TourStep } from './demo-tour.ts'
import { DemoWatch } from './demo-watch.ts'
import { DemoWriter } from './demo-writer.ts'

/*
 * The main job on parts of our own, as a newcomer runs it: a server, two reference NameNodes and
 * two controllers as real processes, a writer that never stops, and faults. The exit code says
 * whether every promise held: the role went where it had to, no acknowledged write was lost, and
 * never did two NameNodes answer active.
 */

export interface DemoOptions {
  /** Stays up after the tour until Ctrl-C. */
  readonly keep: boolean
  /** The result as data on standard output; what happens goes to standard error. */
  readonly json: boolean
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream
}

const EVENTS_MAX = 10_000

const OPENING = `Starting one coordination server, two NameNodes and two failover controllers.
So that the tour is short, health calls may take ${HEALTH_TIMEOUT_MS} ms (Hadoop: 45,000), the
polite step of a fence ${GRACEFUL_FENCE_MS} ms (5,000), and a session lives ${SESSION_TIMEOUT_MS} ms
(10,000).
`

/** Runs the tour. Resolves with the exit code: 0 every promise held, 1 not, 130 interrupted. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const live = options.json ? options.stderr : options.stdout
  const story = new Story(live)
  const cluster = await DemoCluster.create(event => story.event(event))
  const runtime = createNodeRuntime()
  const interrupted = onInterrupt()
  const lastResort = (): void => cluster.stopAtOnce()
  process.once('exit', lastResort)
  try {
    const tour = tourOf({ cluster, runtime, story, options })
    const code = await Promise.race([tour, interrupted.signal.then(() => 130)])
    if (code === 130) story.say('Interrupted: ending every process and removing all files.')
    return code
  } finally {
    interrupted.cancel()
    await cluster.stop()
    process.off('exit', lastResort)
  }
}

interface Stage {
  readonly cluster: DemoCluster
  readonly runtime: Runtime
  readonly story: Story
  readonly options: DemoOptions
}

async function tourOf(stage: Stage): Promise<number> {
  const { cluster, runtime, story, options } = stage
  story.say(OPENING)
  cluster.startServer()
  for (const id of NAMENODES) cluster.startNameNode(id)
  await formatZooKeeper(cluster)
  for (const id of NAMENODES) cluster.startController(id)
  const watch = new DemoWatch(runtime, cluster, id => story.active(id))
  const writer = new DemoWriter(runtime, cluster)
  try {
    const hands = new DemoHands({ cluster, watch, writer })
    await hands.untilSettled()
    const result = await takeTour(stage, { hands, watch, writer })
    if (options.json) options.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`)
    else options.stdout.write(`\n${summary(result)}\n`)
    if (options.keep) await stayUp(stage, hands.active())
    return result.broken.length === 0 ? 0 : 1
  } finally {
    writer.close()
    watch.close()
  }
}

interface Cast {
  readonly hands: DemoHands
  readonly watch: DemoWatch
  readonly writer: DemoWriter
}

async function takeTour(stage: Stage, cast: Cast): Promise<TourResult> {
  const rows: TourRow[] = []
  const broken: string[] = []
  for (const step of TOUR) {
    const row = await takeStep(stage.story, step, cast)
    rows.push(row)
    if (!row.kept) broken.push(`${step.name}: the role is with ${row.to}`)
  }
  await cast.writer.stop()
  const lost = await cast.writer.lostOn(cast.hands.active())
  if (lost.length > 0) broken.push(`${lost.length} acknowledged writes are lost: ${lost[0]} …`)
  if (cast.watch.twoActiveCount > 0) broken.push('two NameNodes answered active at once')
  return {
    rows,
    acknowledgedCount: cast.writer.acknowledged.length,
    lostCount: lost.length,
    twoActiveCount: cast.watch.twoActiveCount,
    broken,
  }
}

async function takeStep(story: Story, step: TourStep, cast: Cast): Promise<TourRow> {
  const { hands, writer } = cast
  const from = hands.active()
  story.act(step.says(from))
  writer.mark()
  const faultAt = Date.now()
  await step.fault(hands, from)
  await hands.untilWritesFlow()
  const writeOutageMs = writer.longestPauseMs
  const to = hands.active()
  const expected = step.ends === 'moved' ? otherThan(from) : from
  const outage = `no write was acknowledged for at most ${Math.round(writeOutageMs)} ms`
  story.result(`${to} is active; ${outage}.`)
  const times = timesOf(story.events, faultAt)
  const detectionMs = step.detects ? times.detectionMs : undefined
  await step.repair(hands, from)
  const kept = to === expected
  return {
    event: step.name,
    from,
    to,
    ...times,
    detectionMs,
    writeOutageMs: Math.round(writeOutageMs),
    kept,
  }
}

async function formatZooKeeper(cluster: DemoCluster): Promise<void> {
  const [program = '', ...args] = cluster.formatCommand()
  const result = await execa(program, args, { reject: false, timeout: 30_000, stdin: 'ignore' })
  if (result.exitCode !== 0) {
    throw new Error(`the election znode could not be made: ${result.stderr}${result.stdout}`)
  }
}

function summary(result: TourResult): string {
  const { acknowledgedCount, lostCount, twoActiveCount, broken } = result
  const verdict = broken.length === 0 ? 'Every promise held.' : `BROKEN: ${broken.join('; ')}`
  return [
    formatTable(result.rows),
    '',
    `acknowledged writes: ${acknowledgedCount}, lost: ${lostCount}`,
    `looks in which two NameNodes answered active: ${twoActiveCount}`,
    verdict,
  ].join('\n')
}

async function stayUp(stage: Stage, active: NameNodeId): Promise<void> {
  const { cluster, story } = stage
  const baton = 'npx baton'
  const conf = `--conf ${cluster.configuration}`
  const server = `-server 127.0.0.1:${cluster.ports.zookeeper}`
  story.say(
    [
      '',
      'The cluster stays up until Ctrl-C. Try:',
      `  ${baton} ${conf} haadmin -getAllServiceState`,
      `  ${baton} ${conf} haadmin -failover nn1 nn2`,
      `  ${baton} zkcli ${server} ls /hadoop-ha/${NAMESERVICE}`,
      `  ${baton} zkcli ${server} stat /hadoop-ha/${NAMESERVICE}/ActiveStandbyElectorLock`,
      `  kill -9 ${cluster.process(active).pid}   # the process of ${active}, which is active`,
    ].join('\n'),
  )
  await new Promise(() => {})
}

/** What the onlooker reads, each line with the seconds since the start. */
class Story {
  readonly events: ControllerEvent[] = []
  readonly #out: NodeJS.WritableStream
  readonly #startedAt = performance.now()

  constructor(out: NodeJS.WritableStream) {
    this.#out = out
  }

  say(text: string): void {
    this.#out.write(`${text}\n`)
  }

  /** The next thing that is done to the cluster. */
  act(text: string): void {
    this.#out.write('\n')
    this.#line(`>> ${text}`)
  }

  result(text: string): void {
    this.#line(`== ${text}`)
  }

  event(event: ControllerEvent): void {
    if (this.events.length < EVENTS_MAX) this.events.push(event)
    if (!QUIET.has(event.kind)) this.#line(describeEvent(event))
  }

  active(id: NameNodeId | undefined): void {
    this.#line(id === undefined ? '** no NameNode is active **' : `** ${id} is active **`)
  }

  #line(text: string): void {
    const seconds = ((performance.now() - this.#startedAt) / 1_000).toFixed(2)
    this.#out.write(`${seconds.padStart(7)} s  ${text}\n`)
  }
}

/** Kinds that tell an onlooker nothing that another line does not. */
const QUIET: ReadonlySet<string> = new Set([
  'sessionChanged',
  'threadDump',
  'standbyStarted',
  'electionJoined',
])

function onInterrupt(): { readonly signal: Promise<void>; cancel(): void } {
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  let stop: () => void = () => {}
  const signal = new Promise<void>(resolve => {
    stop = resolve
  })
  for (const name of names) process.on(name, stop)
  return {
    signal,
    cancel() {
      for (const name of names) process.off(name, stop)
    },
  }
}
