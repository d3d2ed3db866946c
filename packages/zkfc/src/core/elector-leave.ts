import { sameBytes } from '../active-breadcrumb.ts'
import { ask, closeSession, isAbsent, openSession, rest } from './elector-io.ts'
import type { ElectorStep } from './elector-io.ts'
import { isActivating, ownsCrumb } from './elector-state.ts'
import type { ToElector, ZkResult } from './messages.ts'

/*
 * Leaving the election (Java: quitElection, tryDeleteOwnBreadCrumbNode).
 *
 * The lock is released by closing the session. The breadcrumb goes first, and only where the
 * controller asked for it with a proof that nobody needs to fence us: it must be our own bytes, it
 * is deleted at the version read, in the session that holds the lock. All that is bounded: at
 * `untilMs` the session is closed and the breadcrumb stays, which costs the next active a fence and
 * nothing else.
 */
export function onQuit(c: ElectorStep, message: Extract<ToElector, { kind: 'quit' }>): void {
  const { s, turn } = c
  s.quitTokens.push(message.token)
  const owns = ownsCrumb(s)
  if (s.wanted) {
    turn.event({ kind: 'electionLeft', needFence: message.crumb === 'keep' && owns })
  }
  s.wanted = false
  if (isActivating(s) || s.task === 'settle' || s.task === 'surrender') {
    const cause = 'this controller leaves the election'
    turn.tell({ to: 'controller', message: { kind: 'activationAborted', cause } })
  }
  if (s.task === 'quitRead' || s.task === 'quitDelete') return
  switch (s.link) {
    case 'none':
      rest(c, 'none')
      s.role = 'init'
      return finishQuit(c)
    case 'closing':
      s.dueMs = Infinity
      return
    case 'connected':
      if (message.crumb === 'keep' || s.role !== 'active') return release(c, owns)
      s.quit = message
      return readOwnCrumb(c)
    case 'connecting':
    case 'disconnected':
      return release(c, owns)
  }
}

export function readOwnCrumb(c: ElectorStep): void {
  ask(c, 'quitRead', { op: 'getData', path: 'crumb' })
  c.s.dueMs = c.s.quit?.untilMs ?? Infinity
}

export function onQuitRead(c: ElectorStep, result: ZkResult): void {
  if (isAbsent(result)) return release(c, false)
  const own = result.ok && sameBytes(result.data ?? new Uint8Array(0), c.s.appData)
  if (!own || result.version === undefined) return release(c, true)
  ask(c, 'quitDelete', { op: 'delete', path: 'crumb', version: result.version })
  c.s.dueMs = c.s.quit?.untilMs ?? Infinity
}

export function onQuitDelete(c: ElectorStep, result: ZkResult): void {
  const proof = c.s.quit?.proof
  if (result.ok && proof !== undefined) c.turn.event({ kind: 'breadcrumbDeleted', proof })
  release(c, !result.ok && !isAbsent(result))
}

/** Closes the session; `kept`: our breadcrumb stays behind, and that is worth telling. */
export function release(c: ElectorStep, kept: boolean): void {
  if (kept) c.turn.event({ kind: 'breadcrumbKept' })
  c.s.quit = null
  closeSession(c)
}

/** The session is closed, or was never there: answer those who asked, go on where wanted. */
export function onClosed(c: ElectorStep): void {
  const { s } = c
  s.link = 'none'
  s.role = 'init'
  const backoffUntil = s.task === 'closing' ? s.dueMs : Infinity
  rest(c, 'none')
  finishQuit(c)
  if (!s.wanted) return
  if (backoffUntil !== Infinity && backoffUntil > c.turn.now)
    return rest(c, 'backoff', backoffUntil)
  openSession(c)
}

function finishQuit(c: ElectorStep): void {
  const tokens = c.s.quitTokens
  c.s.quitTokens = []
  c.s.quit = null
  for (const token of tokens) {
    c.turn.tell({ to: 'controller', message: { kind: 'quitDone', token } })
  }
}
