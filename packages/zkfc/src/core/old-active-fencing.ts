import type { ControllerStep } from './controller-state.ts'
import { nodeName } from './controller-state.ts'
import type { InputBody, NodeRef } from './messages.ts'

/*
 * Making the old active safe (Java: fenceOldActive, FailoverController.tryGracefulFence).
 *
 *   for each address to be made safe:   graceful --refused or silent--> methods --failed--> give up
 *
 * A stage begins only when the elector gives the go-ahead for it (the lock is still ours, heard of
 * in good time): the node to be fenced may be active by right once the lock has gone. The methods
 * wait for the end of the graceful step and are never raced.
 */
export function onFence(c: ControllerStep, nodes: readonly NodeRef[]): void {
  const { s, turn } = c
  s.fencing ??= { nodes, index: 0, stage: 'graceful', waiting: 0, stageStartedMs: 0 }
  const fencing = s.fencing
  const node = fencing.nodes[fencing.index]
  if (node === undefined || fencing.waiting !== 0) return
  s.from ??= nodeName(node)
  fencing.waiting = turn.nextId()
  fencing.stageStartedMs = turn.now
  if (fencing.stage === 'graceful') {
    turn.event({ kind: 'gracefulFenceStarted', target: nodeName(node) })
    const limitMs = c.settings.gracefulFenceTimeoutMs
    return turn.emit({ kind: 'gracefulFence', id: fencing.waiting, node, limitMs })
  }
  turn.emit({ kind: 'runFencing', id: fencing.waiting, node })
}

export function onFenced(c: ControllerStep, input: Extract<InputBody, { kind: 'fenced' }>): void {
  const { s, turn } = c
  const fencing = s.fencing
  const node = fencing?.nodes[fencing.index]
  if (fencing === null || node === undefined || input.id !== fencing.waiting) return
  const durationMs = turn.now - fencing.stageStartedMs
  fencing.waiting = 0
  const target = nodeName(node)
  const graceful = fencing.stage === 'graceful'
  const name = graceful ? 'gracefulFence' : 'fencing'
  s.steps.push({ name, durationMs })
  const kind = graceful ? 'gracefulFenceEnded' : 'fencingEnded'
  turn.event({ kind, target, ok: input.ok, cause: input.text, durationMs })
  if (input.ok || mayBeSkipped(c, input)) return nextNode(c)
  if (graceful) {
    fencing.stage = 'methods'
    return answer(c, { ok: false, more: true, text: input.text })
  }
  s.fencing = null
  const who = `${node.nameserviceId}/${node.namenodeId} at ${target.address}`
  answer(c, { ok: false, more: false, text: `Unable to fence ${who}: ${input.text}` })
}

/** The elector gave the activation up: what runs is stopped, its answer will find nobody. */
export function abortFencing(c: ControllerStep): void {
  const { s, turn } = c
  if (s.fencing === null) return
  if (s.fencing.waiting !== 0) turn.emit({ kind: 'abortFencing', id: s.fencing.waiting })
  s.fencing = null
}

/** The stored address has no host any more, another is configured, and the operator trusts it. */
function mayBeSkipped(c: ControllerStep, input: Extract<InputBody, { kind: 'fenced' }>): boolean {
  const more = c.s.fencing !== null && c.s.fencing.index + 1 < c.s.fencing.nodes.length
  return more && input.unresolved === true && c.settings.trustConfiguredAddress
}

function nextNode(c: ControllerStep): void {
  const { s } = c
  const fencing = s.fencing
  if (fencing === null) return
  fencing.index += 1
  fencing.stage = 'graceful'
  if (fencing.index < fencing.nodes.length) return answer(c, { ok: true, more: true, text: '' })
  s.fencing = null
  answer(c, { ok: true, more: false, text: '' })
}

function answer(
  c: ControllerStep,
  message: { readonly ok: boolean; readonly more: boolean; readonly text: string },
): void {
  c.turn.tell({ to: 'elector', message: { kind: 'fenced', ...message } })
}
