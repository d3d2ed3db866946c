/**
 * The driver of the log stage (ZooKeeper 3.9 `SyncRequestProcessor`): group commit. While one sync
 * runs, writes gather; when it ends they are delivered and one sync serves all that gathered. After
 * a failed sync nothing is delivered any more: a write that may not be on disk is never answered.
 */
import type { Clock } from '@baton/runtime'
import type { ServerMetrics } from './metrics.ts'
import type { StandaloneProposer } from './request/standalone-proposer.ts'

export interface SyncOptions {
  readonly clock: Pick<Clock, 'now'>
  readonly proposer: StandaloneProposer
  readonly metrics: ServerMetrics
  /** Makes durable what was appended before the call. */
  readonly sync: () => Promise<void>
  /** Called with each sync's duration. */
  readonly onSynced: (durationMs: number) => void
  /** A batch was delivered: flush its replies. */
  readonly onDelivered: () => void
  readonly onFailed: (error: Error) => void
}

export class SyncRequestProcessor {
  readonly #options: SyncOptions
  #running: Promise<void> | undefined
  #stopped = false

  constructor(options: SyncOptions) {
    this.#options = options
  }

  /** Starts a sync if something waits for one and none is running. */
  kick(): void {
    if (this.#running !== undefined || this.#stopped) return
    if (this.#options.proposer.outstandingCount === 0) return
    this.#running = this.#run().finally(() => {
      this.#running = undefined
    })
  }

  /** Resolves when no sync runs any more; none is started afterwards. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
  }

  async #run(): Promise<void> {
    const { proposer } = this.#options
    for (;;) {
      const batch = this.#stopped ? 'nothing' : proposer.takeBatch()
      if (batch === 'nothing') return
      if (batch === 'logged' && !(await this.#sync())) return
      proposer.onSynced()
      this.#options.onDelivered()
    }
  }

  /** False where the log could not be made durable. Our own mistakes are not caught here. */
  async #sync(): Promise<boolean> {
    const { clock, metrics } = this.#options
    const begunMs = clock.now()
    try {
      await this.#options.sync()
    } catch (error) {
      this.#stopped = true
      this.#options.onFailed(error as Error)
      return false
    }
    const durationMs = clock.now() - begunMs
    metrics.onFsync(durationMs)
    this.#options.onSynced(durationMs)
    return true
  }
}
