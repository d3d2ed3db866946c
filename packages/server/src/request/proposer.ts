/**
 * The stage between prepare and deliver, as narrow as it can be: what an ensemble replaces. Every
 * request handed to `submit` comes back exactly once through `deliver`, in zxid order, and only
 * when its txn can no longer be lost. A standalone server orders by itself and needs its own log
 * only; a leader will ask a quorum; a follower will forward to its leader.
 */
import type { Request } from './request.ts'

export interface Proposer {
  /** A write, or a sync, which takes part in the order and has no txn. */
  submit(request: Request): void
  /** Submitted and not delivered yet. */
  readonly outstandingCount: number
}

/** Where the prepared txns go: memory first, the disk at the next sync (`FileTxnSnapLog`). */
export interface TxnLog {
  append(header: NonNullable<Request['header']>, txn: NonNullable<Request['txn']>): void
}
