import { unreachable } from '@baton/runtime'
import type { FailoverSettings } from './core/settings.ts'
import type { Health, HealthCause, InputBody, ToHealth, Turn } from './core/messages.ts'

/*
 * Is the local NameNode well? (Java: HealthMonitor.)
 *
 * One connection; on it `getServiceStatus`, then `monitorHealth`, then a pause of the check
 * interval. Phases:
 *
 *   off -> connecting -> status -> health -> pausing -> status ...
 *              ^                                 |
 *              +---- the connection ended -------+        down: between two tries after a verdict
 *
 * | what happens                                  | verdict                                       |
 * | both calls answered                           | healthy                                       |
 * | HealthCheckFailedException                    | unhealthy; the connection stays               |
 * | the connection ends, however                  | none: connect again at once                   |
 * |   ... and the connect is refused              | not responding, now                           |
 * |   ... it is accepted, and the next call fails | not responding, now                           |
 * |   ... it is reset, or ends unanswered         | none yet: a dying listener does so before it  |
 * |                                               | refuses. Asked again, for 200 ms in all       |
 * | no answer for the time-out, no connect either | not responding: silence                       |
 * | any other error answer                        | not responding                                |
 *
 * The same silence of our own process (it was stopped, or starved) is no silence of the NameNode,
 * up to one time-out more in all: a process that is late at every tick comes to a verdict, too.
 * Differences from Java: it polls, so a death is seen up to one interval late; it retries a connect
 * that times out 45 times 20 s; and it takes the silence of a NameNode that is busy with our own
 * transition for death. Here silence is not judged while such a transition runs, up to that
 * transition's own limit. Evidence of death (a refused connect) counts at any time.
 */
export interface HealthState {
  phase: 'off' | 'connecting' | 'status' | 'health' | 'pausing' | 'down'
  health: Health
  /** Id of the connect or call that is waited for. */
  waiting: number
  /** Id of the connect that made the present connection; 0 without one. */
  connection: number
  /** No call was answered on this connection yet. */
  fresh: boolean
  /** When the phase ends by itself: the next check, the next connect, the end of patience. */
  dueMs: number
  /** Since when nothing was heard of the NameNode. */
  silentSinceMs: number
  /**
   * Until when a connection that is cut before it answered is asked again at once. Infinity: the
   * answered one has just ended, and none was cut yet. -Infinity: that is the verdict.
   */
  quickUntilMs: number
  /** How much longer this silence was borne because our own process was late. */
  graceMs: number
  /** The last failed connect that was told; the same again is told once. */
  told: string
  /** Silence is not judged before this: our own transition keeps the NameNode busy. */
  suspendedUntilMs: number
}

export function initialHealth(): HealthState {
  return {
    phase: 'off',
    health: 'initializing',
    waiting: 0,
    connection: 0,
    fresh: true,
    dueMs: Infinity,
    silentSinceMs: 0,
    quickUntilMs: -Infinity,
    graceMs: 0,
    told: '',
    suspendedUntilMs: -Infinity,
  }
}

type ConnectFailure = Extract<InputBody, { kind: 'healthConnectFailed' }>['how']

type HealthInput = Extract<
  InputBody,
  {
    kind:
      | 'healthConnected'
      | 'healthConnectFailed'
      | 'healthConnectionEnded'
      | 'statusReplied'
      | 'healthReplied'
      | 'healthCallFailed'
  }
>

/** Closing its sockets takes a killed process a few ms, on a starved host some tens. */
const QUICK_LIMIT_MS = 200
const QUICK_PAUSE_MS = 10
/** A tick later than this means that this process did not run. */
const LATE_MAX_MS = 200

const ANSWERS: Readonly<Record<HealthState['phase'], readonly HealthInput['kind'][]>> = {
  off: [],
  connecting: ['healthConnected', 'healthConnectFailed'],
  status: ['statusReplied', 'healthCallFailed'],
  health: ['healthReplied', 'healthCallFailed'],
  pausing: [],
  down: [],
}

export class HealthMonitor {
  readonly state: HealthState
  readonly #settings: FailoverSettings

  constructor(settings: FailoverSettings, state: HealthState) {
    this.#settings = settings
    this.state = state
  }

  deadline(): number {
    return this.state.phase === 'off' ? Infinity : this.state.dueMs
  }

  onTold(message: ToHealth, turn: Turn): void {
    const s = this.state
    switch (message.kind) {
      case 'begin':
        s.silentSinceMs = turn.now
        return this.#connect(turn)
      case 'transitionStarted':
        s.suspendedUntilMs = message.untilMs
        return
      case 'transitionEnded':
        return this.#onTransitionEnded(message.alive, turn)
      default:
        return unreachable(message)
    }
  }

  step(input: HealthInput, turn: Turn): void {
    const s = this.state
    if (input.kind === 'healthConnectionEnded') {
      if (input.id === s.connection && s.connection !== 0) this.#onEnded(input.how, turn)
      return
    }
    if (input.id !== s.waiting || s.waiting === 0 || !ANSWERS[s.phase].includes(input.kind)) return
    switch (input.kind) {
      case 'healthConnected':
        return this.#onConnected(input.id, turn)
      case 'healthConnectFailed':
        return this.#onConnectFailed(input.how, input.text, turn)
      case 'statusReplied':
        this.#answered(turn)
        this.#heard(turn)
        turn.tell({ to: 'controller', message: { kind: 'status', status: input.status } })
        return this.#ask('health', turn)
      case 'healthReplied':
        this.#heard(turn)
        this.#enter('healthy', { how: 'replied', text: 'both health calls were answered' }, turn)
        return this.#pause(turn)
      case 'healthCallFailed':
        return this.#onCallFailed(input.how, input.text, turn)
      default:
        return unreachable(input)
    }
  }

  onTick(turn: Turn): void {
    const s = this.state
    if (s.phase === 'off' || turn.now < s.dueMs) return
    switch (s.phase) {
      case 'pausing':
        return this.#ask('status', turn)
      case 'down':
        s.silentSinceMs = turn.now
        s.graceMs = 0
        return this.#connect(turn)
      case 'connecting':
      case 'status':
      case 'health':
        return this.#onSilence(turn)
      default:
        return unreachable(s.phase)
    }
  }

  #connect(turn: Turn): void {
    const s = this.state
    const patience = s.silentSinceMs + this.#settings.healthTimeoutMs - turn.now
    const limitMs = Math.max(1, Math.min(this.#settings.connectTimeoutMs, patience))
    s.phase = 'connecting'
    s.connection = 0
    s.fresh = true
    s.waiting = turn.nextId()
    // The driver keeps the limit; silence is judged a little later, in case it does not.
    s.dueMs = Math.max(turn.now + limitMs, s.silentSinceMs + this.#settings.healthTimeoutMs)
    turn.emit({ kind: 'connectHealth', id: s.waiting, limitMs })
  }

  #ask(call: 'status' | 'health', turn: Turn): void {
    const s = this.state
    s.phase = call
    s.waiting = turn.nextId()
    s.dueMs = turn.now + this.#settings.healthTimeoutMs
    turn.emit({ kind: call === 'status' ? 'getStatus' : 'checkHealth', id: s.waiting })
  }

  #pause(turn: Turn): void {
    this.state.phase = 'pausing'
    this.state.waiting = 0
    this.state.dueMs = turn.now + this.#settings.checkIntervalMs
  }

  #heard(turn: Turn): void {
    this.state.silentSinceMs = turn.now
    this.state.graceMs = 0
    this.state.quickUntilMs = -Infinity
    this.state.told = ''
  }

  #onConnected(id: number, turn: Turn): void {
    this.state.connection = id
    this.#ask('status', turn)
  }

  /** Before its first answer nothing says that this is another process than the last one. */
  #answered(turn: Turn): void {
    if (!this.state.fresh) return
    this.state.fresh = false
    turn.tell({ to: 'controller', message: { kind: 'connectionNew' } })
  }

  #onConnectFailed(how: ConnectFailure, text: string, turn: Turn): void {
    this.#tellOnce(how, text, turn)
    if (how === 'refused') return this.#giveUp({ how: 'refused', text }, turn)
    this.#bearOwnLateness(turn)
    // No sign of life, and no evidence of death either: try until the silence is long enough.
    if (turn.now >= this.#patienceEnds()) return this.#giveUp({ how: 'silence', text }, turn)
    if (how === 'reset' && this.#mayAskAtOnce(turn)) return this.#connectAfter(QUICK_PAUSE_MS, turn)
    this.#connectAfter(this.#settings.connectRetryIntervalMs, turn)
  }

  #connectAfter(pauseMs: number, turn: Turn): void {
    const s = this.state
    s.phase = 'connecting'
    s.waiting = 0
    s.dueMs = Math.min(turn.now + pauseMs, this.#patienceEnds())
  }

  /**
   * A new connection was cut. Right after the end of the one that worked this is what a listener
   * does that is being torn down with its process, and the next connect will be refused: only that
   * lets the controller ask whether the process is gone.
   */
  #mayAskAtOnce(turn: Turn): boolean {
    const s = this.state
    s.quickUntilMs = Math.min(s.quickUntilMs, turn.now + QUICK_LIMIT_MS)
    return turn.now < s.quickUntilMs
  }

  #tellOnce(how: 'end' | 'other' | ConnectFailure, text: string | undefined, turn: Turn): void {
    const s = this.state
    const cause = text === undefined ? {} : { cause: text }
    if (s.told !== how) turn.event({ kind: 'healthConnectionEnded', how, ...cause })
    s.told = how
  }

  #patienceEnds(): number {
    const s = this.state
    return Math.max(s.silentSinceMs + this.#settings.healthTimeoutMs, s.suspendedUntilMs)
  }

  #onEnded(how: 'end' | 'reset' | 'other', turn: Turn): void {
    const s = this.state
    s.connection = 0
    if (s.fresh) {
      this.#tellOnce(how, undefined, turn)
      if (how !== 'other' && this.#mayAskAtOnce(turn)) {
        return this.#connectAfter(QUICK_PAUSE_MS, turn)
      }
      const text = `a new connection to the NameNode ended (${how}) before it answered anything`
      return this.#giveUp({ how: 'error', text }, turn)
    }
    turn.event({ kind: 'healthConnectionEnded', how })
    turn.tell({ to: 'controller', message: { kind: 'connectionEnded' } })
    // The kernel of its host spoke: patience begins anew.
    this.#heard(turn)
    s.quickUntilMs = Infinity
    this.#connect(turn)
  }

  #onCallFailed(how: 'unhealthy' | 'error', text: string, turn: Turn): void {
    this.#answered(turn)
    if (how === 'error') return this.#giveUp({ how: 'error', text }, turn)
    this.#heard(turn)
    this.#enter('unhealthy', { how: 'unhealthy', text }, turn)
    this.#pause(turn)
  }

  #onSilence(turn: Turn): void {
    const s = this.state
    const graceMs = this.#bearOwnLateness(turn)
    if (s.phase === 'connecting' && s.waiting === 0 && turn.now < this.#patienceEnds()) {
      return this.#connect(turn)
    }
    if (graceMs > 0) {
      // We stood still, and what it said meanwhile may lie in our buffers.
      s.dueMs = turn.now + graceMs
      return
    }
    if (turn.now < s.suspendedUntilMs) {
      s.dueMs = s.suspendedUntilMs
      return
    }
    const silentMs = Math.round(turn.now - s.silentSinceMs)
    const what = s.phase === 'connecting' ? 'connect' : s.phase
    this.#giveUp({ how: 'silence', text: `no answer for ${silentMs} ms (${what})` }, turn)
  }

  /** The time we were late by is not its silence. Returns how long to wait on; 0: we were not. */
  #bearOwnLateness(turn: Turn): number {
    const s = this.state
    const lateMs = turn.now - s.dueMs
    if (lateMs <= LATE_MAX_MS || s.graceMs >= this.#settings.healthTimeoutMs) return 0
    const graceMs = Math.min(lateMs, this.#settings.healthTimeoutMs)
    s.graceMs += graceMs
    s.silentSinceMs += lateMs
    return graceMs
  }

  #onTransitionEnded(alive: boolean, turn: Turn): void {
    const s = this.state
    s.suspendedUntilMs = -Infinity
    if (!alive || (s.phase !== 'status' && s.phase !== 'health')) return
    // It answered the transition: the health call that stood behind it gets its full time again.
    this.#heard(turn)
    s.dueMs = Math.max(s.dueMs, turn.now + this.#settings.healthTimeoutMs)
  }

  #giveUp(cause: HealthCause, turn: Turn): void {
    const s = this.state
    // Where the first verdict is already known to be bad, only the pace of the retries differs.
    const pause =
      s.health === 'notResponding'
        ? this.#settings.connectRetryIntervalMs
        : this.#settings.sleepAfterDisconnectMs
    s.phase = 'down'
    s.quickUntilMs = -Infinity
    s.waiting = 0
    s.connection = 0
    s.dueMs = turn.now + pause
    turn.emit({ kind: 'closeHealth' })
    this.#enter('notResponding', cause, turn)
  }

  #enter(health: Health, cause: HealthCause, turn: Turn): void {
    const s = this.state
    if (s.health === health) return
    turn.event({ kind: 'healthChanged', from: s.health, to: health, cause: cause.text })
    s.health = health
    turn.tell({ to: 'controller', message: { kind: 'health', state: health, how: cause } })
  }
}
