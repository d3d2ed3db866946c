import { unreachable } from '@baton/runtime'
import { endIfStopped, quit } from './controller-leave.ts'
import type { ControllerStep, LocalCall } from './controller-state.ts'
import { cancelActivation, enqueue, finish, hasCall, isBusy, pump } from './local-calls.ts'
import { abortFencing } from './old-active-fencing.ts'
import type { CallOutcome, InputBody } from './messages.ts'

/*
 * What the elector wants of our NameNode, and what became of it.
 *
 * | answer to transitionToActive | taken for                                                      |
 * | success                      | active, once the elector has read the lock again               |
 * | an error of the NameNode     | failed                                                         |
 * | connect failed, nothing sent | failed                                                         |
 * | time-out, connection lost    | unknown: read the state, send standby, keep the breadcrumb,    |
 * |                              | only then let the elector release the lock                     |
 * | any, after the elector gave  | the same as unknown, without reading the state                 |
 * |   the activation up          |                                                                |
 */
export function onCalled(c: ControllerStep, input: Extract<InputBody, { kind: 'called' }>): void {
  const done = finish(c, input.id, input.outcome)
  if (done === undefined) return
  const { call, durationMs } = done
  switch (call.call) {
    case 'standby':
      onStandby(c, call, input.outcome, durationMs)
      break
    case 'status':
      onState(c, call, input.outcome)
      break
    case 'open':
      onOpened(c, input.outcome)
      break
    case 'active':
      onActive(c, input.outcome, durationMs)
      break
    default:
      unreachable(call.call)
  }
  pump(c)
  endIfStopped(c)
}

function onStandby(
  c: ControllerStep,
  call: LocalCall,
  outcome: CallOutcome,
  durationMs: number,
): void {
  const { s, turn } = c
  const cause = outcome.ok ? {} : { cause: outcome.text }
  turn.event({ kind: 'standbyEnded', ok: outcome.ok, durationMs, ...cause })
  if (outcome.ok) s.unconfirmed = false
  // Confirmed, and no earlier call of ours can still come after it.
  const clean = outcome.ok && !s.unknownActivation
  const how = clean ? ({ proof: 'standbyConfirmed' } as const) : {}
  switch (call.purpose) {
    case 'elected':
      s.expected = 'standby'
      s.mismatchCount = 0
      return
    case 'recover':
      s.expected = 'initializing'
      s.unconfirmed = false
      return turn.tell({ to: 'elector', message: { kind: 'settled' } })
    case 'cede':
      s.delayUntilMs = turn.now + call.periodMs
      return quit(c, 'cede', { ...how, request: call.token })
    case 'handOver':
      return quit(c, 'stop', how)
    case 'activate':
    case 'read':
      return
    default:
      return unreachable(call.purpose)
  }
}

function onState(c: ControllerStep, call: LocalCall, outcome: CallOutcome): void {
  const { turn } = c
  if (call.purpose === 'read') {
    return turn.tell({
      to: 'graceful',
      message: { kind: 'stateRead', token: call.token, outcome },
    })
  }
  const found = outcome.ok
    ? `reports ${outcome.state ?? 'nothing'}`
    : `does not say (${outcome.text})`
  turn.event({
    kind: 'decision',
    text: `after an unanswered transitionToActive the NameNode ${found}: it is sent to standby`,
  })
}

export function onOpenForActive(c: ControllerStep): void {
  enqueue(c, 'open', 'activate')
}

function onOpened(c: ControllerStep, outcome: CallOutcome): void {
  const { s, turn } = c
  if (s.aborted) {
    // What stands in the queue belongs to a later activation and stays.
    s.aborted = false
    if (outcome.ok) turn.emit({ kind: 'closeForActive' })
    return
  }
  if (outcome.ok) s.opened = true
  const text = outcome.ok ? '' : couldNot(c, outcome.text)
  turn.tell({ to: 'elector', message: { kind: 'opened', ok: outcome.ok, text } })
}

/** The go-ahead is for this moment: it may not wait in the queue behind another call. */
export function onSendActive(c: ControllerStep): void {
  if (!isBusy(c)) return enqueue(c, 'active', 'activate')
  const text = 'another call to the NameNode goes first'
  c.turn.tell({ to: 'elector', message: { kind: 'activated', outcome: 'notSent', text } })
}

function onActive(c: ControllerStep, outcome: CallOutcome, durationMs: number): void {
  const { s } = c
  const unknown = !outcome.ok && outcome.how === 'noAnswer'
  const result = outcome.ok ? 'active' : unknown ? 'unknown' : 'failed'
  const cause = outcome.ok ? {} : { cause: outcome.text }
  c.turn.event({ kind: 'activationEnded', outcome: result, durationMs, ...cause })
  s.steps.push({ name: 'activation', durationMs })
  if (unknown) s.unknownActivation = true
  if (s.aborted) {
    s.aborted = false
    return settle(c)
  }
  if (outcome.ok) {
    s.expected = 'active'
    s.mismatchCount = 0
    s.unconfirmed = true
    s.unknownActivation = false
  }
  const text = outcome.ok
    ? `Successfully transitioned ${c.settings.localName} to active state`
    : couldNot(c, outcome.text)
  c.turn.tell({ to: 'elector', message: { kind: 'activated', outcome: result, text } })
  if (unknown) {
    enqueue(c, 'status', 'recover')
    settle(c)
  }
}

function couldNot(c: ControllerStep, why: string): string {
  return `Couldn't make ${c.settings.localName} active\n${why}`
}

/** Sends our NameNode to standby and tells the elector when that has ended. */
export function settle(c: ControllerStep): void {
  if (hasCall(c, call => call.purpose === 'recover' && call.call === 'standby')) return
  enqueue(c, 'standby', 'recover')
}

/** The elector gave up: nothing more may be sent, and what was sent must be settled. */
export function onActivationAborted(c: ControllerStep): void {
  const { s } = c
  abortFencing(c)
  cancelActivation(c)
  const current = s.current?.purpose === 'activate' ? s.current.call : undefined
  if (current === 'active') {
    s.aborted = true
    return
  }
  if (current === 'open') {
    s.aborted = true
    c.turn.emit({ kind: 'closeForActive' })
  }
  if (s.unconfirmed) return settle(c)
  if (hasCall(c, call => call.purpose === 'recover')) return
  c.turn.tell({ to: 'elector', message: { kind: 'settled' } })
}

export function onBecomeStandby(c: ControllerStep): void {
  const { s } = c
  if (hasCall(c, call => call.purpose === 'elected')) return
  s.expected = 'initializing'
  enqueue(c, 'standby', 'elected', { callerContext: s.callerContext })
}

export function onAttemptEnded(c: ControllerStep, ok: boolean, text: string): void {
  const { s, turn } = c
  if (ok) s.unconfirmed = false
  s.callerContext = null
  const from = s.from === null ? {} : { from: s.from }
  if (s.steps.length > 0) {
    turn.event({ kind: 'failoverEnded', ok, steps: s.steps, cause: firstLine(text), ...from })
  }
  s.steps = []
  s.from = null
  turn.tell({ to: 'graceful', message: { kind: 'attempt', ok, text } })
  if (!ok && !isBusy(c)) s.expected = 'initializing'
}

function firstLine(text: string): string {
  const end = text.indexOf('\n')
  return end < 0 ? text : `${text.slice(0, end)}: ${text.slice(end + 1).split('\n')[0]}`
}
