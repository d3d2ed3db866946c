import type { FenceAttempt } from './fencing/fence-method.ts'

/*
 * What a controller tells the outside: one event for every state change, decision, fencing try and
 * failover step. A listener gets each event once, in the order in which things happened, and must
 * return at once: nobody waits for it and what it throws is not the controller's business to mend
 * (`notifyAll` below). Logs, the demo's live view and the shared history are all made from these,
 * so an event holds plain JSON values only: no secrets, no objects of a driver.
 *
 * Adding a kind: one member of `EventDetails`, one row of `DESCRIPTIONS`; the compiler
 * asks for both.
 */

/** Another NameNode as an event names it. `address` is host:port. */
export interface NodeName {
  readonly namenodeId: string
  readonly address: string
}

export type HealthState =
  'initializing' | 'healthy' | 'unhealthy' | 'notResponding' | 'monitorFailed'

/** The kinds, each with the fields it has beyond `EventBase`. */
export interface EventDetails {
  /** `reattached`: the old session was taken up again and the role kept. */
  controllerStarted: { readonly reattached: boolean; readonly rpcAddress: string }
  /** `returnByWallTime`: with `keep`, when the session would expire and another take over. */
  controllerStopping: {
    readonly mode: 'keep' | 'handOver' | 'abort'
    readonly returnByWallTime?: number
  }
  controllerStopped: { readonly exitCode: number }
  healthChanged: { readonly from: HealthState; readonly to: HealthState }
  healthConnectionEnded: { readonly how: 'end' | 'reset' | 'refused' | 'timeout' | 'other' }
  /** What the owner of the NameNode's listening socket was found to be. */
  processEvidence: { readonly verdict: 'gone' | 'alive' | 'unknown'; readonly pid?: number }
  /** The NameNode reports another state than the one it was told to take. */
  stateMismatch: {
    readonly expected: string
    readonly reported: string
    readonly consecutiveCount: number
  }
  sessionChanged: { readonly state: string; readonly sessionId?: string }
  sessionReattach: { readonly ok: boolean; readonly sessionId: string }
  electionJoined: object
  electionLeft: { readonly needFence: boolean }
  lockAcquired: object
  lockLost: object
  lockHeldByOther: { readonly holder?: NodeName }
  breadcrumbRead: { readonly names?: NodeName; readonly own: boolean }
  breadcrumbWritten: object
  /** `proof`: why nobody needs to fence this NameNode. */
  breadcrumbDeleted: { readonly proof: 'standbyConfirmed' | 'processGone' }
  breadcrumbKept: object
  gracefulFenceStarted: { readonly target: NodeName }
  gracefulFenceEnded: { readonly target: NodeName; readonly ok: boolean }
  fencingStarted: { readonly target: NodeName; readonly methodCount: number }
  fencingAttempt: {
    readonly target: NodeName
    readonly attempt: FenceAttempt
    readonly number: number
    readonly methodCount: number
  }
  fencingEnded: { readonly target: NodeName; readonly ok: boolean }
  activationStarted: object
  activationEnded: { readonly outcome: 'active' | 'failed' | 'unknown' }
  standbyStarted: object
  standbyEnded: { readonly ok: boolean }
  /** From the first sign of trouble (or the request) to the end, as this controller saw it. */
  failoverEnded: {
    readonly ok: boolean
    readonly from?: NodeName
    readonly steps: readonly FailoverStep[]
  }
  cedeRequested: { readonly periodMs: number; readonly caller: string }
  cedeEnded: { readonly ok: boolean; readonly needFence: boolean }
  gracefulFailoverRequested: { readonly caller: string }
  gracefulFailoverEnded: { readonly ok: boolean }
  requestRefused: { readonly request: string; readonly caller: string }
  retryScheduled: { readonly what: string; readonly delayMs: number; readonly attempt: number }
  threadDump: { readonly text: string }
  /** A decision that is none of the above, in plain words; the cause says why. */
  decision: { readonly text: string }
  /** The history has a hole: a sink dropped this many events. */
  eventsDropped: { readonly count: number }
}

export interface FailoverStep {
  readonly name:
    'detection' | 'election' | 'gracefulFence' | 'fencing' | 'breadcrumb' | 'activation'
  readonly durationMs: number
}

export type EventKind = keyof EventDetails

export interface EventBase {
  /** Wall time, ms since 1970. For people; durations are measured on the monotonic clock. */
  readonly at: number
  readonly nameserviceId: string
  /** The NameNode whose controller speaks. */
  readonly namenodeId: string
  /** Why, in plain words. */
  readonly cause?: string
  readonly durationMs?: number
}

export type EventOf<K extends EventKind> = EventBase & { readonly kind: K } & EventDetails[K]
export type ControllerEvent = { [K in EventKind]: EventOf<K> }[EventKind]
export type EventListener = (event: ControllerEvent) => void

/** Hands `event` to every listener; `onError` is told of one that threw, the rest still get it. */
export function notifyAll(
  listeners: readonly EventListener[],
  event: ControllerEvent,
  onError: (error: unknown) => void,
): void {
  for (const listener of listeners) {
    try {
      listener(event)
    } catch (error) {
      onError(error)
    }
  }
}

const at = (node: NodeName): string => `${node.namenodeId} (${node.address})`
const okOr = (ok: boolean, good: string, bad: string): string => (ok ? good : bad)

const HEALTH_WORDS: Readonly<Record<HealthState, string>> = {
  initializing: 'not yet known',
  healthy: 'healthy',
  unhealthy: 'unhealthy',
  notResponding: 'not responding',
  monitorFailed: 'unknown: the health monitor failed',
}

const STOP_WORDS: Readonly<Record<'keep' | 'handOver' | 'abort', string>> = {
  keep: 'keeps the role for a restart',
  handOver: 'hands the role over',
  abort: 'ends at once',
}

const CONNECTION_WORDS = {
  end: 'was closed by the NameNode',
  reset: 'was reset',
  refused: 'was refused',
  timeout: 'timed out',
  other: 'failed',
} as const

const ACTIVATION_WORDS = {
  active: 'is active',
  failed: 'could not become active',
  unknown: 'was asked to become active and did not answer: its state is unknown',
} as const

const EVIDENCE_WORDS = {
  gone: 'the process is proven gone',
  alive: 'the process still exists',
  unknown: 'it is not known whether the process still exists',
} as const

const DESCRIPTIONS: { readonly [K in EventKind]: (event: EventOf<K>) => string } = {
  controllerStarted: e =>
    `controller started on ${e.rpcAddress}` +
    (e.reattached ? ' and took its session up again: the role is kept' : ''),
  controllerStopping: e =>
    `controller is stopping and ${STOP_WORDS[e.mode]}` +
    (e.returnByWallTime === undefined
      ? ''
      : `; it must be back by ${timeOfDay(e.returnByWallTime)}, else another controller takes ` +
        'over (the time is ha.zookeeper.session-timeout.ms)'),
  controllerStopped: e => `controller stopped, exit code ${e.exitCode}`,
  healthChanged: e => `health is ${HEALTH_WORDS[e.to]} (was ${HEALTH_WORDS[e.from]})`,
  healthConnectionEnded: e => `the health connection ${CONNECTION_WORDS[e.how]}`,
  processEvidence: e =>
    EVIDENCE_WORDS[e.verdict] + (e.pid === undefined ? '' : ` (process ${e.pid})`),
  stateMismatch: e =>
    `the NameNode reports ${e.reported}, expected ${e.expected} (${e.consecutiveCount} in a row)`,
  sessionChanged: e =>
    `ZooKeeper session ${e.state}` + (e.sessionId === undefined ? '' : ` (${e.sessionId})`),
  sessionReattach: e =>
    `ZooKeeper session ${e.sessionId} ` +
    okOr(e.ok, 'was taken up again', 'could not be taken up again'),
  electionJoined: () => 'joined the election',
  electionLeft: e =>
    'left the election' +
    okOr(e.needFence, '; the next active must fence this NameNode', ' cleanly'),
  lockAcquired: () => 'holds the lock',
  lockLost: () => 'lost the lock',
  lockHeldByOther: e =>
    `the lock is held by ${e.holder === undefined ? 'another controller' : at(e.holder)}`,
  breadcrumbRead: e => describeBreadcrumb(e.names, e.own),
  breadcrumbWritten: () => 'wrote its breadcrumb',
  breadcrumbDeleted: e =>
    'deleted its breadcrumb: ' +
    (e.proof === 'processGone' ? 'the process is proven gone' : 'standby is confirmed'),
  breadcrumbKept: () => 'left its breadcrumb in place: the next active will fence this NameNode',
  gracefulFenceStarted: e => `asks ${at(e.target)} to become standby`,
  gracefulFenceEnded: e =>
    `${at(e.target)} ` + okOr(e.ok, 'is standby', 'did not confirm that it is standby'),
  fencingStarted: e => `begins to fence ${at(e.target)}: ${e.methodCount} method(s)`,
  fencingAttempt: e =>
    `fencing ${at(e.target)}, method ${e.number}/${e.methodCount} ${e.attempt.method}: ` +
    `${okOr(e.attempt.ok, 'fenced', 'failed')}, ${e.attempt.cause}`,
  fencingEnded: e => `${at(e.target)} ` + okOr(e.ok, 'is fenced', 'could not be fenced'),
  activationStarted: () => 'asks its NameNode to become active',
  activationEnded: e => `its NameNode ${ACTIVATION_WORDS[e.outcome]}`,
  standbyStarted: () => 'asks its NameNode to become standby',
  standbyEnded: e => `its NameNode ` + okOr(e.ok, 'is standby', 'did not confirm standby'),
  failoverEnded: e => describeFailover(e.ok, e.from, e.steps),
  cedeRequested: e =>
    e.periodMs > 0
      ? `${e.caller} asks to cede the active role for ${e.periodMs} ms`
      : `${e.caller} ends the cede period`,
  cedeEnded: e =>
    okOr(e.ok, 'ceded the active role', 'could not cede the active role') +
    (e.needFence ? '; the next active must fence this NameNode' : ''),
  gracefulFailoverRequested: e => `${e.caller} asks for a failover to this NameNode`,
  gracefulFailoverEnded: e => `the failover to this NameNode ${okOr(e.ok, 'is done', 'failed')}`,
  requestRefused: e => `refused ${e.request} of ${e.caller}`,
  retryScheduled: e => `tries ${e.what} again in ${Math.round(e.delayMs)} ms (try ${e.attempt})`,
  threadDump: () => 'got a thread dump of the NameNode',
  decision: e => e.text,
  eventsDropped: e => `${e.count} events are missing here: they could not be kept`,
}

/** `12:34:56 UTC` of a wall time in ms since 1970. */
function timeOfDay(wallTime: number): string {
  const seconds = Math.floor(wallTime / 1000) % 86_400
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  return `${parts.map(part => String(part).padStart(2, '0')).join(':')} UTC`
}

function describeBreadcrumb(names: NodeName | undefined, own: boolean): string {
  if (own) return 'the breadcrumb is its own: nobody to fence'
  if (names === undefined) return 'there is no breadcrumb: nobody to fence'
  return `the breadcrumb names ${at(names)} as the last active`
}

function describeFailover(
  ok: boolean,
  from: NodeName | undefined,
  steps: readonly FailoverStep[],
): string {
  const source = from === undefined ? '' : ` from ${at(from)}`
  const times = steps.map(step => `${step.name} ${Math.round(step.durationMs)} ms`).join(', ')
  return `failover${source} ${ok ? 'is done' : 'failed'}` + (times === '' ? '' : ` (${times})`)
}

/** One line in plain words: who, what, how long it took, why. */
export function describeEvent(event: ControllerEvent): string {
  const describe = DESCRIPTIONS[event.kind] as (event: ControllerEvent) => string
  // The time of a retry is that of the try before it: "again in 600 ms in 24 ms" would confuse.
  const timed = event.durationMs !== undefined && event.kind !== 'retryScheduled'
  const took = timed ? ` in ${Math.round(event.durationMs)} ms` : ''
  const why = event.cause === undefined ? '' : `: ${event.cause}`
  return `${event.namenodeId}: ${describe(event)}${took}${why}`
}

export const EVENT_KINDS = Object.keys(DESCRIPTIONS) as readonly EventKind[]
