import { nameOf, sameBytes } from '../active-breadcrumb.ts'
import { startActivation } from './elector-activation.ts'
import { ask, codeOf, fatal, isAbsent, isOurs, rest } from './elector-io.ts'
import type { ElectorStep } from './elector-io.ts'
import type { ZkResult } from './messages.ts'

/*
 * Contending for the lock, and watching it.
 *
 * Whose lock it is, is decided by its owner alone: `create` answered for this session, or a read
 * that shows this session as ephemeralOwner. Whether a healthy active NameNode must step down for
 * it takes more: `sync`, then a read that shows another's session *and* another's data. A lock with
 * our own data and another owner is our own from before a restart: it is waited out.
 */
export function createLock(c: ElectorStep): void {
  ask(c, 'createLock', { op: 'create', path: 'lock', data: c.s.appData })
}

export function monitorLock(c: ElectorStep): void {
  c.s.changed = false
  ask(c, 'monitor', { op: 'exists', path: 'lock', watch: true })
}

export function onCreateLock(c: ElectorStep, result: ZkResult): void {
  if (result.ok) return won(c)
  if (result.error === 'nodeExists') return heldByOther(c)
  const { lockPath } = c.settings
  fatal(c, `Received create error from Zookeeper. code:${codeOf(result)} for path ${lockPath}`)
}

/** The create ended in connection loss: what became of it? */
export function onReadLock(c: ElectorStep, result: ZkResult): void {
  if (isOurs(c, result)) return won(c)
  if (isAbsent(result)) return createLock(c)
  if (result.ok) return heldByOther(c)
  fatal(c, readError(c, result))
}

export function onMonitor(c: ElectorStep, result: ZkResult): void {
  const { s } = c
  if (isOurs(c, result)) {
    if (s.role !== 'active') return won(c)
    return done(c)
  }
  if (isAbsent(result)) {
    lostLock(c, 'the lock is gone')
    return createLock(c)
  }
  if (!result.ok) {
    return fatal(c, `Received stat error from Zookeeper. code:${codeOf(result)}`)
  }
  if (s.role === 'standby') return done(c)
  if (s.role === 'waiting' && result.owner === s.waitedOwner) return done(c)
  lostLock(c, 'another session holds the lock')
  heldByOther(c)
}

export function onProveSync(c: ElectorStep, result: ZkResult): void {
  if (!result.ok) return fatal(c, readError(c, result))
  ask(c, 'proveLock', { op: 'getData', path: 'lock' })
}

export function onProveLock(c: ElectorStep, result: ZkResult): void {
  if (isOurs(c, result)) return monitorLock(c)
  if (isAbsent(result)) return createLock(c)
  if (!result.ok) return fatal(c, readError(c, result))
  if (sameBytes(result.data ?? new Uint8Array(0), c.s.appData)) {
    c.s.role = 'waiting'
    c.s.waitedOwner = result.ok ? (result.owner ?? 0n) : 0n
    c.turn.event({
      kind: 'decision',
      text: 'the lock is our own, of an earlier session: wait for it to expire, demote nobody',
    })
    return monitorLock(c)
  }
  becomeStandby(c, result.data)
  monitorLock(c)
}

export function onLockChanged(c: ElectorStep, event: 'nodeDeleted' | 'nodeChanged'): void {
  const { s } = c
  if (s.task !== 'none' || !s.wanted || s.link !== 'connected') {
    s.changed = true
    // Somebody touched the lock while we act on it: nothing more before it is read again.
    if (event === 'nodeDeleted') s.suspect = true
    return
  }
  if (event === 'nodeChanged') return monitorLock(c)
  lostLock(c, 'the lock was deleted')
  if (s.role === 'waiting') s.role = 'neutral'
  createLock(c)
}

function won(c: ElectorStep): void {
  c.s.role = 'neutral'
  c.s.suspect = false
  c.turn.event({ kind: 'lockAcquired' })
  c.turn.emit({ kind: 'storeSession', handle: c.s.handle })
  startActivation(c)
}

function done(c: ElectorStep): void {
  if (c.s.changed) return monitorLock(c)
  rest(c, 'none')
}

function lostLock(c: ElectorStep, cause: string): void {
  if (c.s.role !== 'active') return
  c.s.role = 'neutral'
  c.turn.event({ kind: 'lockLost', cause })
}

function heldByOther(c: ElectorStep): void {
  const { s } = c
  if (s.mayBeActive || s.reported === 'active' || s.reported === 'unknown') {
    return ask(c, 'proveSync', { op: 'sync', path: 'lock' })
  }
  becomeStandby(c, undefined)
  monitorLock(c)
}

function becomeStandby(c: ElectorStep, lockData: Uint8Array | undefined): void {
  if (c.s.role === 'standby') return
  c.s.role = 'standby'
  c.s.mayBeActive = false
  const holder = nameOf(lockData)
  c.turn.event({ kind: 'lockHeldByOther', ...(holder === undefined ? {} : { holder }) })
  c.turn.tell({ to: 'controller', message: { kind: 'becomeStandby' } })
}

function readError(c: ElectorStep, result: ZkResult): string {
  const { lockPath } = c.settings
  return `Received getData error from Zookeeper. code:${codeOf(result)} for path ${lockPath}`
}
