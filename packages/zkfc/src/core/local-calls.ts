import { assert } from '@baton/runtime'
import type { ControllerStep, LocalCall } from './controller-state.ts'
import type { CallOutcome } from './messages.ts'

/*
 * Calls to our own NameNode, one at a time and in order: a `transitionToStandby` that overtakes a
 * `transitionToActive` would leave a NameNode active that nobody elected. While a transition is
 * out, the health monitor does not take silence for death.
 */
/** The RPC server lets 64 requests in, each of which may be a cede; the rest are our own. */
const CALLS_MAX = 80

export function enqueue(
  c: ControllerStep,
  call: LocalCall['call'],
  purpose: LocalCall['purpose'],
  more: { token?: number; periodMs?: number; callerContext?: string | null } = {},
): void {
  const { s } = c
  assert(s.calls.length < CALLS_MAX, 'calls to the local NameNode do not pile up')
  s.calls.push({
    call,
    purpose,
    token: more.token ?? 0,
    periodMs: more.periodMs ?? 0,
    callerContext: more.callerContext ?? null,
  })
  pump(c)
}

export function hasCall(c: ControllerStep, test: (call: LocalCall) => boolean): boolean {
  const { s } = c
  return s.calls.some(test) || (s.current !== null && test(s.current))
}

export function isBusy(c: ControllerStep): boolean {
  return c.s.current !== null || c.s.calls.length > 0
}

export function pump(c: ControllerStep): void {
  const { s, turn } = c
  if (s.current !== null) return
  const next = s.calls.shift()
  if (next === undefined) return
  s.current = next
  s.currentId = turn.nextId()
  s.currentSinceMs = turn.now
  STARTS[next.call](c, next, s.currentId)
}

const STARTS: Readonly<
  Record<LocalCall['call'], (c: ControllerStep, call: LocalCall, id: number) => void>
> = {
  standby: (c, call, id) => {
    const limitMs = c.settings.gracefulFenceTimeoutMs
    c.turn.event({ kind: 'standbyStarted' })
    suspendHealth(c, limitMs)
    c.turn.emit({ kind: 'call', call: 'transitionToStandby', id, limitMs, ...contextOf(call) })
  },
  status: (c, call, id) => {
    const limitMs = c.settings.gracefulFenceTimeoutMs
    c.turn.emit({ kind: 'call', call: 'getServiceStatus', id, limitMs, ...contextOf(call) })
  },
  open: (c, _call, id) => {
    const { connectTimeoutMs, newActiveTimeoutMs } = c.settings
    const limitMs = Math.min(connectTimeoutMs, newActiveTimeoutMs)
    c.s.opened = false
    c.turn.emit({ kind: 'openForActive', id, limitMs })
  },
  active: (c, _call, id) => {
    const limitMs = c.settings.newActiveTimeoutMs
    c.s.opened = false
    c.turn.event({ kind: 'activationStarted' })
    suspendHealth(c, limitMs)
    c.turn.emit({ kind: 'transitionToActive', id, limitMs })
  },
}

function contextOf(call: LocalCall): { callerContext?: string } {
  return call.callerContext === null ? {} : { callerContext: call.callerContext }
}

function suspendHealth(c: ControllerStep, limitMs: number): void {
  const untilMs = c.turn.now + limitMs
  c.turn.tell({ to: 'health', message: { kind: 'transitionStarted', untilMs } })
}

/** Takes the finished call off; undefined where `id` is not the one under way. */
export function finish(
  c: ControllerStep,
  id: number,
  outcome: CallOutcome,
): { readonly call: LocalCall; readonly durationMs: number } | undefined {
  const { s, turn } = c
  if (s.current === null || id !== s.currentId) return undefined
  const call = s.current
  s.current = null
  s.currentId = 0
  if (call.call === 'standby' || call.call === 'active') {
    const alive = outcome.ok || outcome.how === 'remote'
    turn.tell({ to: 'health', message: { kind: 'transitionEnded', alive } })
  }
  return { call, durationMs: turn.now - s.currentSinceMs }
}

/** Takes back what was not begun, and gives up a connection that was not used. */
export function cancelActivation(c: ControllerStep): void {
  const { s, turn } = c
  s.calls = s.calls.filter(call => call.purpose !== 'activate')
  if (s.opened) turn.emit({ kind: 'closeForActive' })
  s.opened = false
}
