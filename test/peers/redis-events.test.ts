import { createRedisEventSink } from '@baton/console'
import type { RedisEventSink } from '@baton/console'
import type { Logger } from '@baton/runtime'
import { nodeClock, nodeRandom } from '@baton/runtime/node'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { temporaryDirectory } from '../harness/paths.ts'
import { RedisServer } from '../harness/redis.ts'

/** The event sink against a real Redis: killed, hung and restarted under a stream of events. */

const PASSWORD = 'not-to-be-logged'
const KEY = 'baton:events:mycluster'
const STREAM_LENGTH_MAX = 20_000

let place: ReturnType<typeof temporaryDirectory>
let redis: RedisServer
let sink: RedisEventSink | undefined
let lines: string[] = []

const logger: Logger = {
  debug: (fields, message) => lines.push(JSON.stringify(fields) + message),
  info: (fields, message) => lines.push(JSON.stringify(fields) + message),
  warn: (fields, message) => lines.push(JSON.stringify(fields) + message),
  error: (fields, message) => lines.push(JSON.stringify(fields) + message),
  child: () => logger,
}

beforeEach(async () => {
  lines = []
  place = temporaryDirectory('redis-events')
  redis = await RedisServer.start(place.path, PASSWORD)
})

afterEach(async () => {
  await sink?.close()
  await redis.stop()
  place.remove()
})

const pause = (ms: number): Promise<void> =>
  new Promise(resolve => nodeClock.after(ms, () => resolve()))

function makeSink(entries: Record<string, string> = {}): RedisEventSink {
  const conf: Record<string, string> = {
    'baton.events.redis.url': redis.url,
    'baton.events.redis.command-timeout.ms': '200',
    'baton.events.redis.stream-length-max': String(STREAM_LENGTH_MAX),
    ...entries,
  }
  const runtime = { clock: nodeClock, random: nodeRandom, logger }
  const made = createRedisEventSink({ getTrimmed: key => conf[key] }, runtime)
  if (made === undefined) throw new Error('the sink is configured and must be there')
  sink = made
  return made
}

/** Sends an event every 2 ms until stopped; the longest call of the listener is kept. */
class EventSource {
  count = 0
  longestMs = 0
  readonly #listener: RedisEventSink['listener']
  readonly #stop: () => void

  constructor(listener: RedisEventSink['listener']) {
    this.#listener = listener
    this.#stop = nodeClock.every(2, () => this.send())
  }

  send(): void {
    this.count += 1
    const before = nodeClock.now()
    const text = `decision ${this.count}`
    const base = { at: nodeClock.wallTime(), nameserviceId: 'mycluster', namenodeId: 'nn1' }
    this.#listener({ ...base, kind: 'decision', text })
    this.longestMs = Math.max(this.longestMs, nodeClock.now() - before)
  }

  /** Resolves after this many more events. */
  async pass(count: number): Promise<void> {
    const goal = this.count + count
    while (this.count < goal) await pause(5)
  }

  stop(): void {
    this.#stop()
  }
}

interface Entry {
  readonly kind: string
  readonly sequence: number
  readonly event: { readonly count?: number }
}

async function readStream(): Promise<readonly Entry[]> {
  return (await redis.stream(KEY)).map(fields => {
    const event = JSON.parse(fields.get('event') ?? '') as Entry['event']
    return { kind: fields.get('kind') ?? '', sequence: Number(fields.get('sequence')), event }
  })
}

/** Sequences in the order of their first appearance. */
const firstSeen = (entries: readonly Entry[]): readonly number[] => [
  ...new Set(entries.filter(entry => entry.kind === 'decision').map(entry => entry.sequence)),
]

async function drained(made: RedisEventSink): Promise<void> {
  while (made.queuedCount > 0) await pause(10)
}

const range = (to: number): readonly number[] => Array.from({ length: to }, (_, at) => at + 1)

test('a Redis killed, hung and restarted under events ends with all of them', async () => {
  const made = makeSink({ 'baton.events.redis.queue-max': '10000' })
  const source = new EventSource(made.listener)
  await source.pass(50)
  redis.signal('SIGSTOP')
  await source.pass(300)
  redis.signal('SIGCONT')
  await source.pass(100)
  await redis.kill()
  await source.pass(100)
  await redis.start()
  await source.pass(100)
  source.stop()
  await drained(made)
  expect(firstSeen(await readStream())).toEqual(range(source.count))
})

test('what a full queue dropped during an outage is counted in the stream', async () => {
  const made = makeSink({ 'baton.events.redis.queue-max': '20' })
  const source = new EventSource(made.listener)
  await source.pass(10)
  await redis.kill()
  await source.pass(200)
  await redis.start()
  await source.pass(10)
  source.stop()
  await drained(made)
  const entries = await readStream()
  const dropped = entries.filter(entry => entry.kind === 'eventsDropped')
  const droppedCount = dropped.reduce((sum, entry) => sum + (entry.event.count ?? 0), 0)
  const seen = firstSeen(entries)
  expect(seen).toEqual([...seen].sort((a, b) => a - b))
  expect(droppedCount).toBeGreaterThan(100)
  // An entry that was written, but whose answer the kill took away, may be counted as dropped.
  expect(seen.length + droppedCount).toBeGreaterThanOrEqual(source.count)
})

test('close ends in time while Redis hangs', async () => {
  const made = makeSink({ 'baton.events.redis.close-timeout.ms': '100' })
  const source = new EventSource(made.listener)
  await source.pass(5)
  redis.signal('SIGSTOP')
  await source.pass(5)
  source.stop()
  await made.close()
  expect(lines.join('\n')).toContain('not written')
})

test('a wrong password is said plainly and shown nowhere', async () => {
  const wrong = redis.url.replace(PASSWORD, `${PASSWORD}-wrong`)
  const made = makeSink({ 'baton.events.redis.url': wrong })
  new EventSource(made.listener).stop()
  made.listener({
    at: 1,
    nameserviceId: 'mycluster',
    namenodeId: 'nn1',
    kind: 'lockAcquired',
  })
  while (lines.length === 0) await pause(5)
  expect(lines[0]).toMatch(/WRONGPASS|NOAUTH/)
  expect(lines.join('\n')).not.toContain(PASSWORD)
})

test('the stream is kept near its length', async () => {
  const made = makeSink({
    'baton.events.redis.stream-length-max': '200',
    'baton.events.redis.queue-max': '5000',
  })
  const source = new EventSource(made.listener)
  for (let number = 0; number < 2_000; number += 1) source.send()
  source.stop()
  await drained(made)
  const entries = await readStream()
  expect(entries.length).toBeLessThan(400)
  expect(entries.at(-1)?.sequence).toBe(source.count)
})
