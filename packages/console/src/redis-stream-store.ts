import { Redis } from 'ioredis'
import type { StreamConnection, StreamStore } from './redis-event-sink.ts'
import type { StreamEntry } from './stream-entry.ts'

/*
 * Redis Streams through ioredis, with everything clever turned off: no reconnecting, no queue of
 * its own, no retry of a command. The sink does these, so that there is one place that decides and
 * one bound on memory.
 */

const DISCONNECT_TIMEOUT_MS = 50

export interface RedisStreamOptions {
  /** `redis://` or `rediss://`, may hold user and password; never shown. */
  readonly url: string
  /** Entries kept a stream; Redis trims when it is cheap, so some more may be there. */
  readonly streamLengthMax: number
  readonly timeoutMs: number
}

export class RedisStreamStore implements StreamStore {
  readonly name: string
  readonly #options: RedisStreamOptions

  /** Throws `RangeError` where the URL is none; the message leaves it out. */
  constructor(options: RedisStreamOptions) {
    this.name = nameOf(options.url)
    this.#options = options
  }

  async connect(signal: AbortSignal): Promise<StreamConnection> {
    const { url, timeoutMs, streamLengthMax } = this.#options
    const redis = new Redis(url, {
      lazyConnect: true,
      connectTimeout: timeoutMs,
      commandTimeout: timeoutMs,
      // A server that hangs answers no FIN, and the process must not stay alive waiting for it.
      disconnectTimeout: DISCONNECT_TIMEOUT_MS,
      enableOfflineQueue: false,
      enableReadyCheck: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
    })
    // The cause of a failed connect comes here; the promise says no more than "closed".
    let cause: Error | undefined
    redis.on('error', (error: Error) => {
      cause = error
    })
    const onAbort = (): void => redis.disconnect()
    signal.addEventListener('abort', onAbort)
    try {
      await redis.connect()
      // ioredis calls itself connected before the password was checked.
      await redis.ping()
    } catch (error) {
      redis.disconnect()
      throw plainError(cause ?? error)
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
    return {
      add: entries => addAll(redis, entries, streamLengthMax),
      close: () => redis.disconnect(),
    }
  }
}

/** All in one write; the first failure wins, and every answer is waited for before it is told. */
async function addAll(
  redis: Redis,
  entries: readonly StreamEntry[],
  lengthMax: number,
): Promise<void> {
  const adding = entries.map(({ key, fields }) =>
    redis.xadd(key, 'MAXLEN', '~', lengthMax, '*', ...fields.flat()),
  )
  for (const result of await Promise.allSettled(adding)) {
    if (result.status === 'rejected') throw plainError(result.reason)
  }
}

/** Without the command and its arguments, which ioredis hangs on its errors. */
function plainError(error: unknown): Error {
  return new Error(error instanceof Error ? error.message : 'the connection failed')
}

function nameOf(url: string): string {
  if (!URL.canParse(url)) throw new RangeError('expected redis://[user:password@]host[:port][/db]')
  const { protocol, hostname, port } = new URL(url)
  if (!['redis:', 'rediss:'].includes(protocol) || hostname === '') {
    throw new RangeError('expected a URL that begins with redis:// or rediss:// and names a host')
  }
  return `Redis at ${hostname}:${port === '' ? '6379' : port}`
}
