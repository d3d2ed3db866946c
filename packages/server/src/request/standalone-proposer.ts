/**
 * Proposes to nobody but the own log. Requests wait in a queue, in zxid order; one call of
 * `takeUnsynced` opens a batch, one `onSynced` delivers it. Whatever arrives while a batch is being
 * synced gathers for the next: one fdatasync serves them all (group commit).
 */
import { OpCode } from '@baton/jute'
import { assert } from '@baton/runtime'
import type { PrepRequestProcessor } from './prep-request-processor.ts'
import type { Proposer, TxnLog } from './proposer.ts'
import type { Request } from './request.ts'

export class StandaloneProposer implements Proposer {
  readonly #prep: PrepRequestProcessor
  readonly #log: TxnLog
  readonly #deliver: (request: Request) => void
  #gathering: Request[] = []
  #syncing: Request[] = []
  #appendedCount = 0

  constructor(prep: PrepRequestProcessor, log: TxnLog, deliver: (request: Request) => void) {
    this.#prep = prep
    this.#log = log
    this.#deliver = deliver
  }

  get outstandingCount(): number {
    return this.#gathering.length + this.#syncing.length
  }

  submit(request: Request): void {
    if (request.type !== OpCode.sync) {
      this.#prep.prepare(request)
      const { header, txn } = request
      assert(header !== undefined && txn !== undefined, 'a prepared write has a txn')
      this.#log.append(header, txn)
      this.#appendedCount++
    } else if (this.outstandingCount === 0) {
      this.#deliver(request)
      return
    }
    this.#gathering.push(request)
  }

  /**
   * Opens the next batch; call `onSynced` when all that was appended before this call is durable.
   * `nothing`: no request waits. `unlogged`: only syncs wait, no sync of the log is needed.
   */
  takeBatch(): 'nothing' | 'unlogged' | 'logged' {
    assert(this.#syncing.length === 0, 'one batch at a time')
    if (this.#gathering.length === 0) return 'nothing'
    this.#syncing = this.#gathering
    this.#gathering = []
    const logged = this.#appendedCount > 0
    this.#appendedCount = 0
    return logged ? 'logged' : 'unlogged'
  }

  /** The open batch is durable: delivers it. */
  onSynced(): void {
    const batch = this.#syncing
    this.#syncing = []
    for (const request of batch) this.#deliver(request)
  }
}
