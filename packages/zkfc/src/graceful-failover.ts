import { unreachable } from '@baton/runtime'
import { decodeBreadcrumb } from './active-breadcrumb.ts'
import type { InputBody, NodeRef, ToGraceful, Turn } from './core/messages.ts'
import type { FailoverSettings } from './core/settings.ts'

/*
 * "Fail over to me" (Java: ZKFailoverController.doGracefulFailover, on the target's controller).
 *
 *   idle -> reading -> ceding -> waiting -> releasing -> checking -> idle
 *
 * | phase     | does                                                        | ends with           |
 * | reading   | asks ZooKeeper who is active                                | nobody: refused;    |
 * |           |                                                             | ourselves: checking |
 * | ceding    | cedeActive(T) to every other controller, one after the      | the old active's    |
 * |           | other, the old active's last                                | failed: refused     |
 * | waiting   | for the election to make us active, at most T + 60 s        | an attempt's end    |
 * | releasing | cedeActive(-1) to all that ceded, so that they may come back| every answer        |
 * | checking  | reads our NameNode's state: done is said only of what is    | the answer          |
 *
 * T is twice the graceful-fence time-out. Two differences from Java: a third controller that cannot
 * be reached is left out (it can only win the lock while it lives, and then the attempt fails like
 * any other), and those that ceded are released on every way out. Who asks while one runs gets the
 * answer of the one that runs.
 */
const ATTEMPT_EXTRA_MS = 60_000
const WAITERS_MAX = 64
const SERVICE_FAILED = 'org.apache.hadoop.ha.ServiceFailedException'
const IO_EXCEPTION = 'java.io.IOException'

export interface GracefulState {
  phase: 'idle' | 'reading' | 'ceding' | 'waiting' | 'releasing' | 'checking'
  requests: number[]
  callerContext: string | null
  sinceMs: number
  dueMs: number
  /** Still to be asked, the old active last. */
  toAsk: string[]
  oldActive: string
  ceded: string[]
  /** Ids of remote calls under way. */
  waiting: number[]
  asking: string
  failure: { className: string; message: string } | null
  /** How our attempt ended while the old active's answer was still awaited. */
  early: { ok: boolean; text: string } | null
  token: number
  healthy: boolean
  observer: boolean
}

export function initialGraceful(): GracefulState {
  return {
    phase: 'idle',
    requests: [],
    callerContext: null,
    sinceMs: 0,
    dueMs: Infinity,
    toAsk: [],
    oldActive: '',
    ceded: [],
    waiting: [],
    asking: '',
    failure: null,
    early: null,
    token: 0,
    healthy: false,
    observer: false,
  }
}

type Requested = Extract<InputBody, { kind: 'failoverRequested' }>
type Called = Extract<InputBody, { kind: 'called' }>

export class GracefulFailover {
  readonly state: GracefulState
  readonly #settings: FailoverSettings

  constructor(settings: FailoverSettings, state: GracefulState) {
    this.#settings = settings
    this.state = state
  }

  deadline(): number {
    return this.state.dueMs
  }

  step(input: Requested | Called, turn: Turn): void {
    if (input.kind === 'failoverRequested') return this.#onRequested(input, turn)
    const s = this.state
    if (!s.waiting.includes(input.id)) return
    s.waiting = s.waiting.filter(id => id !== input.id)
    if (s.phase === 'ceding') return this.#onCeded(input, turn)
    if (s.phase === 'releasing' && s.waiting.length === 0) this.#check(turn)
  }

  onTold(message: ToGraceful, turn: Turn): void {
    const s = this.state
    switch (message.kind) {
      case 'eligibility':
        s.healthy = message.healthy
        s.observer = message.observer
        if (s.phase === 'waiting' && !s.healthy) this.#release(BECAME_UNHEALTHY, turn)
        return
      case 'activeRead':
        if (s.phase !== 'reading') return
        if (message.error !== undefined) return this.#onUnreadable(message, turn)
        return this.#onActiveRead(message.data, turn)
      case 'attempt':
        if (s.phase === 'ceding' && (message.ok || s.asking === s.oldActive)) s.early = message
        if (s.phase === 'waiting') this.#onAttempt(message, turn)
        return
      case 'stateRead':
        if (s.phase !== 'checking' || message.token !== s.token) return
        if (message.outcome.ok && message.outcome.state === 'active') return this.#end(null, turn)
        return this.#end(failed(`${this.#settings.localName} ${NOT_CONFIRMED}`), turn)
      default:
        return unreachable(message)
    }
  }

  onTick(turn: Turn): void {
    const s = this.state
    if (turn.now < s.dueMs || s.phase !== 'waiting') return
    this.#release(s.healthy ? NO_OPPORTUNITY : BECAME_UNHEALTHY, turn)
  }

  #onRequested(input: Requested, turn: Turn): void {
    const s = this.state
    turn.event({ kind: 'gracefulFailoverRequested', caller: input.caller })
    if (s.phase !== 'idle') {
      if (s.requests.length < WAITERS_MAX) s.requests.push(input.request)
      else turn.emit({ kind: 'answer', request: input.request, error: failed('too many requests') })
      return
    }
    s.requests = [input.request]
    s.callerContext = input.callerContext ?? null
    s.sinceMs = turn.now
    const name = this.#settings.localName
    if (!s.healthy) {
      const text = `${name} is not currently healthy. Cannot be failover target`
      return this.#end(failed(text), turn)
    }
    if (s.observer) {
      return this.#end(failed(`${name} is in observer state. Cannot be failover target`), turn)
    }
    s.phase = 'reading'
    turn.tell({ to: 'elector', message: { kind: 'readActive' } })
  }

  #onUnreadable({ error, refused }: { error?: string; refused?: boolean }, turn: Turn): void {
    if (refused === true) return this.#end(failed(`Failed to become active. ${error}`), turn)
    const message = `Unexpected ZooKeeper issue fetching active node info: ${error}`
    this.#end({ className: IO_EXCEPTION, message }, turn)
  }

  #onActiveRead(data: Uint8Array | undefined, turn: Turn): void {
    const s = this.state
    const { local, others } = this.#settings
    if (data === undefined) return this.#end(failed('No other node is currently active.'), turn)
    const active = decodeBreadcrumb(data)
    const known = typeof active === 'string' ? undefined : ownOrOther(active, local, others)
    if (known === undefined) {
      return this.#end(failed('Active node does not match any known remote node'), turn)
    }
    // The lock is ours; whether our NameNode is active by now is another question.
    if (known === local) return this.#check(turn)
    s.oldActive = known.namenodeId
    const rest = others.map(node => node.namenodeId).filter(id => id !== s.oldActive)
    s.toAsk = [...rest, s.oldActive]
    s.ceded = []
    s.phase = 'ceding'
    this.#askNext(turn)
  }

  #askNext(turn: Turn): void {
    const s = this.state
    const next = s.toAsk.shift()
    if (next === undefined) {
      s.phase = 'waiting'
      s.dueMs = turn.now + this.#periodMs() + ATTEMPT_EXTRA_MS
      if (s.early !== null) this.#onAttempt(s.early, turn)
      else if (!s.healthy) this.#release(BECAME_UNHEALTHY, turn)
      return
    }
    s.asking = next
    this.#cede(next, this.#periodMs(), turn)
  }

  #onCeded(input: Called, turn: Turn): void {
    const s = this.state
    if (input.outcome.ok) {
      s.ceded.push(s.asking)
      return this.#askNext(turn)
    }
    const text = `cedeActive to the controller of ${s.asking} failed: ${input.outcome.text}`
    turn.event({ kind: 'decision', text })
    if (s.asking !== s.oldActive || s.early?.ok === true) return this.#askNext(turn)
    // It may have ceded without our hearing of it: it is released with the rest.
    s.ceded.push(s.asking)
    s.failure = { className: IO_EXCEPTION, message: text }
    this.#releaseAll(turn)
  }

  #onAttempt(attempt: { readonly ok: boolean; readonly text: string }, turn: Turn): void {
    this.#release(attempt.ok ? undefined : `Failed to become active. ${attempt.text}`, turn)
  }

  #release(failure: string | undefined, turn: Turn): void {
    this.state.failure = failure === undefined ? null : failed(failure)
    this.#releaseAll(turn)
  }

  #releaseAll(turn: Turn): void {
    const s = this.state
    s.phase = 'releasing'
    s.dueMs = Infinity
    for (const id of s.ceded) this.#cede(id, -1, turn)
    if (s.waiting.length === 0) this.#check(turn)
  }

  #cede(namenodeId: string, periodMs: number, turn: Turn): void {
    const s = this.state
    const id = turn.nextId()
    s.waiting.push(id)
    const limitMs = this.#periodMs()
    const context = s.callerContext === null ? {} : { callerContext: s.callerContext }
    turn.emit({ kind: 'cedeRemote', id, namenodeId, periodMs, limitMs, ...context })
  }

  #check(turn: Turn): void {
    const s = this.state
    if (s.failure !== null) return this.#end(s.failure, turn)
    s.phase = 'checking'
    s.token = turn.nextId()
    turn.tell({ to: 'controller', message: { kind: 'readState', token: s.token } })
  }

  #end(failure: { className: string; message: string } | null, turn: Turn): void {
    const s = this.state
    const durationMs = turn.now - s.sinceMs
    const cause = failure === null ? {} : { cause: failure.message }
    turn.event({ kind: 'gracefulFailoverEnded', ok: failure === null, durationMs, ...cause })
    for (const request of s.requests) {
      turn.emit({ kind: 'answer', request, ...(failure === null ? {} : { error: failure }) })
    }
    Object.assign(s, { ...initialGraceful(), healthy: s.healthy, observer: s.observer })
  }

  #periodMs(): number {
    return this.#settings.gracefulFenceTimeoutMs * 2
  }
}

const BECAME_UNHEALTHY =
  'Unable to become active. Service became unhealthy while trying to failover.'
const NO_OPPORTUNITY =
  'Unable to become active. Local node did not get an opportunity to do so from ZooKeeper, or ' +
  'the local node took too long to transition to active.'
const NOT_CONFIRMED = 'was made active but does not report active'

function failed(message: string): { className: string; message: string } {
  return { className: SERVICE_FAILED, message }
}

function ownOrOther(
  active: NodeRef,
  local: NodeRef,
  others: readonly NodeRef[],
): NodeRef | undefined {
  if (active.nameserviceId !== local.nameserviceId) return undefined
  return [local, ...others].find(node => node.namenodeId === active.namenodeId)
}
