import type { ElectorState, ElectorTask } from './elector-state.ts'
import type { Turn, ZkOperation, ZkResult } from './messages.ts'
import type { FailoverSettings } from './settings.ts'

/** What every part of the elector works with during one step. */
export interface ElectorStep {
  readonly s: ElectorState
  readonly settings: FailoverSettings
  readonly turn: Turn
}

export function ask(c: ElectorStep, task: ElectorTask, operation: ZkOperation): void {
  c.s.task = task
  c.s.waiting = c.turn.nextId()
  c.s.dueMs = Infinity
  c.turn.emit({ kind: 'zk', handle: c.s.handle, id: c.s.waiting, operation })
}

export function rest(c: ElectorStep, task: ElectorTask, dueMs = Infinity): void {
  c.s.task = task
  c.s.waiting = 0
  c.s.dueMs = dueMs
}

export function openSession(c: ElectorStep, resume = false): void {
  const { s } = c
  s.handle += 1
  s.link = 'connecting'
  s.resumed = resume
  s.timeoutMs = 0
  rest(c, 'none')
  c.turn.emit({ kind: 'openSession', handle: s.handle, resume })
}

/** The lock goes with the session. Completes with the session event `closed`. */
export function closeSession(c: ElectorStep): void {
  c.s.link = 'closing'
  c.s.role = 'init'
  c.s.resumed = false
  rest(c, 'closing')
  c.turn.emit({ kind: 'clearSession' })
  c.turn.emit({ kind: 'closeSession', handle: c.s.handle })
}

export function fatal(c: ElectorStep, text: string): void {
  rest(c, 'none')
  c.turn.emit({ kind: 'fatal', text })
}

/** Java's spelling of an error: `nodeExists` is NODEEXISTS. */
export function codeOf(result: ZkResult): string {
  return result.ok ? 'OK' : result.error.toUpperCase()
}

export function isOurs(c: ElectorStep, result: ZkResult): boolean {
  return result.ok && result.owner === c.s.sessionId && c.s.sessionId !== 0n
}

export function isAbsent(result: ZkResult): boolean {
  return !result.ok && result.error === 'noNode'
}
