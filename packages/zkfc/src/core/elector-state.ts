import type { ServiceState } from '@baton/hadoop'
import type { ToElector } from './messages.ts'
import type { FailoverSettings } from './settings.ts'

/*
 * Everything the elector knows, as one plain value, and the small questions asked of it.
 *
 * `task` is the one thing under way. Tasks with a ZooKeeper request outstanding have `waiting` set
 * to its id; when the connection is lost in such a task, `waiting` is 0 and the task stays: the
 * reconnect looks up in `elector-recovery.ts` how to read back what became of it.
 */
export type ElectorTask =
  | 'none'
  | 'checkParent'
  | 'resumeSync'
  | 'resumeLock'
  | 'resumeCrumb'
  | 'resumeHold'
  | 'createLock'
  | 'readLock'
  | 'monitor'
  | 'proveSync'
  | 'proveLock'
  | 'parked'
  | 'verifySync'
  | 'verifyLock'
  | 'readCrumb'
  | 'fence'
  | 'writeCrumb'
  | 'readBackCrumb'
  | 'open'
  | 'transition'
  | 'confirm'
  | 'surrender'
  | 'settle'
  | 'quitRead'
  | 'quitDelete'
  | 'closing'
  | 'backoff'

export type ElectorRole = 'init' | 'neutral' | 'waiting' | 'standby' | 'active'

/** The steps of becoming active that wait for a go-ahead. */
export type ActivationStep =
  'readCrumb' | 'fence' | 'writeCrumb' | 'readBackCrumb' | 'open' | 'transition' | 'confirm'

export interface ElectorState {
  wanted: boolean
  /** The start checks are done: the election may be joined. */
  begun: boolean
  appData: Uint8Array
  handle: number
  link: 'none' | 'connecting' | 'connected' | 'disconnected' | 'closing'
  sessionId: bigint
  timeoutMs: number
  heardMs: number
  /** The session was taken over from before a restart and is not yet proven to hold the role. */
  resumed: boolean
  resumeUntilMs: number
  role: ElectorRole
  task: ElectorTask
  waiting: number
  /** Id of the side request for the graceful failover: who is active. */
  activeRead: number
  /** State that our NameNode last reported. */
  reported: ServiceState | 'unknown'
  /** It was confirmed active and not told standby since, whatever an old report says. */
  mayBeActive: boolean
  /** Whose lock is waited out in role `waiting`: an earlier session of our own. */
  waitedOwner: bigint
  /** The watch on the lock fired while something else was under way. */
  changed: boolean

  /** After a reconnect or a change of the lock nothing is believed until it was read again. */
  suspect: boolean
  /** When this process was last stepped in time, and when it last noticed that it was not. */
  beatMs: number
  lagMs: number
  /** Wall clock less monotonic clock at the last step; null before the first. */
  wallAheadMs: number | null

  /** What goes on once the lock is verified. */
  next: ActivationStep
  activationStartedMs: number
  crumbVersion: number
  crumbData: Uint8Array | null
  confirmText: string
  failures: number
  failedAtMs: number
  /** Text of the last refusal, so that the same one is not reported at every try. */
  refusal: string

  quit: Extract<ToElector, { kind: 'quit' }> | null
  quitTokens: number[]
  dueMs: number
  jitter: number
}

export function initialElector(): ElectorState {
  return {
    wanted: false,
    begun: false,
    appData: new Uint8Array(0),
    handle: 0,
    link: 'none',
    sessionId: 0n,
    timeoutMs: 0,
    heardMs: -Infinity,
    resumed: false,
    resumeUntilMs: Infinity,
    role: 'init',
    task: 'none',
    waiting: 0,
    activeRead: 0,
    reported: 'unknown',
    mayBeActive: false,
    waitedOwner: 0n,
    changed: false,
    suspect: false,
    beatMs: 0,
    lagMs: -Infinity,
    wallAheadMs: null,
    next: 'readCrumb',
    activationStartedMs: 0,
    crumbVersion: NO_CRUMB,
    crumbData: null,
    confirmText: '',
    failures: 0,
    failedAtMs: -Infinity,
    refusal: '',
    quit: null,
    quitTokens: [],
    dueMs: Infinity,
    jitter: 1,
  }
}

/** There was no breadcrumb when it was read. */
export const NO_CRUMB = -1

const ACTIVATION: ReadonlySet<ElectorTask> = new Set<ElectorTask>([
  'parked',
  'verifySync',
  'verifyLock',
  'readCrumb',
  'fence',
  'writeCrumb',
  'readBackCrumb',
  'open',
  'transition',
  'confirm',
])

/** Between winning the lock and the confirmed end of the activation. */
export function isActivating(s: ElectorState): boolean {
  return ACTIVATION.has(s.task)
}

const BEAT_LAG_MAX_MS = 200
/** Less is a correction of the clock; somebody who sets it costs us a read of the lock. */
const WALL_JUMP_MAX_MS = 1000

/** How often the core wants to be stepped while a session stands, to notice that time was lost. */
function beatIntervalMs(s: ElectorState): number {
  return Math.min(500, Math.max(50, s.timeoutMs / 20))
}

export function nextBeat(s: ElectorState): number {
  return s.wanted && s.link !== 'none' && s.timeoutMs > 0 ? s.beatMs + beatIntervalMs(s) : Infinity
}

/**
 * Called first in every step. A step that comes much later than asked for means that this process
 * stood still (or was stopped): bytes that lie in its buffers may be as old as that gap. The
 * monotonic clock stands still with a suspended host; then only the wall clock shows the gap.
 */
export function beat(s: ElectorState, now: number, wallMs: number | undefined): void {
  if (now > nextBeat(s) + BEAT_LAG_MAX_MS) s.lagMs = now
  if (wallMs !== undefined) {
    const aheadMs = wallMs - now
    if (s.wallAheadMs !== null && aheadMs > s.wallAheadMs + WALL_JUMP_MAX_MS) s.lagMs = now
    s.wallAheadMs = aheadMs
  }
  if (now >= nextBeat(s) || s.timeoutMs === 0 || !s.wanted) s.beatMs = now
}

/** Nothing happened since the server last answered that could have cost us the lock unseen. */
export function isSure(s: ElectorState): boolean {
  return s.link === 'connected' && !s.suspect && s.heardMs > s.lagMs
}

/** And that answer is young: it was asked for within a third of the session time-out. */
export function isFresh(s: ElectorState, now: number): boolean {
  return isSure(s) && now - s.heardMs <= s.timeoutMs / 3
}

/** Our breadcrumb is in ZooKeeper, or is about to be: whoever comes next will fence us. */
export function ownsCrumb(s: ElectorState): boolean {
  if (s.role === 'active' || s.task === 'settle' || s.task === 'surrender') return true
  return isActivating(s) && CRUMB_WRITTEN.has(s.next)
}

const CRUMB_WRITTEN: ReadonlySet<ActivationStep> = new Set<ActivationStep>([
  'readBackCrumb',
  'open',
  'transition',
  'confirm',
])

/** When the server may have given the session up, counted from the last sign of life. */
export function sessionEnds(s: ElectorState): number {
  return s.heardMs + s.timeoutMs
}

/** Why there is no session just now, where a failed attempt is the reason; undefined: it is not. */
export function inBackoff(s: ElectorState, now: number): string | undefined {
  const waits = s.task === 'backoff' || s.task === 'closing'
  if (!waits || s.dueMs === Infinity || s.refusal === '') return undefined
  const seconds = Math.max(1, Math.ceil((s.dueMs - now) / 1000))
  return `The last attempt failed: ${s.refusal}. The next try is in ${seconds} s.`
}

/**
 * A failure counts on from the last one, unless that lies so far back that this one is not its
 * repetition: the other controller was active since, or its own try took long.
 */
export function countFailure(s: ElectorState, now: number, settings: FailoverSettings): void {
  if (s.activationStartedMs - s.failedAtMs > FORGOTTEN_AFTER * settings.backoffMaxMs) {
    s.failures = 0
    s.refusal = ''
  }
  s.failures += 1
  s.failedAtMs = now
}

const FORGOTTEN_AFTER = 2

/** Doubles with every failure up to the limit, and lies in the upper half of it at random. */
export function backoffDelay(s: ElectorState, settings: FailoverSettings): number {
  const doublings = Math.min(s.failures - 1, 16)
  const ceiling = Math.min(settings.backoffMaxMs, settings.backoffBaseMs * 2 ** doublings)
  // A linear congruential step (Numerical Recipes): enough to keep two controllers apart.
  s.jitter = (Math.imul(s.jitter, 1_664_525) + 1_013_904_223) >>> 0
  return Math.round(ceiling / 2 + (ceiling / 2) * (s.jitter / 2 ** 32))
}
