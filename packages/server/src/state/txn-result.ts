/** What applying a txn came to, for the reply to whoever asked (`DataTree.ProcessTxnResult`). */
import { Writer } from '@baton/jute'
import type { Znode } from './znode.ts'

export interface TxnResult {
  readonly type: number
  /** A code of `ErrorCode`. */
  readonly error: number
  readonly path: string | undefined
  /**
   * The wire's 68 bytes as they stood right after this operation: a later part of the same multi
   * may change the node again.
   */
  readonly stat: Buffer | undefined
  /** Of a multi. */
  readonly parts: readonly TxnResult[] | undefined
}

const STAT_WIRE_BYTES = 68

/** `node`: whose stat belongs in the reply. */
export function outcome(
  type: number,
  error: number,
  path: string | undefined,
  node?: Znode,
): TxnResult {
  let stat: Buffer | undefined
  if (node !== undefined) {
    const writer = new Writer(STAT_WIRE_BYTES)
    node.writeStat(writer)
    stat = writer.finish()
  }
  return { type, error, path, stat, parts: undefined }
}
