import { assert } from '@baton/runtime'
import type { Cancel, Runtime } from '@baton/runtime'
import type { ControllerEvent, EventListener } from '@baton/zkfc'
import { BoundedEvents, type Dropped } from './bounded-events.ts'
import { toStreamEntry, type StreamEntry } from './stream-entry.ts'

/*
 * Copies every event of a controller into a Redis Stream, one stream a nameservice, so that many
 * controllers leave one history.
 *
 * The controller must never feel it: `listener` puts the event into a bounded queue and returns,
 * nothing is awaited by the caller, and whatever Redis does (refuses, hangs, answers nonsense) ends
 * in a longer wait here. One loop writes: connect, send a batch, forget it once the server has
 * confirmed it. After any failure the connection is thrown away, since a late answer on it could
 * not be told from a new one, the batch goes back to the head of the queue, and the next try waits
 * with back-off and jitter. So an event is written at least once, in order; `source` and `sequence`
 * show a reader what came twice. What a full queue dropped is said in the stream, in its place.
 */

export interface StreamConnection {
  /** Resolves once the server confirmed every entry. */
  add(entries: readonly StreamEntry[]): Promise<void>
  /** At once; what is outstanding fails. */
  close(): void
}

export interface StreamStore {
  /** For logs; holds no credentials. */
  readonly name: string
  /** Aborted, it leaves nothing behind that could keep the process alive. */
  connect(signal: AbortSignal): Promise<StreamConnection>
}

export interface SinkOptions {
  readonly keyPrefix: string
  readonly queueLengthMax: number
  /** Of one connect, and of one batch. */
  readonly commandTimeoutMs: number
  /** How long `close` may wait for what is queued. */
  readonly closeTimeoutMs: number
}

type SinkRuntime = Pick<Runtime, 'clock' | 'random' | 'logger'>

const BATCH_COUNT_MAX = 64
const BACK_OFF_MS_MIN = 100
const BACK_OFF_MS_MAX = 10_000
/** 8 bytes, as hex, tell one run of one controller from every other. */
const SOURCE_BYTES = 8

export class RedisEventSink {
  /** Give this one to the controller. */
  readonly listener: EventListener
  readonly #runtime: SinkRuntime
  readonly #store: StreamStore
  readonly #options: SinkOptions
  readonly #source: string
  readonly #queue: BoundedEvents
  #connection: StreamConnection | undefined
  #writing: Promise<void> | undefined
  #failureCount = 0
  #sequence = 0
  #state: 'open' | 'closing' | 'closed' = 'open'
  /** What is still under way when `close` runs out of time ends with this. */
  readonly #giveUp = new AbortController()
  /** Ends the wait that is under way, if there is one. */
  #endWait: (() => void) | undefined

  constructor(runtime: SinkRuntime, store: StreamStore, options: SinkOptions) {
    this.#runtime = runtime
    this.#store = store
    this.#options = options
    this.#queue = new BoundedEvents(options.queueLengthMax)
    const bytes = runtime.random.bytes(SOURCE_BYTES)
    this.#source = Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
    this.listener = event => this.#take(event)
  }

  /** Events that the store has not confirmed yet. */
  get queuedCount(): number {
    return this.#queue.length
  }

  /** Writes what is queued if the store takes it within `closeTimeoutMs`; then lets go. */
  async close(): Promise<void> {
    if (this.#state !== 'open') return
    this.#state = 'closing'
    this.#endWait?.()
    const written = this.#writing ?? Promise.resolve()
    // Running out of time is no error here: what is left is counted below.
    await this.#within(this.#options.closeTimeoutMs, written).catch(() => undefined)
    this.#state = 'closed'
    this.#giveUp.abort()
    this.#endWait?.()
    // At once: all that the loop could wait for has just ended.
    await written
    this.#disconnect()
    if (this.queuedCount === 0) return
    this.#runtime.logger.warn(
      { store: this.#store.name, count: this.queuedCount },
      `${this.queuedCount} events were not written to ${this.#store.name} before the end`,
    )
  }

  #take(event: ControllerEvent): void {
    if (this.#state !== 'open') return
    this.#sequence += 1
    this.#queue.add({ event, entry: this.#entry(event, this.#sequence) })
    this.#writing ??= this.#writeAll()
  }

  async #writeAll(): Promise<void> {
    while (this.#queue.length > 0 && this.#state !== 'closed') {
      if (await this.#writeBatch()) continue
      if (this.#state !== 'open') break
      await this.#backOff()
    }
    // In the same turn as the last look at the queue: an event that comes next starts a new loop.
    this.#writing = undefined
  }

  /** False: it failed, the connection is gone and the batch is back in the queue. */
  async #writeBatch(): Promise<boolean> {
    const { commandTimeoutMs } = this.#options
    const dropped = this.#queue.takeDropped()
    const batch = this.#queue.take(BATCH_COUNT_MAX)
    try {
      this.#connection ??= await this.#connect()
      const entries = batch.map(({ entry }) => entry)
      if (dropped !== undefined) entries.unshift(this.#droppedEntry(dropped))
      await this.#within(commandTimeoutMs, this.#connection.add(entries))
      this.#queue.confirm()
      this.#succeeded()
      return true
    } catch (error) {
      this.#queue.giveBack()
      if (dropped !== undefined) this.#queue.giveBackDropped(dropped)
      this.#disconnect()
      this.#failed(error)
      return false
    }
  }

  async #connect(): Promise<StreamConnection> {
    const giveUp = new AbortController()
    const connecting = this.#store.connect(giveUp.signal)
    try {
      return await this.#within(this.#options.commandTimeoutMs, connecting)
    } catch (error) {
      giveUp.abort()
      // One that comes after we gave up would stay open for nobody; a failure was told above.
      connecting.then(
        late => late.close(),
        () => undefined,
      )
      throw error
    }
  }

  #disconnect(): void {
    this.#connection?.close()
    this.#connection = undefined
  }

  #entry(event: ControllerEvent, sequence: number): StreamEntry {
    const { keyPrefix } = this.#options
    return toStreamEntry(event, { keyPrefix, source: this.#source, sequence })
  }

  /** Sequence 0: it is the sink's own word and no event of the controller. */
  #droppedEntry({ last, count }: Dropped): StreamEntry {
    const { at, nameserviceId, namenodeId } = last
    const cause = 'the event store could not be written for too long'
    return this.#entry({ at, nameserviceId, namenodeId, kind: 'eventsDropped', count, cause }, 0)
  }

  #succeeded(): void {
    if (this.#failureCount > 0) {
      const text = `writing events to ${this.#store.name} works again`
      this.#runtime.logger.info({ store: this.#store.name }, text)
    }
    this.#failureCount = 0
  }

  /** One line an outage: the log must not grow with the length of it. */
  #failed(error: unknown): void {
    this.#failureCount += 1
    // After the end `close` has said what was not written.
    if (this.#failureCount > 1 || this.#state === 'closed') return
    // The message only: the error object of a client may hold the command with its password.
    const reason = error instanceof Error ? error.message : 'unknown error'
    this.#runtime.logger.warn(
      { store: this.#store.name },
      `events cannot be written to ${this.#store.name} (${reason}): they are kept in memory, ` +
        `${this.#options.queueLengthMax} at most, and tried again. Failover does not depend on it`,
    )
  }

  #backOff(): Promise<void> {
    assert(this.#failureCount > 0, 'only a failure is waited after')
    const ceiling = Math.min(BACK_OFF_MS_MAX, BACK_OFF_MS_MIN * 2 ** (this.#failureCount - 1))
    const waitMs = ceiling / 2 + this.#runtime.random.int(Math.ceil(ceiling / 2))
    return new Promise(resolve => {
      const end = (): void => {
        cancel()
        this.#endWait = undefined
        resolve()
      }
      const cancel = this.#runtime.clock.after(waitMs, end)
      this.#endWait = end
    })
  }

  /** Rejects after `limitMs`, and at once when the sink gives up. */
  async #within<T>(limitMs: number, work: Promise<T>): Promise<T> {
    const { signal } = this.#giveUp
    let cancel: Cancel = () => undefined
    let onGivenUp = (): void => undefined
    const tooLate = new Promise<never>((_resolve, reject) => {
      cancel = this.#runtime.clock.after(limitMs, () => {
        reject(new Error(`no answer within ${limitMs} ms`))
      })
      onGivenUp = () => reject(new Error('the sink was closed meanwhile'))
      signal.addEventListener('abort', onGivenUp)
      if (signal.aborted) onGivenUp()
    })
    try {
      return await Promise.race([work, tooLate])
    } finally {
      cancel()
      signal.removeEventListener('abort', onGivenUp)
    }
  }
}
