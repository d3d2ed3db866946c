import { sameBytes } from '../active-breadcrumb.ts'
import { startActivation } from './elector-activation.ts'
import { createLock, monitorLock } from './elector-contend.ts'
import { ask, closeSession, codeOf, isOurs, openSession, rest } from './elector-io.ts'
import type { ElectorStep } from './elector-io.ts'
import type { ZkResult } from './messages.ts'

/*
 * A restarted controller takes its session up again, and keeps the role.
 *
 *   resumeSync -> resumeLock -> resumeCrumb -> resumeHold -> (role active)
 *
 * It is kept only if, after `sync`, the lock is this session's with our bytes, the breadcrumb holds
 * our bytes, and the first health verdict is healthy before the session's time-out has passed.
 * Then the NameNode is asked nothing. If it reports another state than active (it was restarted
 * too), the lock is still ours and the ordinary activation follows. In every other case the old
 * session is closed and a new one begins; the breadcrumb stays.
 */
export function startResume(c: ElectorStep): void {
  ask(c, 'resumeSync', { op: 'sync', path: 'lock' })
}

export function onResumeSync(c: ElectorStep, result: ZkResult): void {
  if (!result.ok) return giveUpResume(c, `sync failed: ${codeOf(result)}`)
  ask(c, 'resumeLock', { op: 'getData', path: 'lock' })
}

export function onResumeLock(c: ElectorStep, result: ZkResult): void {
  if (!isOurs(c, result)) return giveUpResume(c, 'the old session does not hold the lock')
  if (!holdsOurBytes(c, result)) return giveUpResume(c, 'the lock holds other data than ours')
  ask(c, 'resumeCrumb', { op: 'getData', path: 'crumb' })
}

export function onResumeCrumb(c: ElectorStep, result: ZkResult): void {
  if (!holdsOurBytes(c, result)) return giveUpResume(c, 'the breadcrumb is not ours')
  rest(c, 'resumeHold', c.s.resumeUntilMs)
  if (c.s.wanted) takeRoleUp(c)
}

/** The NameNode is healthy and the lock proven ours. */
export function takeRoleUp(c: ElectorStep): void {
  const { s, turn } = c
  s.resumed = false
  turn.event({ kind: 'sessionReattach', ok: true, sessionId: sessionName(c) })
  if (s.reported !== 'active') {
    turn.event({ kind: 'lockAcquired', cause: 'of the session that was taken up again' })
    return startActivation(c)
  }
  s.role = 'active'
  s.mayBeActive = true
  turn.tell({ to: 'controller', message: { kind: 'roleResumed' } })
  monitorLock(c)
}

/** Ends with a new session, which is opened once this one is closed. */
export function giveUpResume(c: ElectorStep, cause: string): void {
  c.turn.event({ kind: 'sessionReattach', ok: false, sessionId: sessionName(c), cause })
  closeSession(c)
}

/** The server does not know the stored session any more. */
export function onResumeExpired(c: ElectorStep): void {
  const cause = 'it expired before this controller was back'
  c.turn.event({ kind: 'sessionReattach', ok: false, sessionId: sessionName(c), cause })
  c.turn.emit({ kind: 'clearSession' })
  openSession(c)
}

/** The election may be entered: with the resumed session, or by contending. */
export function enterElection(c: ElectorStep): void {
  const { s } = c
  if (s.task === 'resumeHold') return takeRoleUp(c)
  if (s.resumed && s.task === 'none') return startResume(c)
  if (!s.resumed && s.task === 'none') createLock(c)
}

function holdsOurBytes(c: ElectorStep, result: ZkResult): boolean {
  return result.ok && sameBytes(result.data ?? new Uint8Array(0), c.s.appData)
}

export function sessionName(c: ElectorStep): string {
  return `0x${BigInt.asUintN(64, c.s.sessionId).toString(16)}`
}
