import { unreachable } from '@baton/runtime'
import type { ServiceState, ServiceStatus } from '@baton/hadoop'
import * as calls from './core/controller-calls.ts'
import * as leave from './core/controller-leave.ts'
import type { ControllerState, ControllerStep } from './core/controller-state.ts'
import type { ElectorState } from './core/elector-state.ts'
import { enqueue, isBusy } from './core/local-calls.ts'
import type { HealthCause, InputBody, ToController, Turn } from './core/messages.ts'
import { onFence, onFenced } from './core/old-active-fencing.ts'
import type { FailoverSettings } from './core/settings.ts'

/*
 * Joins the health of our NameNode, the election and the requests of others (Java:
 * ZKFailoverController).
 *
 * | health         | reported state          | the controller                                     |
 * | healthy        | observer                | stays out of the election                          |
 * | healthy        | any other               | joins, unless it ceded and the period still runs   |
 * | unhealthy      |                         | leaves; the breadcrumb stays                       |
 * | not responding |                         | leaves; the breadcrumb stays unless the process is |
 * |                |                         | proven gone                                        |
 * | healthy        | another than was told,  | leaves for a second, the breadcrumb stays          |
 * |                | twice in a row          | (HADOOP-9905)                                      |
 *
 * `expected` is the state our NameNode was told to take; nothing is expected while a call to it is
 * under way, and nothing of one that was told nothing. An observer moved back to standby joins with
 * the next report (Java: only after a change of health). The thread dump is taken after the
 * election was left, never before.
 *
 * Parts: ways out of the election in core/controller-leave, calls to our NameNode in
 * core/controller-calls and core/local-calls, the old active in core/old-active-fencing.
 */
const BAD_STATE_DELAY_MS = 1000

type ControllerInput = Extract<
  InputBody,
  {
    kind:
      | 'stop'
      | 'called'
      | 'fenced'
      | 'processRecorded'
      | 'evidence'
      | 'sessionKept'
      | 'cedeRequested'
  }
>

export class ZkFailoverController {
  readonly state: ControllerState
  readonly #settings: FailoverSettings
  readonly #elector: Readonly<ElectorState>

  constructor(settings: FailoverSettings, state: ControllerState, elector: Readonly<ElectorState>) {
    this.#settings = settings
    this.state = state
    this.#elector = elector
  }

  deadline(): number {
    const s = this.state
    const delay = s.delayUntilMs === -Infinity ? Infinity : s.delayUntilMs
    return Math.min(delay, leave.proofDeadline({ s }))
  }

  step(input: ControllerInput, turn: Turn): void {
    const c = this.#step(turn)
    switch (input.kind) {
      case 'stop':
        leave.onStop(c, input.mode)
        return leave.endIfStopped(c)
      case 'called':
        return calls.onCalled(c, input)
      case 'fenced':
        return onFenced(c, input)
      case 'processRecorded':
        return onProcessRecorded(c, input)
      case 'evidence':
        return leave.onEvidence(c, input)
      case 'sessionKept':
        return leave.onSessionKept(c, input)
      case 'cedeRequested':
        if (leave.onCedeRequested(c, input)) recheckElectability(c)
        return
      default:
        return unreachable(input)
    }
  }

  onTold(message: ToController, turn: Turn): void {
    const c = this.#step(turn)
    switch (message.kind) {
      case 'health':
        return onHealth(c, message.state, message.how)
      case 'status':
        return onStatus(c, message.status)
      case 'connectionEnded':
        // What is found from here on may be another process than the one that answered active.
        if (c.s.identity === null) c.s.recordingId = 0
        return
      case 'connectionNew':
        // Perhaps another process: what was recorded of the former proves nothing about it.
        c.s.identity = null
        c.s.recordingId = 0
        return
      case 'becomeStandby':
        return calls.onBecomeStandby(c)
      case 'fence':
        return onFence(c, message.nodes)
      case 'openForActive':
        return calls.onOpenForActive(c)
      case 'sendActive':
        return calls.onSendActive(c)
      case 'activationAborted':
        return calls.onActivationAborted(c)
      case 'attemptEnded':
        return calls.onAttemptEnded(c, message.ok, message.text)
      case 'roleResumed':
        c.s.expected = 'active'
        c.s.mismatchCount = 0
        return
      case 'surrender':
        return calls.settle(c)
      case 'quitDone':
        if (leave.onQuitDone(c, message.token)) recheckElectability(c)
        return
      case 'readState':
        return enqueue(c, 'status', 'read', { token: message.token })
      default:
        return unreachable(message)
    }
  }

  onTick(turn: Turn): void {
    const c = this.#step(turn)
    leave.onProofTick(c)
    if (c.s.delayUntilMs !== -Infinity && turn.now >= c.s.delayUntilMs) {
      c.s.delayUntilMs = -Infinity
      recheckElectability(c)
    }
  }

  #step(turn: Turn): ControllerStep {
    return { s: this.state, elector: this.#elector, settings: this.#settings, turn }
  }
}

function onHealth(c: ControllerStep, health: ControllerState['health'], how: HealthCause): void {
  const { s, turn } = c
  s.health = health
  if (health !== 'healthy' && health !== 'unhealthy') reported(c, 'unknown')
  tellEligibility(c)
  switch (health) {
    case 'healthy':
      return recheckElectability(c)
    case 'unhealthy':
    case 'notResponding':
      return leave.leaveUnhealthy(c, how)
    case 'initializing':
      return leave.quit(c, 'health')
    case 'monitorFailed':
      return turn.emit({ kind: 'fatal', text: 'Health monitor failed!' })
    default:
      return unreachable(health)
  }
}

function tellEligibility(c: ControllerStep): void {
  const healthy = c.s.health === 'healthy'
  const observer = c.s.reported === 'observer' || c.s.expected === 'observer'
  c.turn.tell({ to: 'graceful', message: { kind: 'eligibility', healthy, observer } })
}

function recheckElectability(c: ControllerStep): void {
  const { s, turn } = c
  if (s.health !== 'healthy' || s.stopping !== 'no' || s.quits.length > 0) return
  if (s.reported === 'observer' || s.expected === 'observer') return
  if (turn.now < s.delayUntilMs) return
  turn.tell({ to: 'elector', message: { kind: 'join' } })
}

function reported(c: ControllerStep, state: ServiceState | 'unknown'): void {
  const { s, turn } = c
  s.reported = state
  const known = state === 'unknown' ? undefined : state
  turn.tell({ to: 'elector', message: { kind: 'reported', state: known } })
}

function onStatus(c: ControllerStep, status: ServiceStatus): void {
  const { s, turn } = c
  const before = s.reported
  reported(c, status.state)
  if ((before === 'observer') !== (status.state === 'observer')) tellEligibility(c)
  if (isBusy(c) || s.quits.length > 0 || s.proof !== null) return
  if (status.state === 'observer') return onObserver(c)
  if (s.expected === 'observer') {
    s.expected = 'initializing'
    tellEligibility(c)
  }
  if (s.expected === 'initializing') return recheckElectability(c)
  if (status.state === s.expected) {
    s.mismatchCount = 0
    if (status.state === 'active' && s.identity === null && s.recordingId === 0) {
      s.recordingId = turn.nextId()
      turn.emit({ kind: 'recordProcess', id: s.recordingId })
    }
    return
  }
  onMismatch(c, status.state)
}

function onObserver(c: ControllerStep): void {
  if (c.s.expected === 'observer') return
  if (!c.elector.wanted) {
    c.s.expected = 'observer'
    return tellEligibility(c)
  }
  leave.quit(c, 'observer')
  tellEligibility(c)
}

function onMismatch(c: ControllerStep, state: ServiceState): void {
  const { s, turn, settings } = c
  s.mismatchCount += 1
  const { expected, mismatchCount: consecutiveCount } = s
  turn.event({ kind: 'stateMismatch', expected, reported: state, consecutiveCount })
  // The report may have been under way when the state changed: only a second one counts.
  if (s.mismatchCount < 2) return
  const text =
    `Local service ${settings.localName} has changed the serviceState to ${state}. ` +
    `Expected was ${expected}. Quitting election marking fencing necessary.`
  turn.event({ kind: 'decision', text })
  s.delayUntilMs = turn.now + BAD_STATE_DELAY_MS
  leave.quit(c, 'badState')
}

function onProcessRecorded(
  c: ControllerStep,
  input: Extract<InputBody, { kind: 'processRecorded' }>,
): void {
  const { s } = c
  if (input.id !== s.recordingId || input.id === 0) return
  // `recordingId` stays set: one try for each connection, whatever came of it.
  s.identity = input.identity ?? null
}
