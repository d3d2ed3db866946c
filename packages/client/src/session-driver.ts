/**
 * Carries out the core's effects on a real or simulated network.
 *
 * Effects on the link are carried out at once. Calls of the user's functions wait in one queue, so
 * that they come in wire order also when such a function asks for something new; they run within
 * the network's or the timer's turn, and never inside a call that the user makes.
 */
import { formatAddress, unreachable } from '@baton/runtime'
import type { Cancel, CloseCause, Connection, NetworkError, Runtime } from '@baton/runtime'
import type { ClientCnxn } from './client-cnxn.ts'
import { Fifo } from './fifo.ts'
import { DETACHED } from './inputs-and-effects.ts'
import type { CallEffect, Effect, Input, LinkEffect, SessionState } from './inputs-and-effects.ts'

export type ClientRuntime = Pick<Runtime, 'clock' | 'random' | 'network' | 'logger'>

interface OpenLink {
  readonly generation: number
  readonly server: string
  readonly abort: AbortController
  connection: Connection | undefined
}

const WARN_EVERY_MS = 60_000

const closeWords: Readonly<Record<CloseCause['kind'], string>> = {
  end: 'the server closed the connection',
  reset: 'the connection broke',
  local: 'the connection was closed here',
}

export class SessionDriver {
  readonly #runtime: ClientRuntime
  readonly #core: ClientCnxn
  readonly #onState: (state: SessionState) => void
  readonly #calls = new Fifo<CallEffect>()
  #calling = false
  #drainDue = false
  #link: OpenLink | undefined
  #cancelTimer: Cancel = () => {}
  #timerAt = Number.POSITIVE_INFINITY
  #warnedAtMs = Number.NEGATIVE_INFINITY

  constructor(runtime: ClientRuntime, core: ClientCnxn, onState: (state: SessionState) => void) {
    this.#runtime = runtime
    this.#core = core
    this.#onState = onState
  }

  /** An input from the world: calls run before this returns. */
  #fromWorld(input: Input): void {
    this.#step(input)
    this.#drain()
  }

  /** An input from the user: calls run after the present turn. */
  fromUser(input: Input): void {
    this.#step(input)
    if (this.#calls.length === 0 || this.#calling || this.#drainDue) return
    this.#drainDue = true
    queueMicrotask(() => {
      this.#drainDue = false
      this.#drain()
    })
  }

  #step(input: Input): void {
    for (const effect of this.#core.step(input, this.#runtime.clock.now())) this.#carryOut(effect)
    this.#armTimer()
  }

  #carryOut(effect: Effect): void {
    switch (effect.kind) {
      case 'connect':
        return this.#connect(effect)
      case 'send':
        this.#link?.connection?.send(effect.bytes)
        return
      case 'disconnect':
        return this.#disconnect(effect)
      case 'reply':
      case 'event':
      case 'state':
        return this.#calls.push(effect)
      default:
        return unreachable(effect)
    }
  }

  // A throwing user function is the user's own mistake: it surfaces where uncaught errors do, and
  // the calls behind it still come.
  #drain(): void {
    if (this.#calling) return
    this.#calling = true
    try {
      for (let call = this.#calls.shift(); call !== undefined; call = this.#calls.shift()) {
        this.#call(call)
      }
    } finally {
      this.#calling = false
      if (this.#calls.length > 0) queueMicrotask(() => this.#drain())
    }
  }

  #call(call: CallEffect): void {
    switch (call.kind) {
      case 'reply':
        return call.reply(call.error, call.value)
      case 'event':
        return call.watch(call.event)
      case 'state':
        this.#log(call.state, call.reason)
        return this.#onState(call.state)
      default:
        return unreachable(call)
    }
  }

  #log(state: SessionState, reason: string): void {
    const session = this.#core.session?.id.toString(16)
    const fields = { state, reason, session: session === undefined ? undefined : `0x${session}` }
    const { logger } = this.#runtime
    const left = reason === DETACHED && session !== undefined
    if (left) logger.info(fields, 'connection dropped, the session lives on')
    else if (state === 'connected' || state === 'closed') logger.info(fields, `session ${state}`)
    else logger.warn(fields, `session ${state}: ${reason}`)
  }

  #connect(effect: Extract<LinkEffect, { kind: 'connect' }>): void {
    const { generation, server, timeoutMs } = effect
    const link: OpenLink = {
      generation,
      server: formatAddress(server),
      abort: new AbortController(),
      connection: undefined,
    }
    this.#link = link
    const { logger, network } = this.#runtime
    logger.debug({ server: link.server }, 'connecting to a server')
    network.connect(server, { timeoutMs, signal: link.abort.signal }).then(
      connection => this.#connected(link, connection),
      (error: NetworkError) => {
        this.#fromWorld({ kind: 'closed', generation, reason: error.message })
      },
    )
  }

  #connected(link: OpenLink, connection: Connection): void {
    const { generation } = link
    if (this.#link !== link) {
      connection.onData = () => {}
      connection.onClose = () => {}
      return connection.destroy('another attempt took its place')
    }
    link.connection = connection
    connection.onData = bytes => this.#fromWorld({ kind: 'data', generation, bytes })
    connection.onClose = cause => {
      const why = cause.reason === undefined ? '' : `: ${cause.reason}`
      const reason = `${closeWords[cause.kind]}${why}`
      this.#fromWorld({ kind: 'closed', generation, reason })
    }
    this.#fromWorld({ kind: 'connected', generation })
  }

  #disconnect(effect: Extract<LinkEffect, { kind: 'disconnect' }>): void {
    const link = this.#link
    if (link?.generation !== effect.generation) return
    this.#link = undefined
    this.#logLeaving(link.server, effect)
    if (link.connection === undefined) link.abort.abort()
    else if (effect.flush) link.connection.close(effect.reason)
    else link.connection.destroy(effect.reason)
  }

  /** An outage can last for hours: one line a minute says that it does, and why. */
  #logLeaving(server: string, effect: Extract<LinkEffect, { kind: 'disconnect' }>): void {
    const { clock, logger } = this.#runtime
    const fields = { server, reason: effect.reason }
    const now = clock.now()
    if (effect.flush || now - this.#warnedAtMs < WARN_EVERY_MS) {
      return logger.debug(fields, 'left a server')
    }
    this.#warnedAtMs = now
    logger.warn(fields, `left server ${server}: ${effect.reason}; trying the next`)
  }

  /** The timer may ring early and then sleeps on: re-arming it for each request would cost more. */
  #armTimer(): void {
    const wakeAt = this.#core.wakeAt() ?? Number.POSITIVE_INFINITY
    if (wakeAt === Number.POSITIVE_INFINITY) return this.#stopTimer()
    if (wakeAt >= this.#timerAt) return
    this.#cancelTimer()
    this.#timerAt = wakeAt
    const { clock } = this.#runtime
    this.#cancelTimer = clock.after(Math.max(0, wakeAt - clock.now()), () => this.#onTimer())
  }

  #stopTimer(): void {
    this.#cancelTimer()
    this.#timerAt = Number.POSITIVE_INFINITY
  }

  #onTimer(): void {
    this.#timerAt = Number.POSITIVE_INFINITY
    this.#fromWorld({ kind: 'tick' })
  }
}
