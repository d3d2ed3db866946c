import type { Identity } from '@baton/hadoop'
import type { Logger, Runtime } from '@baton/runtime'
import type { CoreEvent } from './core/messages.ts'
import { describeEvent, notifyAll } from './events.ts'
import type { ControllerEvent, EventKind, EventListener } from './events.ts'

type Level = 'debug' | 'info' | 'warn' | 'error'

/** Kinds that are more, or less, than information. */
const LEVELS: Readonly<Partial<Record<EventKind, Level>>> = {
  healthConnectionEnded: 'warn',
  stateMismatch: 'warn',
  lockLost: 'warn',
  breadcrumbKept: 'warn',
  requestRefused: 'warn',
  retryScheduled: 'warn',
  eventsDropped: 'warn',
}

/** Gives every event its time and place, a log line, and to each listener, which nobody awaits. */
export class EventSender {
  readonly #runtime: Pick<Runtime, 'clock'>
  readonly #logger: Logger
  readonly #identity: Identity
  readonly #listeners: readonly EventListener[]

  constructor(
    runtime: Pick<Runtime, 'clock' | 'logger'>,
    identity: Identity,
    listeners: readonly EventListener[],
  ) {
    this.#runtime = runtime
    this.#logger = runtime.logger
    this.#identity = identity
    this.#listeners = listeners
  }

  send(details: CoreEvent): void {
    const { nameserviceId, namenodeId } = this.#identity
    const at = this.#runtime.clock.wallTime()
    const event: ControllerEvent = { at, nameserviceId, namenodeId, ...details }
    this.#logger[levelOf(event)]({ event }, describeEvent(event))
    notifyAll(this.#listeners, event, error => {
      const text = error instanceof Error ? error.message : String(error)
      this.#logger.error({ kind: event.kind, error: text }, 'an event listener threw')
    })
  }
}

function levelOf(event: ControllerEvent): Level {
  if ('ok' in event && event.ok === false) return 'warn'
  if (event.kind === 'activationEnded' && event.outcome !== 'active') return 'error'
  if (event.kind === 'healthChanged' && event.to !== 'healthy') return 'warn'
  return LEVELS[event.kind] ?? 'info'
}
