import type { Runtime } from '@baton/runtime'
import { RedisEventSink } from './redis-event-sink.ts'
import { RedisStreamStore } from './redis-stream-store.ts'

export const REDIS_URL_KEY = 'baton.events.redis.url'

/** The part of a Hadoop configuration that is read here. */
export interface SinkConfiguration {
  getTrimmed(key: string): string | undefined
}

/** Own numeric keys with default and least value; each stands in the README. */
const NUMBERS = {
  queueLengthMax: { key: 'baton.events.redis.queue-max', default: 1_000, min: 1 },
  streamLengthMax: { key: 'baton.events.redis.stream-length-max', default: 10_000, min: 1 },
  commandTimeoutMs: { key: 'baton.events.redis.command-timeout.ms', default: 2_000, min: 1 },
  closeTimeoutMs: { key: 'baton.events.redis.close-timeout.ms', default: 1_000, min: 1 },
} as const
const PREFIX_KEY = 'baton.events.redis.stream-prefix'
const PREFIX = 'baton:events:'

type Numbers = Readonly<Record<keyof typeof NUMBERS, number>>

/** A key of the event sink is wrong; all problems at once, without the URL's password. */
export class EventSinkConfigurationError extends Error {
  override readonly name = 'EventSinkConfigurationError'
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(problems.join('; '))
    this.problems = problems
  }
}

/** undefined where `baton.events.redis.url` is not set. Connects at the first event. */
export function createRedisEventSink(
  conf: SinkConfiguration,
  runtime: Pick<Runtime, 'clock' | 'random' | 'logger'>,
): RedisEventSink | undefined {
  const url = conf.getTrimmed(REDIS_URL_KEY)
  if (url === undefined || url === '') return undefined
  const problems: string[] = []
  const numbers = readNumbers(conf, problems)
  const { commandTimeoutMs: timeoutMs, streamLengthMax } = numbers
  const store = makeStore({ url, streamLengthMax, timeoutMs }, problems)
  if (store === undefined || problems.length > 0) throw new EventSinkConfigurationError(problems)
  const keyPrefix = conf.getTrimmed(PREFIX_KEY) ?? PREFIX
  return new RedisEventSink(runtime, store, { keyPrefix, ...numbers })
}

function makeStore(
  options: ConstructorParameters<typeof RedisStreamStore>[0],
  problems: string[],
): RedisStreamStore | undefined {
  try {
    return new RedisStreamStore(options)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    problems.push(`${REDIS_URL_KEY}: ${error.message}`)
    return undefined
  }
}

function readNumbers(conf: SinkConfiguration, problems: string[]): Numbers {
  const entries = Object.entries(NUMBERS).map(([name, row]) => {
    const text = conf.getTrimmed(row.key)
    if (text === undefined || text === '') return [name, row.default] as const
    const value = Number(text)
    if (!/^\d{1,9}$/.test(text) || value < row.min) {
      problems.push(`${row.key} is "${text}": expected a whole number from ${row.min}`)
    }
    return [name, value] as const
  })
  return Object.fromEntries(entries) as Numbers
}
