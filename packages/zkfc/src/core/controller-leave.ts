import type { ControllerStep, Quit } from './controller-state.ts'
import { enqueue, isBusy } from './local-calls.ts'
import type { HealthCause, InputBody } from './messages.ts'

/*
 * The ways out of the election, and what may happen to the breadcrumb on each.
 *
 * | reason                        | breadcrumb                                                    |
 * | standby confirmed (cede,      | deleted, unless an unanswered transitionToActive may still    |
 * |   hand-over)                  | be carried out                                                |
 * | connect refused, and the very | deleted: nobody is left to fence. The process was recorded    |
 * |   process proven gone         | while it answered active; asked again until the limit is out  |
 * | everything else               | stays: the next active fences this NameNode                   |
 */
const EVIDENCE_PAUSE_MS = 10

export function quit(
  c: ControllerStep,
  reason: Quit['reason'],
  how: {
    readonly proof?: 'standbyConfirmed' | 'processGone'
    readonly untilMs?: number
    readonly request?: number
  } = {},
): void {
  const { s, turn } = c
  const token = turn.nextId()
  const needFence = how.proof === undefined
  s.quits.push({ token, reason, request: how.request ?? 0, needFence })
  s.proof = null
  s.expected = reason === 'observer' ? 'observer' : 'initializing'
  s.mismatchCount = 0
  const untilMs = how.untilMs ?? turn.now + c.settings.crumbDeleteMs
  turn.tell({
    to: 'elector',
    message:
      how.proof === undefined
        ? { kind: 'quit', crumb: 'keep', untilMs, token }
        : { kind: 'quit', crumb: 'delete', proof: how.proof, untilMs, token },
  })
}

/** The NameNode is not well: out at once, or after a short look for the proof of its end. */
export function leaveUnhealthy(c: ControllerStep, cause: HealthCause): void {
  const { s, turn, settings } = c
  const provable =
    cause.how === 'refused' &&
    c.elector.role === 'active' &&
    c.elector.link === 'connected' &&
    s.expected === 'active' &&
    s.identity !== null &&
    settings.sharedEditsFenced &&
    settings.processEvidenceMs > 0
  if (!provable) return quit(c, 'health')
  s.proof = { untilMs: turn.now + settings.processEvidenceMs, waiting: 0, retryMs: Infinity }
  askEvidence(c)
}

function askEvidence(c: ControllerStep): void {
  const { s, turn } = c
  if (s.proof === null || s.identity === null) return
  s.proof.waiting = turn.nextId()
  s.proof.retryMs = Infinity
  turn.emit({ kind: 'proveGone', id: s.proof.waiting, identity: s.identity })
}

export function onEvidence(
  c: ControllerStep,
  input: Extract<InputBody, { kind: 'evidence' }>,
): void {
  const { s, turn } = c
  if (s.proof === null || input.id !== s.proof.waiting) return
  s.proof.waiting = 0
  const pid = s.identity === null ? {} : { pid: s.identity.pid }
  turn.event({ kind: 'processEvidence', verdict: input.verdict, ...pid })
  if (input.verdict === 'gone' && turn.now < s.proof.untilMs) {
    return quit(c, 'health', { proof: 'processGone', untilMs: s.proof.untilMs })
  }
  // It may be about to end: its sockets close before the kernel has taken the process apart.
  s.proof.retryMs = turn.now + EVIDENCE_PAUSE_MS
  if (input.verdict === 'alive' && s.proof.retryMs < s.proof.untilMs) return
  quit(c, 'health')
}

export function onProofTick(c: ControllerStep): void {
  const { s, turn } = c
  if (s.proof === null) return
  if (turn.now >= s.proof.untilMs) return quit(c, 'health')
  if (turn.now >= s.proof.retryMs) askEvidence(c)
}

export function proofDeadline(c: Pick<ControllerStep, 's'>): number {
  const { proof } = c.s
  return proof === null ? Infinity : Math.min(proof.untilMs, proof.retryMs)
}

export function onCedeRequested(
  c: ControllerStep,
  input: Extract<InputBody, { kind: 'cedeRequested' }>,
): boolean {
  const { s, turn } = c
  const { periodMs, caller, request } = input
  turn.event({ kind: 'cedeRequested', periodMs, caller })
  const callerContext = input.callerContext ?? null
  s.callerContext = callerContext
  if (periodMs <= 0) {
    s.delayUntilMs = -Infinity
    turn.emit({ kind: 'answer', request })
    return true
  }
  enqueue(c, 'standby', 'cede', { token: request, periodMs, callerContext })
  return false
}

/** SIGTERM and its like. The role is kept only where it is certainly held, and all is well. */
export function onStop(c: ControllerStep, mode: 'keep' | 'handOver'): void {
  const { s, turn, elector } = c
  if (s.stopping !== 'no') return
  s.stopping = mode
  const quiet = elector.task === 'none' || elector.task === 'monitor'
  const holds = elector.role === 'active' && quiet && !isBusy(c) && s.proof === null
  if (holds && mode === 'keep' && s.health === 'healthy' && s.expected === 'active') {
    s.keepId = turn.nextId()
    return turn.emit({ kind: 'keepSession', id: s.keepId, handle: elector.handle })
  }
  if (elector.role === 'active' && mode === 'handOver') return enqueue(c, 'standby', 'handOver')
  quit(c, 'stop')
}

export function onSessionKept(
  c: ControllerStep,
  input: Extract<InputBody, { kind: 'sessionKept' }>,
): void {
  if (input.id !== c.s.keepId || input.id === 0) return
  c.s.keepId = 0
  if (!input.ok) c.turn.event({ kind: 'decision', text: input.text })
  end(c)
}

/** The session is closed (or was never there). True: the election may be looked at again. */
export function onQuitDone(c: ControllerStep, token: number): boolean {
  const { s, turn } = c
  const done = s.quits.find(entry => entry.token === token)
  if (done === undefined) return false
  s.quits = s.quits.filter(entry => entry !== done)
  if (done.reason === 'health' && c.settings.threadDumps) turn.emit({ kind: 'threadDump' })
  if (done.reason === 'cede') {
    turn.event({ kind: 'cedeEnded', ok: !done.needFence, needFence: done.needFence })
    turn.emit({ kind: 'answer', request: done.request })
  }
  endIfStopped(c)
  return !s.ended
}

/** Once everything that was begun has come to its end. */
export function endIfStopped(c: ControllerStep): void {
  const { s } = c
  if (s.stopping === 'no' || s.keepId !== 0 || s.quits.length > 0 || isBusy(c)) return
  if (c.elector.role === 'active') return
  end(c)
}

function end(c: ControllerStep): void {
  if (c.s.ended) return
  c.s.ended = true
  c.turn.emit({ kind: 'ended', exitCode: 0 })
}
