/**
 * Snapshots and txn log of one server, as one store (ZooKeeper 3.9 `FileTxnSnapLog`).
 *
 * Recovery: the newest snapshot that loads, then every logged txn after it, applied again. Applying
 * is idempotent, so a fuzzy snapshot does no harm. What recovery read is made durable before it
 * returns, since the server is about to show it to clients. The torn tail of the log is cut off;
 * the next append begins a new file.
 *
 * What recovery refuses, since going on would forget acknowledged writes: a log without any
 * snapshot (unless told to trust it), no loadable snapshot among several, damage in the middle of
 * the log, and a log that does not begin where the snapshot ends.
 */
import type { TxnHeader } from '@baton/jute'
import { assert } from '@baton/runtime'
import type { Runtime } from '@baton/runtime'
import type { DataTree } from '../state/data-tree.ts'
import type { DigestSum } from '../state/digest.ts'
import type { Txn } from '../state/txn.ts'
import { listDataFiles, logsAfter, VERSION_DIRECTORY } from './data-files.ts'
import { writeSnapshot } from './file-snap.ts'
import type { SnapshotInfo } from './file-snap.ts'
import { FileTxnLog } from './file-txn-log.ts'
import { recover } from './recovery.ts'
import { looksComplete } from './snapshot-reader.ts'

export interface FileTxnSnapLogOptions {
  /** Without `version-2`. */
  readonly dataDir: string
  readonly dataLogDir: string
  /** A snapshot is due after half to all of so many txns. Default 100,000. */
  readonly snapCount?: number
  /** … or after half to all of so many bytes of log. Default 4 GiB; 0: never. */
  readonly snapSizeLimitBytes?: number
  readonly txnLogSizeLimitBytes?: number
  /** Default 64 MiB; 0: none. */
  readonly preAllocBytes?: number
  /** `zookeeper.snapshot.trust.empty`: take a log that has no snapshot. */
  readonly trustEmptySnapshot?: boolean
  readonly digestEnabled?: boolean
  readonly extendedTypes?: boolean
}

export interface Recovered {
  readonly store: FileTxnSnapLog
  readonly tree: DataTree
  /** id -> time-out in ms */
  readonly sessions: Map<bigint, number>
  readonly lastZxid: number
  readonly replayedCount: number
  /** The snapshot it began from. */
  readonly snapshotPath: string
}

export type PersistenceRuntime = Pick<Runtime, 'disk' | 'random' | 'logger'>

const SNAP_COUNT = 100_000
const SNAP_SIZE_LIMIT_BYTES = 4 * 1024 ** 3
const PRE_ALLOC_BYTES = 64 * 1024 * 1024

export class FileTxnSnapLog {
  readonly #runtime: PersistenceRuntime
  readonly #snapshotDirectory: string
  readonly #logDirectory: string
  readonly #log: FileTxnLog
  readonly #options: FileTxnSnapLogOptions
  #txnCount: number
  #logBytes = 0
  #dueAtCount = 0
  #dueAtBytes = 0
  #snapshotting = false

  /** Use `open`. */
  private constructor(
    runtime: PersistenceRuntime,
    options: FileTxnSnapLogOptions,
    state: { readonly lastZxid: number; readonly replayedCount: number },
  ) {
    this.#runtime = runtime
    this.#options = options
    this.#snapshotDirectory = `${options.dataDir}/${VERSION_DIRECTORY}`
    this.#logDirectory = `${options.dataLogDir}/${VERSION_DIRECTORY}`
    this.#log = new FileTxnLog(runtime.disk, this.#logDirectory, state.lastZxid, {
      preAllocBytes: options.preAllocBytes ?? PRE_ALLOC_BYTES,
      sizeLimitBytes: options.txnLogSizeLimitBytes,
    })
    // What had to be replayed counts, else a server that is often restarted would never snapshot.
    this.#txnCount = state.replayedCount
    this.#drawThresholds()
  }

  /** Makes the directories, recovers. Rejects with `PersistenceError` or `DiskError`. */
  static async open(
    runtime: PersistenceRuntime,
    options: FileTxnSnapLogOptions,
  ): Promise<Recovered> {
    const recovered = await recover(runtime, options)
    return { ...recovered, store: new FileTxnSnapLog(runtime, options, recovered) }
  }

  get appendedZxid(): number {
    return this.#log.appendedZxid
  }
  get syncedZxid(): number {
    return this.#log.syncedZxid
  }
  get unsyncedBytes(): number {
    return this.#log.unsyncedBytes
  }

  /** Into memory only. Throws once a sync has failed or the store is closed. */
  append(header: TxnHeader, txn: Txn, digest?: DigestSum): void {
    this.#logBytes += this.#log.append(header, txn, digest)
    this.#txnCount++
  }

  /** Resolves once everything appended before the call is durable. One at a time. */
  sync(): Promise<void> {
    return this.#log.sync()
  }

  /** False while one is being written. */
  get snapshotDue(): boolean {
    if (this.#snapshotting) return false
    if (this.#txnCount > this.#dueAtCount) return true
    return this.#dueAtBytes > 0 && this.#logBytes > this.#dueAtBytes
  }

  /** Rolls the log and writes a fuzzy snapshot beside everything else that goes on. */
  async takeSnapshot(tree: DataTree, sessions: ReadonlyMap<bigint, number>): Promise<SnapshotInfo> {
    assert(!this.#snapshotting, 'one snapshot is written at a time')
    assert(tree.lastProcessedZxid <= this.syncedZxid, 'only durable txns were applied')
    this.#snapshotting = true
    this.#log.roll()
    this.#txnCount = 0
    this.#logBytes = 0
    this.#drawThresholds()
    try {
      return await writeSnapshot(
        this.#runtime.disk,
        this.#snapshotDirectory,
        tree,
        new Map(sessions),
      )
    } finally {
      this.#snapshotting = false
    }
  }

  /**
   * Keeps the newest `retainCount` whole snapshots and the logs that the oldest of them needs
   * (ZooKeeper 3.9 `PurgeTxnLog`). Resolves to the paths it removed.
   */
  async purge(retainCount: number): Promise<readonly string[]> {
    assert(retainCount >= 1, 'at least one snapshot is kept')
    const { disk } = this.#runtime
    const { snapshots } = await listDataFiles(disk, this.#snapshotDirectory)
    let oldest: number | undefined
    let kept = 0
    for (const snapshot of snapshots.toReversed()) {
      if (kept === retainCount) break
      if (!(await looksComplete(disk, snapshot))) continue
      kept++
      oldest = snapshot.zxid
    }
    if (oldest === undefined) return []
    const { logs } = await listDataFiles(disk, this.#logDirectory)
    const needed = new Set(logsAfter(logs, oldest))
    const surplus = [
      ...snapshots.filter(({ zxid }) => zxid < oldest),
      ...logs.filter(log => !needed.has(log)),
    ]
    for (const { path } of surplus) await disk.remove(path)
    return surplus.map(({ path }) => path)
  }

  /** Lets the log file go; what was not synced is dropped. */
  close(): Promise<void> {
    return this.#log.close()
  }

  /**
   * Servers of an ensemble should not all snapshot at once: half the limit, and a draw of the rest.
   */
  #drawThresholds(): void {
    const { random } = this.#runtime
    const count = Math.max(2, this.#options.snapCount ?? SNAP_COUNT)
    const half = Math.floor(count / 2)
    this.#dueAtCount = half + random.int(half)
    const bytes = this.#options.snapSizeLimitBytes ?? SNAP_SIZE_LIMIT_BYTES
    // Drawn in KiB: the bytes may be more than a draw takes.
    const halfKib = Math.floor(bytes / 2048)
    this.#dueAtBytes = halfKib === 0 ? 0 : (halfKib + random.int(halfKib)) * 1024
  }
}
