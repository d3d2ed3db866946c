/**
 * The core of a session (ZooKeeper 3.9 `ClientCnxn`): inputs and the time in, effects out; no
 * promise, timer or socket.
 *
 * **One link at a time.** A link is `dialing -> handshake -> live`, `pausing` between rounds, under
 * a generation that goes up with every attempt and every drop; an input of another generation is
 * ignored, so late bytes of an old link change nothing.
 *
 * **The session outlives its links.** Each handshake names the session's id and password. A server
 * alone says that a session is gone (time-out 0 in its answer); an answer with another id means the
 * same, and is never taken for a new session. With every server away the state stays
 * `disconnected` however long it lasts (ZOOKEEPER-4508): `lastHeardMs` tells how long.
 *
 * **Nothing is sent twice.** What was sent and not answered fails with `connectionLoss` when the
 * link drops. What was never sent waits, until it is sent or a whole round of servers has failed.
 */
import { ErrorCode, FrameDecoder, JuteError } from '@baton/jute'
import { assert, formatAddress, unreachable } from '@baton/runtime'
import type { Address, Core, Random } from '@baton/runtime'
import { Conversation } from './conversation.ts'
import type { ConversationOptions, Link, Outcome } from './conversation.ts'
import { connectFrame, readGrant } from './handshake.ts'
import { HostProvider } from './host-provider.ts'
import { DETACHED } from './inputs-and-effects.ts'
import type { Effect, Input, SessionCredentials, SessionState } from './inputs-and-effects.ts'
import { ConfirmedDeadline, Liveness } from './liveness.ts'
import type { Reply } from './operation.ts'
import { ZooKeeperError } from './zookeeper-error.ts'

export interface ClientCnxnOptions extends ConversationOptions {
  readonly servers: readonly Address[]
  readonly random: Random
  readonly sessionTimeoutMs: number
  readonly connectTimeoutMs: number
  readonly closeTimeoutMs: number
  readonly responseBytesMax: number
  readonly session: SessionCredentials | undefined
}

type InputOf<K extends Input['kind']> = Extract<Input, { kind: K }>
type Phase = 'idle' | 'pausing' | 'dialing' | 'handshake' | 'live' | 'ended'

/** A link that held this long was good: after it the servers are tried again without a pause. */
const STABLE_MS = 1_000

export class ClientCnxn implements Core<Input, Effect> {
  readonly #options: ClientCnxnOptions
  readonly conversation: Conversation
  /** After a close: a server has confirmed that the session is gone. */
  closeAcknowledged = false
  readonly #hosts: HostProvider
  readonly #liveness = new Liveness()
  readonly #connectDeadline = new ConfirmedDeadline()
  #phase: Phase = 'idle'
  #state: SessionState = 'connecting'
  #session: SessionCredentials | undefined
  #negotiatedTimeoutMs = 0
  #generation = 0
  #server = ''
  #decoder = new FrameDecoder()
  /** Of the pause, or of dialing and handshake together. */
  #phaseEndsAt = 0
  #handshakeAt = 0
  #liveAt = 0
  #closeReplies: Reply<undefined>[] = []
  #closeDueAt = Number.POSITIVE_INFINITY
  #now = 0
  #out: Effect[] = []
  readonly #handlers: { readonly [K in Input['kind']]: (input: InputOf<K>) => void } = {
    start: () => this.#onStart(),
    tick: () => this.#onTick(),
    connected: input => this.#onConnected(input.generation),
    data: input => this.#onData(input.generation, input.bytes),
    closed: input => this.#onClosed(input.generation, input.reason),
    submit: input => this.#onSubmit(input),
    ping: input => this.#onPing(input.reply),
    addAuth: input => this.#onAddAuth(input),
    close: input => this.#onClose(input.reply),
    detach: () => this.#onDetach(),
  }

  constructor(options: ClientCnxnOptions) {
    this.#options = options
    this.#session = options.session
    this.conversation = new Conversation(options)
    this.#hosts = new HostProvider(options.servers, options.random)
  }

  get state(): SessionState {
    return this.#state
  }

  get session(): SessionCredentials | undefined {
    return this.#session
  }

  /** What the server granted; 0 before the first answer. */
  get negotiatedTimeoutMs(): number {
    return this.#negotiatedTimeoutMs
  }

  /** When the last bytes came for this session; -Infinity before the first. */
  get lastHeardMs(): number {
    return this.#liveness.lastHeardMs
  }

  /** The server of the present link, as host:port; '' where there is none. */
  get server(): string {
    return this.#phase === 'live' ? this.#server : ''
  }

  step(input: Input, now: number): readonly Effect[] {
    this.#now = now
    const out: Effect[] = []
    this.#out = out
    const handle = this.#handlers[input.kind] as (input: Input) => void
    handle(input)
    return out
  }

  /** When the next tick is wanted; undefined: no tick changes anything. */
  wakeAt(): number | undefined {
    const due = this.#phaseWakeAt()
    if (this.#closeReplies.length === 0) return due
    return Math.min(due ?? Number.POSITIVE_INFINITY, this.#closeDueAt)
  }

  #phaseWakeAt(): number | undefined {
    switch (this.#phase) {
      case 'idle':
      case 'ended':
        return undefined
      case 'pausing':
        return this.#phaseEndsAt
      case 'dialing':
      case 'handshake':
        return this.#connectDeadline.wakeAt(this.#phaseEndsAt)
      case 'live':
        return this.#liveness.wakeAt(this.conversation.oldestSentAt)
      default:
        return unreachable(this.#phase)
    }
  }

  // ---- the life of a link

  get #isLinked(): boolean {
    return this.#phase === 'dialing' || this.#phase === 'handshake' || this.#phase === 'live'
  }

  #onStart(): void {
    assert(this.#phase === 'idle', 'a session is started once')
    this.#dial()
  }

  #dial(): void {
    const server = this.#hosts.next()
    const timeoutMs = this.#options.connectTimeoutMs
    this.#generation++
    this.#phase = 'dialing'
    this.#phaseEndsAt = this.#now + timeoutMs
    this.#connectDeadline.clear()
    this.#server = formatAddress(server)
    this.#out.push({ kind: 'connect', generation: this.#generation, server, timeoutMs })
  }

  #onConnected(generation: number): void {
    if (generation !== this.#generation || this.#phase !== 'dialing') return
    this.#phase = 'handshake'
    this.#handshakeAt = this.#now
    this.#decoder = new FrameDecoder(this.#options.responseBytesMax)
    const bytes = connectFrame({
      session: this.#session,
      lastZxidSeen: this.conversation.lastZxidSeen,
      sessionTimeoutMs: this.#options.sessionTimeoutMs,
    })
    this.#out.push({ kind: 'send', generation, bytes })
  }

  #onData(generation: number, bytes: Uint8Array): void {
    if (generation !== this.#generation) return
    if (this.#phase === 'live') this.#liveness.heard(this.#now)
    try {
      this.#decoder.push(bytes, payload => {
        this.#onFrame(payload)
        return generation === this.#generation
      })
    } catch (error) {
      if (!(error instanceof JuteError)) throw error
      this.#drop(`the server sent bytes that are no ZooKeeper reply: ${error.message}`)
    }
  }

  #onFrame(payload: Buffer): void {
    if (this.#phase === 'handshake') return this.#onConnectResponse(payload)
    assert(this.#phase === 'live', 'frames come in the handshake or on a live link')
    this.#onOutcome(this.conversation.onFrame(payload, this.#link()))
  }

  #onOutcome(outcome: Outcome): void {
    switch (outcome?.kind) {
      case undefined:
        return
      case 'broken':
        return this.#drop(outcome.reason)
      case 'authFailed':
        return this.#end('authFailed', ErrorCode.authFailed, outcome.reason)
      case 'sessionClosed':
        this.closeAcknowledged = true
        return this.#end('closed', ErrorCode.sessionExpired, 'the session was closed')
      default:
        return unreachable(outcome)
    }
  }

  #onConnectResponse(payload: Buffer): void {
    const grant = readGrant(payload, this.#session)
    switch (grant.kind) {
      case 'expired':
        return this.#onExpired(grant.reason)
      case 'broken':
        return this.#drop(grant.reason)
      case 'granted':
        this.#session = grant.session
        this.#negotiatedTimeoutMs = grant.timeoutMs
        return this.#becomeLive()
      default:
        return unreachable(grant)
    }
  }

  #becomeLive(): void {
    const conversation = this.conversation
    this.#phase = 'live'
    this.#liveAt = this.#now
    this.#state = 'connected'
    this.#liveness.begin(this.#negotiatedTimeoutMs, this.#now)
    if (this.#handshakeAt > conversation.lastAcknowledgedSendMs) {
      conversation.lastAcknowledgedSendMs = this.#handshakeAt
    }
    conversation.open(this.#link())
    if (this.#closeReplies.length > 0) conversation.closeSession(this.#link())
    this.#changed('connected', `session granted by ${this.#server}`)
  }

  #onClosed(generation: number, reason: string): void {
    if (generation === this.#generation && this.#isLinked) this.#drop(reason)
  }

  /** The link is of no use any more; the session may live on. */
  #drop(reason: string): void {
    this.#disconnect(reason, false)
    const wasLive = this.#phase === 'live'
    const wasGood = wasLive && this.#now - this.#liveAt >= STABLE_MS
    if (wasGood) this.#hosts.succeeded()
    const pauseMs = wasGood ? undefined : this.#hosts.failed()
    this.conversation.failSent(ErrorCode.connectionLoss, this.#link())
    if (pauseMs === undefined) {
      this.#dial()
    } else {
      this.#phase = 'pausing'
      this.#phaseEndsAt = this.#now + pauseMs
      const detail = `no server could be reached, so it was not sent; the last try: ${reason}`
      this.conversation.failWaiting(ErrorCode.connectionLoss, this.#link(), detail)
    }
    if (wasLive) {
      this.#state = 'disconnected'
      this.#changed('disconnected', reason)
    }
  }

  /** `flush`: what was queued still goes out; a broken link must not speak any more. */
  #disconnect(reason: string, flush: boolean): void {
    this.#out.push({ kind: 'disconnect', generation: this.#generation, reason, flush })
    this.#generation++
  }

  // ---- time

  #onTick(): void {
    if (this.#closeReplies.length > 0 && this.#now >= this.#closeDueAt) {
      return this.#end('closed', ErrorCode.connectionLoss, 'closing was not answered in time')
    }
    if (this.#phase === 'pausing' && this.#now >= this.#phaseEndsAt) return this.#dial()
    if (this.#phase === 'dialing' || this.#phase === 'handshake') this.#checkConnecting()
    if (this.#phase === 'live') this.#checkLiveness()
  }

  #checkConnecting(): void {
    if (!this.#connectDeadline.passed(this.#phaseEndsAt, this.#now)) return
    const what = this.#phase === 'dialing' ? 'no connection' : 'no answer to the session request'
    this.#drop(`${what} within ${this.#options.connectTimeoutMs} ms`)
  }

  #checkLiveness(): void {
    const heard = this.#liveness.lastHeardMs
    if (this.#liveness.isSilent(this.conversation.oldestSentAt, this.#now)) {
      return this.#drop(`nothing was heard for ${Math.round(this.#now - heard)} ms`)
    }
    if (this.#now < this.#liveness.pingDueAt) return
    this.#liveness.sent(this.#now)
    this.conversation.ping(undefined, this.#link(), true)
  }

  // ---- what the user asks

  #onSubmit(input: InputOf<'submit'>): void {
    const gone = this.#goneError(input.operation.kind)
    if (gone !== undefined) return this.#reply(input.reply, gone)
    const live = this.#phase === 'live'
    if (live) this.#liveness.sent(this.#now)
    this.conversation.submit(input.operation, input.reply, this.#link(), live)
  }

  #onPing(reply: Reply<undefined>): void {
    const gone = this.#goneError('ping')
    if (gone !== undefined) return this.#reply(reply, gone)
    const live = this.#phase === 'live'
    if (live) this.#liveness.sent(this.#now)
    this.conversation.ping(reply, this.#link(), live)
  }

  #onAddAuth(input: InputOf<'addAuth'>): void {
    const gone = this.#goneError('addAuth')
    if (gone !== undefined) return this.#reply(input.reply, gone)
    const live = this.#phase === 'live'
    this.conversation.addAuth(input.auth, input.reply, this.#link(), live)
  }

  #goneError(operation: string): ZooKeeperError | undefined {
    if (this.#phase === 'ended') {
      const code = this.#state === 'authFailed' ? ErrorCode.authFailed : ErrorCode.sessionExpired
      const detail = `the client has ended (${this.#state}); make a new one`
      return new ZooKeeperError(code, { operation, detail })
    }
    if (this.#closeReplies.length === 0) return undefined
    const detail = 'the client is closing'
    return new ZooKeeperError(ErrorCode.sessionExpired, { operation, detail })
  }

  /** Without a link the servers are tried until the bound, because a lock may hang on it. */
  #onClose(reply: Reply<undefined>): void {
    if (this.#phase === 'ended') return this.#reply(reply, undefined)
    this.#closeReplies.push(reply)
    if (this.#closeReplies.length > 1) return
    this.#closeDueAt = this.#now + this.#options.closeTimeoutMs
    if (this.#phase === 'live') {
      this.#liveness.sent(this.#now)
      this.conversation.closeSession(this.#link())
    } else if (this.#session === undefined) {
      this.#end('closed', ErrorCode.connectionLoss, 'closed before a session was granted')
    } else if (this.#phase === 'pausing') {
      this.#dial()
    }
  }

  #onDetach(): void {
    if (this.#phase === 'ended') return
    this.#end('closed', ErrorCode.connectionLoss, DETACHED)
  }

  #onExpired(reason: string): void {
    if (this.#closeReplies.length > 0) {
      this.closeAcknowledged = true
      return this.#end('closed', ErrorCode.sessionExpired, reason)
    }
    this.#end('expired', ErrorCode.sessionExpired, reason)
  }

  /** Final: nothing is tried any more, and everything that waits is told. */
  #end(state: 'expired' | 'authFailed' | 'closed', code: number, reason: string): void {
    assert(this.#phase !== 'ended', 'a session ends once')
    if (this.#isLinked) this.#disconnect(reason, true)
    this.#phase = 'ended'
    this.#state = state
    this.conversation.failSent(code, this.#link())
    this.conversation.failWaiting(code, this.#link())
    this.#changed(state, reason)
    for (const reply of this.#closeReplies) this.#reply(reply, undefined)
    this.#closeReplies = []
  }

  #changed(state: SessionState, reason: string): void {
    this.#out.push({ kind: 'state', state, reason })
  }

  #reply(reply: Reply<undefined>, error: ZooKeeperError | undefined): void {
    this.#out.push({ kind: 'reply', reply: reply as Reply<unknown>, error, value: undefined })
  }

  #link(): Link {
    return {
      generation: this.#generation,
      server: this.#server,
      out: this.#out,
      now: this.#now,
    }
  }
}
