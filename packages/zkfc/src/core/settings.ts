import type { NodeRef } from './messages.ts'

/** What the core must know of the configuration: plain values, all durations in ms. */
export interface FailoverSettings {
  readonly local: NodeRef
  /** Java's text of the local NameNode: `NameNode at host/ip:port`. */
  readonly localName: string
  /** Every other NameNode of the nameservice, in configured order. */
  readonly others: readonly NodeRef[]
  readonly checkIntervalMs: number
  readonly connectRetryIntervalMs: number
  readonly sleepAfterDisconnectMs: number
  /** Longest silence of the NameNode, for each of the two health calls. */
  readonly healthTimeoutMs: number
  readonly connectTimeoutMs: number
  readonly newActiveTimeoutMs: number
  readonly gracefulFenceTimeoutMs: number
  readonly sessionTimeoutMs: number
  readonly backoffBaseMs: number
  readonly backoffMaxMs: number
  /** How long leaving the election may wait for the proof that the process is gone. */
  readonly processEvidenceMs: number
  /** How long leaving the election may wait for the breadcrumb when standby is confirmed. */
  readonly crumbDeleteMs: number
  /** The shared edits are in a journal quorum, whose epochs fence a writer. */
  readonly sharedEditsFenced: boolean
  /** A breadcrumb's stored address that no longer resolves counts as fenced with the new one. */
  readonly trustConfiguredAddress: boolean
  readonly threadDumps: boolean
  readonly parentPath: string
  readonly lockPath: string
}
