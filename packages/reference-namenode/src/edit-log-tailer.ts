/**
 * Follows the logs of all writers and keeps a namespace by them. A tailer may have applied edits
 * that were never acknowledged; when a seal decides that they do not count, it starts anew.
 */
import { Namespace } from './namespace.ts'
import type { Edit } from './edit-record.ts'
import {
  DamagedEditsError,
  type History,
  type SealTable,
  type SharedEdits,
} from './shared-edits.ts'

export class EditLogTailer {
  readonly #edits: SharedEdits
  #namespace = new Namespace()
  #lastTxid = 0
  /** Bytes applied of each log. */
  #applied = new Map<number, number>()

  constructor(edits: SharedEdits) {
    this.#edits = edits
  }

  get namespace(): Namespace {
    return this.#namespace
  }

  get lastTxid(): number {
    return this.#lastTxid
  }

  /** Applies what is new. Throws `DamagedEditsError` where the logs contradict their seals. */
  async catchUp(): Promise<void> {
    const { rulingEpoch, sealed }: History = await this.#edits.history()
    const open = rulingEpoch === 0 ? [] : [rulingEpoch]
    await this.#follow(sealed, open)
  }

  /** Applies exactly what a seal says. */
  async catchUpTo(table: SealTable): Promise<void> {
    await this.#follow(table, [])
  }

  /** The active one applies its own edits, having checked them. */
  apply(edit: Edit): void {
    if (edit.txid !== this.#lastTxid + 1) {
      const expected = `expected ${this.#lastTxid + 1}`
      throw new DamagedEditsError(`edit ${edit.txid} is out of order: ${expected}`)
    }
    this.#namespace.apply(edit.operation)
    this.#lastTxid = edit.txid
  }

  /** What was applied by `apply` stands in this log now, and need not be read from there. */
  noteOwnLog(epoch: number, writtenBytes: number): void {
    this.#applied.set(epoch, writtenBytes)
  }

  #reset(): void {
    this.#namespace = new Namespace()
    this.#lastTxid = 0
    this.#applied = new Map()
  }

  async #follow(table: SealTable, open: readonly number[]): Promise<void> {
    const contradicted = [...this.#applied].some(
      ([epoch, bytes]) => bytes > (table.get(epoch) ?? (open.includes(epoch) ? bytes : 0)),
    )
    if (contradicted) this.#reset()
    const epochs = [...table.keys()].sort((a, b) => a - b)
    for (const epoch of epochs) await this.#followSealed(epoch, table.get(epoch) ?? 0)
    for (const epoch of open) await this.#apply(epoch, Number.MAX_SAFE_INTEGER)
  }

  async #followSealed(epoch: number, endByte: number): Promise<void> {
    if ((this.#applied.get(epoch) ?? 0) < endByte) await this.#apply(epoch, endByte)
    const found = this.#applied.get(epoch) ?? 0
    if (found === endByte) return
    const what = `${this.#edits.path('edits', epoch)} is sealed at ${endByte} bytes`
    throw new DamagedEditsError(`${what}, but only ${found} bytes of it are whole records`)
  }

  async #apply(epoch: number, endByte: number): Promise<void> {
    let at = this.#applied.get(epoch) ?? 0
    for await (const { edits, validBytes } of this.#edits.read(epoch, at, endByte)) {
      for (const edit of edits) this.apply(edit)
      at += validBytes
      this.#applied.set(epoch, at)
    }
  }
}
