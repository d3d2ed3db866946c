import type { Logger } from '@baton/runtime'
import { nodeClock, nodeRandom } from '@baton/runtime/node'
import type { ControllerEvent } from '@baton/zkfc'
import { RedisEventSink } from '../src/redis-event-sink.ts'
import type { SinkOptions, StreamConnection, StreamStore } from '../src/redis-event-sink.ts'
import type { StreamEntry } from '../src/stream-entry.ts'

/** A store whose mood a test sets: `up`, `down` (refuses), `hung` (never answers). */
export class FakeStore implements StreamStore {
  readonly name = 'Redis at fake:6379'
  readonly entries: StreamEntry[] = []
  mood: 'up' | 'down' | 'hung' = 'up'
  openCount = 0
  connectCount = 0
  readonly #watchers: (() => void)[] = []
  abortedCount = 0
  readonly #hanging: { readonly answer: () => void; readonly fail: (error: Error) => void }[] = []

  /** As a process killed while asked: what it has not answered fails, and so does the next. */
  kill(): void {
    this.mood = 'down'
    for (const { fail } of this.#hanging.splice(0)) fail(new Error('read ECONNRESET'))
  }

  /** Calls that wait for an answer. */
  get hangingCount(): number {
    return this.#hanging.length
  }

  /** Answers at last what it left hanging. */
  release(): void {
    for (const { answer } of this.#hanging.splice(0)) answer()
  }

  async connect(signal: AbortSignal): Promise<StreamConnection> {
    this.connectCount += 1
    signal.addEventListener('abort', () => (this.abortedCount += 1), { once: true })
    this.#changed()
    await this.#answer()
    this.openCount += 1
    let open = true
    return {
      add: async entries => {
        await this.#answer()
        this.entries.push(...entries)
        this.#changed()
      },
      close: () => {
        if (open) this.openCount -= 1
        open = false
      },
    }
  }

  /** Resolves once `condition` holds, looked at after every change. */
  until(condition: () => boolean): Promise<void> {
    return new Promise(resolve => {
      const look = (): void => {
        if (condition()) resolve()
        else this.#watchers.push(look)
      }
      look()
    })
  }

  field(name: string): readonly (string | undefined)[] {
    return this.entries.map(entry => entry.fields.find(([field]) => field === name)?.[1])
  }

  async #answer(): Promise<void> {
    if (this.mood === 'down') throw new Error('connect ECONNREFUSED')
    if (this.mood !== 'hung') return
    await new Promise<void>((answer, fail) => {
      this.#hanging.push({ answer, fail })
      this.#changed()
    })
  }

  #changed(): void {
    for (const look of this.#watchers.splice(0)) look()
  }
}

export const lines: string[] = []

const logger: Logger = {
  debug() {},
  info: (_fields, message) => lines.push(`info ${message}`),
  warn: (_fields, message) => lines.push(`warn ${message}`),
  error: (_fields, message) => lines.push(`error ${message}`),
  child: () => logger,
}

export const runtime = { clock: nodeClock, random: nodeRandom, logger }

export function makeSink(store: StreamStore, options: Partial<SinkOptions> = {}): RedisEventSink {
  return new RedisEventSink(runtime, store, {
    keyPrefix: 'baton:events:',
    queueLengthMax: 100,
    commandTimeoutMs: 50,
    closeTimeoutMs: 50,
    ...options,
  })
}

export function decision(number: number): ControllerEvent {
  const text = `decision ${number}`
  return { at: number, nameserviceId: 'ns', namenodeId: 'nn1', kind: 'decision', text }
}
