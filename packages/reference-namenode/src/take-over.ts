/**
 * Becoming the one writer: claim a higher epoch, decide what counts of the older logs, know it
 * all, make the decision durable, and only then open a log of one's own. See `shared-edits.ts`
 * for why in this order.
 */
import type { EditLogTailer } from './edit-log-tailer.ts'
import { EditLogWriter, EpochLostError } from './edit-log-writer.ts'
import type { SharedEdits } from './shared-edits.ts'

export interface TakeOverOptions {
  readonly edits: SharedEdits
  /** Brought up to date with every edit that counts. */
  readonly tailer: EditLogTailer
  /** Named in the claim, for people. */
  readonly writer: string
  readonly onFailure: (error: Error) => void
}

/** Rejects with `EpochLostError` where another one claimed a higher epoch meanwhile. */
export async function takeOver(options: TakeOverOptions): Promise<EditLogWriter> {
  const { edits, tailer, writer, onFailure } = options
  const epoch = await edits.claim(writer)
  const table = await edits.decideSeal(epoch)
  await tailer.catchUpTo(table)
  await edits.seal(epoch, table)
  const file = await edits.createLog(epoch)
  const newestEpoch = await edits.newestEpoch()
  if (newestEpoch > epoch) throw new EpochLostError(epoch, newestEpoch)
  return new EditLogWriter({ edits, file, epoch, onFailure })
}
