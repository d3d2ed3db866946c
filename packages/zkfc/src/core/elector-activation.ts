import { judgeBreadcrumb, sameBytes } from '../active-breadcrumb.ts'
import { monitorLock } from './elector-contend.ts'
import { ask, closeSession, codeOf, isAbsent, isOurs, rest } from './elector-io.ts'
import type { ElectorStep } from './elector-io.ts'
import { backoffDelay, countFailure, isFresh, isSure, NO_CRUMB } from './elector-state.ts'
import type { ActivationStep, ElectorTask } from './elector-state.ts'
import type { ToElector, ZkResult } from './messages.ts'

/*
 * From the lock to an active NameNode.
 *
 *   readCrumb -> fence -> writeCrumb -> open -> transition -> confirm -> (role active)
 *
 * | before         | must hold                                                                  |
 * | every step     | this session lives and is connected; after a reconnect, a lag of this      |
 * |                | process or a change of the lock, `sync` and a read show the lock as ours   |
 * | fence          | the breadcrumb names another; and the lock was heard of in good time       |
 * | writeCrumb     | the one it names is fenced, or there is nobody to fence                    |
 * | open           | the breadcrumb is ours, written at the version that was read               |
 * | transition     | as fence, judged after the connection stands: nothing slow lies between    |
 * |                | the go-ahead and the bytes                                                 |
 * | role active    | the NameNode confirmed, and a later read shows the lock as ours            |
 *
 * "In good time": bytes came within a third of the negotiated time-out and this process did not
 * stand still since. The server counts from what *we* sent, so two thirds are left for the step.
 *
 * A step whose ZooKeeper write ended in connection loss is read back before the next. Whatever
 * fails, the lock is released, so that another may try, and the next try waits: longer each time,
 * at random. A `transitionToActive` that was sent and not answered is neither success nor failure:
 * the controller settles it (read the state, send standby) before the lock goes.
 */
export function startActivation(c: ElectorStep): void {
  c.s.activationStartedMs = c.turn.now
  c.s.crumbVersion = NO_CRUMB
  c.s.crumbData = null
  proceed(c, 'readCrumb')
}

const NEEDS_GOOD_TIME: ReadonlySet<ActivationStep> = new Set<ActivationStep>([
  'fence',
  'transition',
])

/** Goes on with `step`, as soon as it may. */
export function proceed(c: ElectorStep, step: ActivationStep): void {
  const { s, turn } = c
  s.next = step
  if (s.link !== 'connected') return rest(c, 'parked')
  const sure = NEEDS_GOOD_TIME.has(step) ? isFresh(s, turn.now) : isSure(s)
  if (!sure) return verify(c)
  STEPS[step](c)
}

const STEPS: Readonly<Record<ActivationStep, (c: ElectorStep) => void>> = {
  readCrumb: c => ask(c, 'readCrumb', { op: 'getData', path: 'crumb' }),
  fence: fenceOldActive,
  writeCrumb: writeCrumb,
  readBackCrumb: c => ask(c, 'readBackCrumb', { op: 'getData', path: 'crumb' }),
  open: c => {
    rest(c, 'open')
    c.turn.tell({ to: 'controller', message: { kind: 'openForActive' } })
  },
  transition: c => {
    rest(c, 'transition')
    c.turn.tell({ to: 'controller', message: { kind: 'sendActive' } })
  },
  confirm: c => {
    c.s.changed = false
    ask(c, 'confirm', { op: 'exists', path: 'lock', watch: true })
  },
}

export function verify(c: ElectorStep): void {
  ask(c, 'verifySync', { op: 'sync', path: 'lock' })
}

export function onVerifySync(c: ElectorStep, result: ZkResult): void {
  if (!result.ok) return failActivation(c, `could not verify the lock: ${codeOf(result)}`)
  ask(c, 'verifyLock', { op: 'getData', path: 'lock' })
}

export function onVerifyLock(c: ElectorStep, result: ZkResult): void {
  const { s } = c
  if (!isOurs(c, result)) return lockGone(c, whose(result))
  s.suspect = false
  // If time was lost while we asked, the answer may have lain in a buffer: `proceed` asks again.
  proceed(c, s.next)
}

export function onReadCrumb(c: ElectorStep, result: ZkResult): void {
  const { s } = c
  if (isAbsent(result)) {
    c.turn.event({ kind: 'breadcrumbRead', own: false })
    return proceed(c, 'writeCrumb')
  }
  if (!result.ok) return failActivation(c, `could not read the breadcrumb: ${codeOf(result)}`)
  s.crumbData = result.data ?? new Uint8Array(0)
  s.crumbVersion = result.version ?? NO_CRUMB
  const { local, others } = c.settings
  const verdict = judgeBreadcrumb(s.crumbData, s.appData, local, others)
  switch (verdict.kind) {
    case 'own':
      c.turn.event({ kind: 'breadcrumbRead', own: true })
      return proceed(c, 'writeCrumb')
    case 'fence':
      c.turn.event({ kind: 'breadcrumbRead', own: false, names: verdict.names })
      return proceed(c, 'fence')
    case 'refuse':
      return refuse(c, verdict.reason)
  }
}

function fenceOldActive(c: ElectorStep): void {
  const { local, others } = c.settings
  const data = c.s.crumbData ?? new Uint8Array(0)
  const verdict = judgeBreadcrumb(data, c.s.appData, local, others)
  if (verdict.kind !== 'fence') return refuse(c, 'the breadcrumb changed its meaning')
  rest(c, 'fence')
  c.turn.tell({ to: 'controller', message: { kind: 'fence', nodes: verdict.nodes } })
}

function refuse(c: ElectorStep, reason: string): void {
  const path = `${c.settings.parentPath}/ActiveBreadCrumb`
  failActivation(
    c,
    `refusing to become active, and fencing nobody: ${path} cannot be acted on: ${reason}. If ` +
      'the NameNode it stands for is certainly stopped, delete that znode or run zkfc -formatZK',
  )
}

function writeCrumb(c: ElectorStep): void {
  const { crumbVersion: version, appData: data } = c.s
  if (version === NO_CRUMB) return ask(c, 'writeCrumb', { op: 'create', path: 'crumb', data })
  ask(c, 'writeCrumb', { op: 'setData', path: 'crumb', data, version })
}

export function onWriteCrumb(c: ElectorStep, result: ZkResult): void {
  if (!result.ok) return failActivation(c, `could not write the breadcrumb: ${codeOf(result)}`)
  crumbIsOurs(c)
}

/** The write ended in connection loss: was it done? */
export function onReadBackCrumb(c: ElectorStep, result: ZkResult): void {
  const { s } = c
  if (isAbsent(result)) {
    if (s.crumbVersion === NO_CRUMB) return proceed(c, 'writeCrumb')
    return failActivation(c, 'the breadcrumb was deleted by somebody while it was written')
  }
  if (!result.ok) return failActivation(c, `could not read back the breadcrumb: ${codeOf(result)}`)
  const data = result.data ?? new Uint8Array(0)
  if (sameBytes(data, s.appData)) return crumbIsOurs(c)
  if (result.version === s.crumbVersion) return proceed(c, 'writeCrumb')
  failActivation(c, 'the breadcrumb was changed by somebody while it was written')
}

function crumbIsOurs(c: ElectorStep): void {
  c.turn.event({ kind: 'breadcrumbWritten' })
  proceed(c, 'open')
}

export function onConfirm(c: ElectorStep, result: ZkResult): void {
  const { s } = c
  if (!isOurs(c, result)) return lockGone(c, whose(result))
  s.role = 'active'
  s.mayBeActive = true
  s.failures = 0
  s.refusal = ''
  c.turn.tell({
    to: 'controller',
    message: { kind: 'attemptEnded', ok: true, text: s.confirmText },
  })
  if (s.changed) return monitorLock(c)
  rest(c, 'none')
}

type FromController = Extract<ToElector, { kind: 'fenced' | 'opened' | 'activated' | 'settled' }>

/** The controller's answers; one to a step given up finds another task and is dropped. */
export function onControllerAnswer(c: ElectorStep, message: FromController): void {
  const { s } = c
  const expected: Readonly<Record<FromController['kind'], readonly ElectorTask[]>> = {
    fenced: ['fence'],
    opened: ['open'],
    activated: ['transition'],
    settled: ['settle', 'surrender'],
  }
  if (!expected[message.kind].includes(s.task)) return
  switch (message.kind) {
    case 'fenced':
      if (message.more) return proceed(c, 'fence')
      return message.ok ? proceed(c, 'writeCrumb') : failActivation(c, message.text)
    case 'opened':
      return message.ok ? proceed(c, 'transition') : failActivation(c, message.text)
    case 'activated':
      s.confirmText = message.text
      if (message.outcome === 'active') return proceed(c, 'confirm')
      if (message.outcome === 'notSent') return proceed(c, 'open')
      if (message.outcome === 'failed') return failActivation(c, message.text)
      return rest(c, 'settle')
    case 'settled':
      if (s.task === 'surrender') return monitorLock(c)
      return failActivation(c, s.confirmText)
  }
}

/** A transitionToActive was sent: whatever became of the lock, it must be settled. */
export function wasSent(c: ElectorStep): boolean {
  const { s } = c
  return s.task === 'transition' || s.next === 'confirm'
}

function whose(result: ZkResult): string {
  if (result.ok) return 'another session holds the lock'
  return isAbsent(result) ? 'the lock is gone' : `the lock cannot be read: ${codeOf(result)}`
}

/** Read and certain: another has the lock, or nobody. */
function lockGone(c: ElectorStep, cause: string): void {
  const { s } = c
  c.turn.event({ kind: 'lockLost', cause })
  s.role = 'neutral'
  s.suspect = false
  const sent = wasSent(c)
  c.turn.tell({ to: 'controller', message: { kind: 'attemptEnded', ok: false, text: cause } })
  if (sent) {
    rest(c, 'surrender')
    return c.turn.tell({ to: 'controller', message: { kind: 'surrender' } })
  }
  c.turn.tell({ to: 'controller', message: { kind: 'activationAborted', cause } })
  monitorLock(c)
}

/** Releases the lock and tries again later. */
export function failActivation(c: ElectorStep, text: string): void {
  const { s, turn } = c
  countFailure(s, turn.now, c.settings)
  s.role = 'init'
  // The same failure again is told once: what repeats is the retry.
  if (s.refusal !== text) turn.event({ kind: 'decision', text })
  s.refusal = text
  turn.tell({ to: 'controller', message: { kind: 'attemptEnded', ok: false, text } })
  const delayMs = backoffDelay(s, c.settings)
  const durationMs = turn.now - s.activationStartedMs
  turn.event({
    kind: 'retryScheduled',
    what: 'becoming active',
    delayMs,
    attempt: s.failures + 1,
    durationMs,
  })
  if (s.link === 'none') return rest(c, 'backoff', turn.now + delayMs)
  closeSession(c)
  s.dueMs = turn.now + delayMs
}
