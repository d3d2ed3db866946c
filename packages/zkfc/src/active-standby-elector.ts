import { unreachable } from '@baton/runtime'
import type { ServiceState } from '@baton/hadoop'
import * as activation from './core/elector-activation.ts'
import * as contend from './core/elector-contend.ts'
import { ask, fatal, openSession, rest } from './core/elector-io.ts'
import type { ElectorStep } from './core/elector-io.ts'
import * as leave from './core/elector-leave.ts'
import * as resume from './core/elector-resume.ts'
import { beat, inBackoff, isActivating, nextBeat, sessionEnds } from './core/elector-state.ts'
import type { ElectorState, ElectorTask } from './core/elector-state.ts'
import type { Input, InputBody, ToElector, Turn, ZkResult } from './core/messages.ts'
import type { FailoverSettings } from './core/settings.ts'

/*
 * Who is active, agreed through ZooKeeper (Java: ActiveStandbyElector).
 *
 * Two znodes under /hadoop-ha/<nameservice>, byte for byte as Java's: the ephemeral
 * ActiveStandbyElectorLock (who may be active) and the persistent ActiveBreadCrumb (who must be
 * fenced before another may). One request is under way at a time: `task` names it, `REPLIES` says
 * what its answer leads to, `RECOVERIES` what its loss leads to.
 *
 * | role    | means                                                                            |
 * | init    | not in the election                                                              |
 * | neutral | in it, and the next answer decides                                               |
 * | waiting | our own lock of an earlier session is waited out; nobody is demoted              |
 * | standby | another holds the lock, our NameNode was told standby                            |
 * | active  | we hold the lock, our NameNode confirmed active (activation: elector-activation) |
 *
 * | session event | Java                                  | here                                  |
 * | disconnected  | neutral; the NameNode keeps its role  | the role stays, nothing is believed   |
 * | connected     | exists; an owner activates once more  | what was lost is read back; exists    |
 * | expired       | new session at once, rejoin           | the same; an activation is settled    |
 * | auth failed   | fatal                                 | fatal                                 |
 *
 * Java gives up (and the process ends) after three lost connections; here the client goes on
 * connecting, for ever, and every loss is read back.
 */
type ElectorInput = Extract<
  InputBody,
  { kind: 'start' | 'begin' | 'session' | 'zkReplied' | 'watchFired' }
>

export class ActiveStandbyElector {
  readonly state: ElectorState
  readonly #settings: FailoverSettings

  constructor(settings: FailoverSettings, state: ElectorState) {
    this.#settings = settings
    this.state = state
  }

  deadline(): number {
    const s = this.state
    const lost = s.link === 'disconnected' && isActivating(s) ? sessionEnds(s) : Infinity
    // While the session closes, `dueMs` keeps the end of the back-off for later.
    return Math.min(nextBeat(s), s.task === 'closing' ? Infinity : s.dueMs, lost)
  }

  beat(now: number, { heardMs, wallMs }: Pick<Input, 'heardMs' | 'wallMs'>): void {
    beat(this.state, now, wallMs)
    if (heardMs !== undefined) this.state.heardMs = heardMs
  }

  step(input: ElectorInput, turn: Turn): void {
    const c = this.#step(turn)
    const { s } = c
    switch (input.kind) {
      case 'start':
        s.jitter = input.jitterSeed >>> 0
        s.sessionId = input.sessionId ?? 0n
        s.resumeUntilMs = turn.now + this.#settings.sessionTimeoutMs
        return openSession(c, input.resume)
      case 'begin':
        return onBegin(c, input.appData)
      case 'session':
        if (input.handle === s.handle && s.link !== 'none') onSession(c, input)
        return
      case 'zkReplied':
        if (input.handle !== s.handle) return
        if (input.id === s.activeRead && input.id !== 0) return onActiveRead(c, input.result)
        if (input.id === s.waiting && input.id !== 0) onReply(c, input.result)
        return
      case 'watchFired':
        if (input.handle === s.handle) contend.onLockChanged(c, input.event)
        return
      default:
        return unreachable(input)
    }
  }

  onTold(message: ToElector, turn: Turn): void {
    const c = this.#step(turn)
    switch (message.kind) {
      case 'join':
        return onJoin(c)
      case 'quit':
        return leave.onQuit(c, message)
      case 'reported':
        return onReported(c, message.state)
      case 'readActive':
        return readActive(c)
      case 'fenced':
      case 'opened':
      case 'activated':
      case 'settled':
        return activation.onControllerAnswer(c, message)
      default:
        return unreachable(message)
    }
  }

  onTick(turn: Turn): void {
    const c = this.#step(turn)
    const { s } = c
    if (s.link === 'disconnected' && isActivating(s) && turn.now >= sessionEnds(s)) {
      turn.emit({ kind: 'closeSession', handle: s.handle })
      return onSessionGone(c, 'ZooKeeper was silent for longer than the session time-out')
    }
    if (turn.now < s.dueMs) return
    if (s.task === 'backoff') return openSession(c)
    if (s.task === 'quitRead' || s.task === 'quitDelete') return leave.release(c, true)
    if (s.task === 'resumeHold') {
      return resume.giveUpResume(c, 'the NameNode was not healthy within the session time-out')
    }
    if (s.task === 'closing') return
    s.dueMs = Infinity
    if (s.link === 'connected' && s.waiting === 0) RECOVERIES[s.task](c)
  }

  #step(turn: Turn): ElectorStep {
    return { s: this.state, settings: this.#settings, turn }
  }
}

function onBegin(c: ElectorStep, appData: Uint8Array): void {
  const { s } = c
  s.begun = true
  s.appData = appData
  if (s.resumed && s.link === 'connected' && s.task === 'none') resume.startResume(c)
}

function onJoin(c: ElectorStep): void {
  const { s, turn } = c
  if (s.wanted) return
  s.wanted = true
  s.beatMs = turn.now
  turn.event({ kind: 'electionJoined' })
  if (s.link === 'none' && s.task === 'none') return openSession(c)
  if (s.link === 'connected') resume.enterElection(c)
}

function onReported(c: ElectorStep, state: ServiceState | undefined): void {
  c.s.reported = state ?? 'unknown'
}

function onSession(c: ElectorStep, input: Extract<ElectorInput, { kind: 'session' }>): void {
  const { s, turn } = c
  const sessionId = input.sessionId ?? s.sessionId
  s.sessionId = sessionId
  const name = `0x${BigInt.asUintN(64, sessionId).toString(16)}`
  turn.event({ kind: 'sessionChanged', state: input.state, sessionId: name })
  switch (input.state) {
    case 'connected':
      return onConnected(c, input.timeoutMs ?? s.timeoutMs)
    case 'disconnected':
      if (s.link === 'connected') s.link = 'disconnected'
      s.suspect = true
      return
    case 'expired':
      return onSessionGone(c, 'the session expired')
    case 'authFailed':
      return fatal(c, 'Unexpected Zookeeper watch event state: AuthFailed')
    case 'closed':
      return onSessionGone(c, 'the session was closed')
    default:
      return unreachable(input.state)
  }
}

function onConnected(c: ElectorStep, timeoutMs: number): void {
  const { s, turn } = c
  if (s.link === 'closing' || s.link === 'connected') return
  const first = s.link === 'connecting'
  s.link = 'connected'
  s.timeoutMs = timeoutMs
  s.heardMs = Math.max(s.heardMs, turn.now)
  s.beatMs = turn.now
  if (!first) {
    if (s.waiting === 0) RECOVERIES[s.task](c)
    return
  }
  s.suspect = false
  if (!s.begun) return checkParent(c)
  if (s.resumed) return resume.startResume(c)
  if (s.wanted) contend.createLock(c)
}

function checkParent(c: ElectorStep): void {
  ask(c, 'checkParent', { op: 'exists', path: 'parent', watch: false })
}

/** The session is gone and all that hung on it; the role of the NameNode is not touched by that. */
function onSessionGone(c: ElectorStep, cause: string): void {
  const { s, turn } = c
  if (s.activeRead !== 0) onActiveRead(c, { ok: false, error: 'sessionExpired' })
  if (s.link === 'closing') return leave.onClosed(c)
  if (s.resumed) return resume.onResumeExpired(c)
  s.link = 'none'
  turn.emit({ kind: 'clearSession' })
  if (s.task === 'quitRead' || s.task === 'quitDelete') {
    turn.event({ kind: 'breadcrumbKept', cause })
    return leave.onClosed(c)
  }
  if (s.role === 'active') turn.event({ kind: 'lockLost', cause })
  s.role = s.role === 'init' ? 'init' : 'neutral'
  if (isActivating(s)) return abortActivation(c, cause)
  if (s.task === 'settle' || s.task === 'surrender') {
    s.confirmText = cause
    return rest(c, 'settle')
  }
  if (s.task === 'backoff') return
  rest(c, 'none')
  if (s.wanted || !s.begun) openSession(c)
}

function abortActivation(c: ElectorStep, cause: string): void {
  const { s, turn } = c
  s.confirmText = cause
  rest(c, 'settle')
  turn.tell({ to: 'controller', message: { kind: 'activationAborted', cause } })
}

function readActive(c: ElectorStep): void {
  const { s, turn } = c
  if (s.link !== 'connected' || s.activeRead !== 0) {
    const refused = inBackoff(s, turn.now)
    const error = refused ?? 'there is no connection to ZooKeeper'
    const message = { kind: 'activeRead', error, refused: refused !== undefined } as const
    return turn.tell({ to: 'graceful', message })
  }
  s.activeRead = turn.nextId()
  const operation = { op: 'getData', path: 'lock' } as const
  turn.emit({ kind: 'zk', handle: s.handle, id: s.activeRead, operation })
}

function onActiveRead(c: ElectorStep, result: ZkResult): void {
  c.s.activeRead = 0
  const message = result.ok
    ? ({ kind: 'activeRead', data: result.data ?? new Uint8Array(0) } as const)
    : result.error === 'noNode'
      ? ({ kind: 'activeRead' } as const)
      : ({ kind: 'activeRead', error: result.error } as const)
  c.turn.tell({ to: 'graceful', message })
}

/** What became of the request is unknown, or it was not taken: it is read back and asked again. */
const LOST: ReadonlySet<string> = new Set([
  ...['connectionLoss', 'operationTimeout', 'sessionMoved'],
  // An Apache ZooKeeper under load; no reason to end, which is what Java's controller does.
  ...['requestTimeout', 'throttledOp'],
])
const RETRY_MS = 1000

function onReply(c: ElectorStep, result: ZkResult): void {
  const { s, turn } = c
  if (!result.ok && result.error === 'sessionExpired') {
    // The session event that goes with it decides.
    s.waiting = 0
    return
  }
  if (!result.ok && LOST.has(result.error)) {
    s.waiting = 0
    // A lost connection shows as a session event; what may be sent again on a live one waits here.
    if (result.error !== 'connectionLoss') s.dueMs = Math.min(s.dueMs, turn.now + RETRY_MS)
    s.suspect = true
    return
  }
  s.waiting = 0
  const handle = REPLIES[s.task]
  if (handle !== undefined) handle(c, result)
}

function onParentChecked(c: ElectorStep, result: ZkResult): void {
  if (!result.ok && result.error !== 'noNode') {
    return fatal(c, `Couldn't determine existence of znode '${c.settings.parentPath}'`)
  }
  rest(c, 'none')
  c.turn.emit({ kind: 'parentChecked', exists: result.ok })
}

const REPLIES: Readonly<Partial<Record<ElectorTask, (c: ElectorStep, result: ZkResult) => void>>> =
  {
    checkParent: onParentChecked,
    resumeSync: resume.onResumeSync,
    resumeLock: resume.onResumeLock,
    resumeCrumb: resume.onResumeCrumb,
    createLock: contend.onCreateLock,
    readLock: contend.onReadLock,
    monitor: contend.onMonitor,
    proveSync: contend.onProveSync,
    proveLock: contend.onProveLock,
    verifySync: activation.onVerifySync,
    verifyLock: activation.onVerifyLock,
    readCrumb: activation.onReadCrumb,
    writeCrumb: activation.onWriteCrumb,
    readBackCrumb: activation.onReadBackCrumb,
    confirm: activation.onConfirm,
    quitRead: leave.onQuitRead,
    quitDelete: leave.onQuitDelete,
  }

const nothing = (): void => {}
const again = (c: ElectorStep): void => activation.proceed(c, c.s.next)

/** What a task does once the connection is back (or a pause is over) after its answer was lost. */
const RECOVERIES: Readonly<Record<ElectorTask, (c: ElectorStep) => void>> = {
  none: c => {
    if (c.s.resumed && c.s.begun) return resume.startResume(c)
    if (c.s.wanted) contend.monitorLock(c)
  },
  checkParent,
  resumeSync: resume.startResume,
  resumeLock: resume.startResume,
  resumeCrumb: resume.startResume,
  resumeHold: resume.startResume,
  createLock: c => ask(c, 'readLock', { op: 'getData', path: 'lock' }),
  readLock: c => ask(c, 'readLock', { op: 'getData', path: 'lock' }),
  monitor: contend.monitorLock,
  proveSync: c => ask(c, 'proveSync', { op: 'sync', path: 'lock' }),
  proveLock: c => ask(c, 'proveSync', { op: 'sync', path: 'lock' }),
  parked: again,
  verifySync: again,
  verifyLock: again,
  readCrumb: again,
  writeCrumb: c => activation.proceed(c, 'readBackCrumb'),
  readBackCrumb: again,
  confirm: again,
  fence: nothing,
  open: nothing,
  transition: nothing,
  surrender: nothing,
  settle: nothing,
  quitRead: leave.readOwnCrumb,
  quitDelete: leave.readOwnCrumb,
  closing: nothing,
  backoff: nothing,
}
