import type { ServiceState } from '@baton/hadoop'
import type { FailoverStep, NodeName } from '../events.ts'
import type { ProcessIdentity } from '../process-evidence.ts'
import type { ElectorState } from './elector-state.ts'
import type { Health, NodeRef, Turn } from './messages.ts'
import type { FailoverSettings } from './settings.ts'

/** One call to the local NameNode. They are made one at a time, in the order asked for. */
export interface LocalCall {
  readonly call: 'standby' | 'open' | 'active' | 'status'
  readonly purpose: 'elected' | 'activate' | 'recover' | 'cede' | 'handOver' | 'read'
  /** Of the cede request, or the token of who wants to know the state. */
  readonly token: number
  readonly periodMs: number
  readonly callerContext: string | null
}

/** Why the election was left; decides what follows once the session is closed. */
export interface Quit {
  readonly token: number
  readonly reason: 'health' | 'badState' | 'observer' | 'cede' | 'stop'
  /** Of the cede request to be answered; 0 without one. */
  readonly request: number
  readonly needFence: boolean
}

export interface Fencing {
  readonly nodes: readonly NodeRef[]
  index: number
  stage: 'graceful' | 'methods'
  /** Id of the stage under way; 0 between stages. */
  waiting: number
  stageStartedMs: number
}

export interface Proof {
  readonly untilMs: number
  waiting: number
  retryMs: number
}

export interface ControllerState {
  health: Health
  /** The state our NameNode was last told to take; `initializing`: nothing is expected of it. */
  expected: ServiceState
  reported: ServiceState | 'unknown'
  mismatchCount: number
  delayUntilMs: number
  calls: LocalCall[]
  current: LocalCall | null
  currentId: number
  currentSinceMs: number
  /** A connection for transitionToActive stands and was not used yet. */
  opened: boolean
  /** The activation under way was given up by the elector while its call was out. */
  aborted: boolean
  /** transitionToActive was confirmed and the lock not yet read again. */
  unconfirmed: boolean
  /** A transitionToActive got no answer: this NameNode may still carry it out, late. */
  unknownActivation: boolean
  identity: ProcessIdentity | null
  recordingId: number
  proof: Proof | null
  fencing: Fencing | null
  quits: Quit[]
  stopping: 'no' | 'keep' | 'handOver'
  keepId: number
  /** Of the request that made us join; sent with the calls that follow from it. */
  callerContext: string | null
  steps: FailoverStep[]
  from: NodeName | null
  ended: boolean
}

export function initialController(): ControllerState {
  return {
    health: 'initializing',
    expected: 'initializing',
    reported: 'unknown',
    mismatchCount: 0,
    delayUntilMs: -Infinity,
    calls: [],
    current: null,
    currentId: 0,
    currentSinceMs: 0,
    opened: false,
    aborted: false,
    unconfirmed: false,
    unknownActivation: false,
    identity: null,
    recordingId: 0,
    proof: null,
    fencing: null,
    quits: [],
    stopping: 'no',
    keepId: 0,
    callerContext: null,
    steps: [],
    from: null,
    ended: false,
  }
}

export interface ControllerStep {
  readonly s: ControllerState
  readonly elector: Readonly<ElectorState>
  readonly settings: FailoverSettings
  readonly turn: Turn
}

export function nodeName(node: NodeRef): NodeName {
  return { namenodeId: node.namenodeId, address: `${node.host}:${node.port}` }
}
