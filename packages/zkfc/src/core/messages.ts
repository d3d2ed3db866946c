import type { ServiceState, ServiceStatus } from '@baton/hadoop'
import type { EventDetails, EventKind } from '../events.ts'
import type { ProcessIdentity } from '../process-evidence.ts'

/*
 * What goes in and out of the controller's core, as plain values, so that a decision can be
 * recorded, printed and stepped again.
 *
 * Every effect that asks for something carries an id (or, for a ZooKeeper session, a handle
 * number), and its completion brings the same id back. A part remembers the one id it waits for;
 * a completion with any other id belongs to something given up and is dropped.
 */

/** Another NameNode of the nameservice, or an address at which one once ran. */
export interface NodeRef {
  readonly nameserviceId: string
  readonly namenodeId: string
  readonly host: string
  readonly port: number
  readonly zkfcPort: number
}

export type ZkPath = 'parent' | 'lock' | 'crumb'

export type ZkOperation =
  | { readonly op: 'exists'; readonly path: ZkPath; readonly watch: boolean }
  | { readonly op: 'getData'; readonly path: ZkPath }
  | { readonly op: 'create'; readonly path: ZkPath; readonly data: Uint8Array }
  | {
      readonly op: 'setData'
      readonly path: ZkPath
      readonly data: Uint8Array
      readonly version: number
    }
  | { readonly op: 'delete'; readonly path: ZkPath; readonly version: number }
  | { readonly op: 'sync'; readonly path: ZkPath }

export type ZkResult =
  | {
      readonly ok: true
      readonly data?: Uint8Array
      readonly version?: number
      readonly owner?: bigint
    }
  | { readonly ok: false; readonly error: string }

/** The end of an RPC to a NameNode or controller. `how` says who is to blame and what is known. */
export type CallOutcome =
  | { readonly ok: true; readonly state?: ServiceState }
  | { readonly ok: false; readonly how: CallFailure; readonly text: string }

/**
 * `refused`, `notConnected`: nothing was sent. `remote`: the server said no. `noAnswer`: it was
 * sent and nothing came back, so what happened is unknown.
 */
export type CallFailure = 'refused' | 'notConnected' | 'remote' | 'noAnswer'

export type SessionEvent = 'connected' | 'disconnected' | 'expired' | 'authFailed' | 'closed'

export interface ServiceAnswerError {
  /** Java class name of the exception on the wire. */
  readonly className: string
  readonly message: string
}

export type Input = InputBody & {
  /** When the last bytes of the present ZooKeeper session came; absent without a session. */
  readonly heardMs?: number
  /** The wall clock, which goes on while the host is suspended; only its jumps are looked at. */
  readonly wallMs?: number
}

export type InputBody =
  | { readonly kind: 'tick' }
  | {
      readonly kind: 'start'
      readonly resume: boolean
      readonly jitterSeed: number
      /** Of the session to take up again. */
      readonly sessionId?: bigint
    }
  | { readonly kind: 'begin'; readonly appData: Uint8Array }
  | { readonly kind: 'stop'; readonly mode: 'keep' | 'handOver' }
  | { readonly kind: 'healthConnected'; readonly id: number }
  | {
      readonly kind: 'healthConnectFailed'
      readonly id: number
      readonly how: 'refused' | 'reset' | 'timeout' | 'other'
      readonly text: string
    }
  | {
      readonly kind: 'healthConnectionEnded'
      readonly id: number
      readonly how: 'end' | 'reset' | 'other'
    }
  | { readonly kind: 'statusReplied'; readonly id: number; readonly status: ServiceStatus }
  | { readonly kind: 'healthReplied'; readonly id: number }
  | {
      readonly kind: 'healthCallFailed'
      readonly id: number
      readonly how: 'unhealthy' | 'error'
      readonly text: string
    }
  | {
      readonly kind: 'session'
      readonly handle: number
      readonly state: SessionEvent
      readonly sessionId?: bigint
      readonly timeoutMs?: number
    }
  | {
      readonly kind: 'zkReplied'
      readonly handle: number
      readonly id: number
      readonly result: ZkResult
    }
  | {
      readonly kind: 'watchFired'
      readonly handle: number
      readonly event: 'nodeDeleted' | 'nodeChanged'
    }
  | { readonly kind: 'called'; readonly id: number; readonly outcome: CallOutcome }
  | {
      readonly kind: 'fenced'
      readonly id: number
      readonly ok: boolean
      readonly text: string
      readonly unresolved?: boolean
    }
  | { readonly kind: 'processRecorded'; readonly id: number; readonly identity?: ProcessIdentity }
  | {
      readonly kind: 'evidence'
      readonly id: number
      readonly verdict: 'gone' | 'alive' | 'unknown'
    }
  | {
      readonly kind: 'sessionKept'
      readonly id: number
      readonly ok: boolean
      readonly text: string
    }
  | {
      readonly kind: 'cedeRequested'
      readonly request: number
      readonly periodMs: number
      readonly caller: string
      readonly callerContext?: string
    }
  | {
      readonly kind: 'failoverRequested'
      readonly request: number
      readonly caller: string
      readonly callerContext?: string
    }

export type NameNodeCall = 'transitionToStandby' | 'getServiceStatus'

export type Effect =
  | { readonly kind: 'connectHealth'; readonly id: number; readonly limitMs: number }
  | { readonly kind: 'getStatus'; readonly id: number }
  | { readonly kind: 'checkHealth'; readonly id: number }
  | { readonly kind: 'closeHealth' }
  | { readonly kind: 'openSession'; readonly handle: number; readonly resume: boolean }
  | { readonly kind: 'closeSession'; readonly handle: number }
  | { readonly kind: 'storeSession'; readonly handle: number }
  | { readonly kind: 'clearSession' }
  | {
      readonly kind: 'zk'
      readonly handle: number
      readonly id: number
      readonly operation: ZkOperation
    }
  | {
      readonly kind: 'call'
      readonly id: number
      readonly call: NameNodeCall
      readonly limitMs: number
      readonly callerContext?: string
    }
  /** Opens a connection for `transitionToActive`, so that the go-ahead is given right before it. */
  | { readonly kind: 'openForActive'; readonly id: number; readonly limitMs: number }
  | { readonly kind: 'transitionToActive'; readonly id: number; readonly limitMs: number }
  | { readonly kind: 'closeForActive' }
  | {
      readonly kind: 'gracefulFence'
      readonly id: number
      readonly node: NodeRef
      readonly limitMs: number
    }
  | { readonly kind: 'runFencing'; readonly id: number; readonly node: NodeRef }
  | { readonly kind: 'abortFencing'; readonly id: number }
  | { readonly kind: 'recordProcess'; readonly id: number }
  | { readonly kind: 'proveGone'; readonly id: number; readonly identity: ProcessIdentity }
  | {
      readonly kind: 'cedeRemote'
      readonly id: number
      readonly namenodeId: string
      readonly periodMs: number
      readonly limitMs: number
      readonly callerContext?: string
    }
  | { readonly kind: 'answer'; readonly request: number; readonly error?: ServiceAnswerError }
  | { readonly kind: 'threadDump' }
  | { readonly kind: 'keepSession'; readonly id: number; readonly handle: number }
  /** The parent znode is there (or not) and the first session stands: the start may go on. */
  | { readonly kind: 'parentChecked'; readonly exists: boolean }
  | { readonly kind: 'event'; readonly event: CoreEvent }
  | { readonly kind: 'fatal'; readonly text: string }
  | { readonly kind: 'ended'; readonly exitCode: number }

export type CoreEvent = {
  [K in EventKind]: {
    readonly kind: K
    readonly cause?: string
    readonly durationMs?: number
  } & EventDetails[K]
}[EventKind]

/** What parts of the core tell each other; handled in order after the handler that told it. */
export type Told =
  | { readonly to: 'controller'; readonly message: ToController }
  | { readonly to: 'elector'; readonly message: ToElector }
  | { readonly to: 'graceful'; readonly message: ToGraceful }
  | { readonly to: 'health'; readonly message: ToHealth }

export type ToHealth =
  | { readonly kind: 'begin' }
  | { readonly kind: 'transitionStarted'; readonly untilMs: number }
  | { readonly kind: 'transitionEnded'; readonly alive: boolean }

export type ToController =
  | { readonly kind: 'health'; readonly state: Health; readonly how: HealthCause }
  | { readonly kind: 'status'; readonly status: ServiceStatus }
  /** The health connection ended, and the first answer on another one. */
  | { readonly kind: 'connectionEnded' | 'connectionNew' }
  | { readonly kind: 'becomeStandby' }
  | { readonly kind: 'fence'; readonly nodes: readonly NodeRef[] }
  | { readonly kind: 'openForActive' }
  | { readonly kind: 'sendActive' }
  | { readonly kind: 'activationAborted'; readonly cause: string }
  | { readonly kind: 'attemptEnded'; readonly ok: boolean; readonly text: string }
  | { readonly kind: 'roleResumed' }
  | { readonly kind: 'surrender' }
  | { readonly kind: 'quitDone'; readonly token: number }
  | { readonly kind: 'readState'; readonly token: number }

export type ToElector =
  | { readonly kind: 'join' }
  | {
      readonly kind: 'quit'
      /** `delete`: the breadcrumb too, because nobody needs to fence us. */
      readonly crumb: 'keep' | 'delete'
      readonly proof?: 'standbyConfirmed' | 'processGone'
      readonly untilMs: number
      readonly token: number
    }
  | { readonly kind: 'reported'; readonly state: ServiceState | undefined }
  /** `more`: this stage did not do it, and another is left; each stage needs a new go-ahead. */
  | {
      readonly kind: 'fenced'
      readonly ok: boolean
      readonly more: boolean
      readonly text: string
    }
  | { readonly kind: 'opened'; readonly ok: boolean; readonly text: string }
  | {
      readonly kind: 'activated'
      /** `notSent`: another call to our NameNode stood before it; the go-ahead is used up. */
      readonly outcome: 'active' | 'failed' | 'unknown' | 'notSent'
      readonly text: string
    }
  | { readonly kind: 'settled' }
  | { readonly kind: 'readActive' }

export type ToGraceful =
  /** `refused`: not asked at all, since a failed attempt to become active is being waited out. */
  | {
      readonly kind: 'activeRead'
      readonly data?: Uint8Array
      readonly error?: string
      readonly refused?: boolean
    }
  | { readonly kind: 'attempt'; readonly ok: boolean; readonly text: string }
  | { readonly kind: 'eligibility'; readonly healthy: boolean; readonly observer: boolean }
  | { readonly kind: 'stateRead'; readonly token: number; readonly outcome: CallOutcome }

export type Health = 'initializing' | 'healthy' | 'unhealthy' | 'notResponding' | 'monitorFailed'

/** How a verdict was reached; `refused` alone can lead to the proof that the process is gone. */
export interface HealthCause {
  readonly how: 'replied' | 'unhealthy' | 'refused' | 'silence' | 'error'
  readonly text: string
}

/** What a handler may do during one step. */
export interface Turn {
  readonly now: number
  /** A number never used before in this process. */
  nextId(): number
  emit(effect: Effect): void
  tell(told: Told): void
  event(event: CoreEvent): void
}
