/**
 * The writing end of the one epoch this NameNode claimed: append, sync, re-read the epoch, and
 * only then acknowledge. All edits that gather while one round runs share the next.
 *
 * The first failure is the last thing a writer does. After a failed write or sync nobody knows
 * what is on the disk, and a higher epoch means that another writer may already have sealed this
 * log; in both cases going on could acknowledge an edit that no later reader sees.
 */
import { assert, type DiskFile } from '@baton/runtime'
import { ServiceException } from '@baton/hadoop'
import { encodeEdit, type Edit } from './edit-record.ts'
import type { SharedEdits } from './shared-edits.ts'

/** Another writer claimed a higher epoch: this one is fenced. */
export class EpochLostError extends Error {
  override readonly name = 'EpochLostError'
  readonly epoch: number
  readonly newestEpoch: number
  constructor(epoch: number, newestEpoch: number) {
    super(
      `writer epoch ${epoch} is less than the claimed epoch ${newestEpoch}:` +
        ' another NameNode became active',
    )
    this.epoch = epoch
    this.newestEpoch = newestEpoch
  }
}

interface Waiting {
  readonly record: Uint8Array
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

const WAITING_COUNT_MAX = 10_000

export class EditLogWriter {
  readonly #edits: SharedEdits
  readonly #file: DiskFile
  readonly #epoch: number
  readonly #onFailure: (error: Error) => void
  #waiting: Waiting[] = []
  #round: Promise<void> | undefined
  #failure: Error | undefined
  #writtenBytes = 0

  constructor(options: {
    readonly edits: SharedEdits
    readonly file: DiskFile
    readonly epoch: number
    /** Once; nothing is acknowledged afterwards. */
    readonly onFailure: (error: Error) => void
  }) {
    this.#edits = options.edits
    this.#file = options.file
    this.#epoch = options.epoch
    this.#onFailure = options.onFailure
  }

  get epoch(): number {
    return this.#epoch
  }

  /** Length of the log as far as it is safe. */
  get writtenBytes(): number {
    return this.#writtenBytes
  }

  /** There is room for one more edit; else `ServiceException`, to be tried again. */
  admit(): void {
    if (this.#waiting.length < WAITING_COUNT_MAX) return
    const message = `${WAITING_COUNT_MAX} edits wait for the disk already`
    throw new ServiceException('org.apache.hadoop.ipc.RetriableException', message)
  }

  /** Resolves once the edit is safe. Edits are logged in the order of the calls. */
  write(edit: Edit): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ record: encodeEdit(edit), resolve, reject })
      this.#round ??= this.#rounds()
    })
  }

  /** Waits for every edit written so far. */
  async close(): Promise<void> {
    while (this.#round !== undefined) await this.#round
    await this.#file.close()
  }

  async #rounds(): Promise<void> {
    while (this.#waiting.length > 0 && this.#failure === undefined) {
      const batch = this.#waiting
      this.#waiting = []
      try {
        await this.#makeSafe(batch)
      } catch (error) {
        this.#fail(error, batch)
        break
      }
      for (const { resolve } of batch) resolve()
    }
    this.#round = undefined
  }

  async #makeSafe(batch: readonly Waiting[]): Promise<void> {
    const bytes = joined(batch.map(({ record }) => record))
    const byteCount = bytes.length
    await this.#file.append(bytes)
    await this.#file.sync()
    const newestEpoch = await this.#edits.newestEpoch()
    assert(newestEpoch >= this.#epoch, 'an epoch claimed stays claimed')
    if (newestEpoch > this.#epoch) throw new EpochLostError(this.#epoch, newestEpoch)
    this.#writtenBytes += byteCount
  }

  #fail(cause: unknown, batch: readonly Waiting[]): void {
    const error = cause instanceof Error ? cause : new Error(String(cause))
    this.#failure = error
    for (const { reject } of [...batch, ...this.#waiting]) reject(error)
    this.#waiting = []
    this.#onFailure(error)
  }
}

function joined(records: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(records.reduce((sum, record) => sum + record.length, 0))
  let at = 0
  for (const record of records) {
    bytes.set(record, at)
    at += record.length
  }
  return bytes
}
