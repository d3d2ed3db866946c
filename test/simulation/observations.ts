/*
 * What the simulation sees of a cluster, from outside of the code under test: bytes on the wires,
 * the server's tree, the disk of the edits, processes, and what fencing programs really did. The
 * checkers judge these facts and nothing else; what a controller says of itself is no fact.
 */
export interface Lock {
  /** Session that owns it. */
  readonly owner: bigint
  /** Id of the NameNode its bytes name; the bytes themselves where they name none. */
  readonly names: string
}

export interface TreeView {
  readonly lock: Lock | undefined
  /** Id of the NameNode the breadcrumb names. */
  readonly crumb: string | undefined
}

export type Observation =
  /** The writer sends an entry, every entry once. */
  | { readonly kind: 'writeBegun'; readonly entry: string }
  | { readonly kind: 'writeAcknowledged'; readonly entry: string }
  /** The log of this epoch was opened: claim and seal are durable, older writers are fenced. */
  | { readonly kind: 'epochInForce'; readonly epoch: number }
  /** All edits that count, in order, read from the disk. */
  | { readonly kind: 'finalLog'; readonly entries: readonly LoggedEntry[] }
  /** A controller hands a transition to the wire, to the NameNode on host `to`. */
  | {
      readonly kind: 'transitionSent'
      readonly call: TransitionCall
      readonly by: string
      readonly to: string
    }
  /** A NameNode's process reads a transition off the wire. */
  | {
      readonly kind: 'transitionReceived'
      readonly call: TransitionCall
      readonly by: string
      readonly node: string
    }
  | { readonly kind: 'nameNodeStarted'; readonly node: string; readonly pid: number }
  | { readonly kind: 'nameNodeEnded'; readonly node: string; readonly pid: number }
  | { readonly kind: 'nameNodePaused'; readonly node: string; readonly pid: number }
  | {
      readonly kind: 'nameNodeState'
      readonly node: string
      readonly pid: number
      readonly state: string
    }
  /** A txn was applied by the server on behalf of `session`. */
  | {
      readonly kind: 'treeChanged'
      readonly session: bigint
      readonly before: TreeView
      readonly after: TreeView
    }
  | { readonly kind: 'sessionClosed'; readonly session: bigint }
  /** The server answered a connect request that asked for a session (0: a new one). */
  | { readonly kind: 'sessionAnswered'; readonly asked: bigint; readonly answered: bigint }
  /** A fencing program ended by itself; `ok`: with exit code 0, and before anybody killed it. */
  | {
      readonly kind: 'fenceEnded'
      readonly by: string
      readonly target: string
      readonly ok: boolean
    }
  /** An operator writes the next breadcrumb with a tool of his own. */
  | { readonly kind: 'crumbByHand' }
  | { readonly kind: 'controllerStarted'; readonly node: string }
  | { readonly kind: 'controllerEnded'; readonly node: string }
  /** It holds the role, by its own word. */
  | { readonly kind: 'controllerActive'; readonly node: string }
  /** Somebody asks the controller of this NameNode to give the role away. */
  | { readonly kind: 'askedToGo'; readonly node: string }

export type TransitionCall = 'transitionToActive' | 'transitionToStandby'

export interface LoggedEntry {
  readonly entry: string
  readonly epoch: number
}

/** Stateful, fed in the order of virtual time; tells each violation in plain words. */
export interface Checker {
  on(observation: Observation): void
}

export type Violation = (text: string) => void
