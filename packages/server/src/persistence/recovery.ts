/**
 * From what lies on disk to the tree as it was (ZooKeeper 3.9 `FileTxnSnapLog.restore`). The rules
 * stand at the head of `file-txn-snap-log.ts`.
 *
 * Digests are compared on the way, from the zxid on at which the snapshot's own has to fit. A
 * difference is told and not refused, as in ZooKeeper: the tree is what the log says.
 */
import { OpCode } from '@baton/jute'
import type { TxnDigest } from '@baton/jute'
import type { Disk, Logger } from '@baton/runtime'
import { DataTree } from '../state/data-tree.ts'
import { DIGEST_VERSION } from '../state/digest.ts'
import { listDataFiles, logsAfter, makeDurableDirectory, VERSION_DIRECTORY } from './data-files.ts'
import type { DataFile, DataFiles } from './data-files.ts'
import { writeSnapshot } from './file-snap.ts'
import type { FileTxnSnapLogOptions, PersistenceRuntime } from './file-txn-snap-log.ts'
import { PersistenceError, reasonOf } from './persistence-error.ts'
import { readSnapshot } from './snapshot-reader.ts'
import type { LoadedSnapshot } from './snapshot-reader.ts'
import { readTxnLog } from './txn-log-reader.ts'
import type { LoggedTxn, LogEnd } from './txn-log-reader.ts'

export interface RecoveredState {
  readonly tree: DataTree
  readonly sessions: Map<bigint, number>
  readonly lastZxid: number
  readonly replayedCount: number
  readonly snapshotPath: string
}

const EPOCH_UNIT = 0x1_0000_0000
/** As many snapshots are tried as ZooKeeper tries. */
const SNAPSHOTS_TRIED_MAX = 100

interface Found {
  readonly snapshots: readonly DataFile[]
  readonly logs: readonly DataFile[]
}

export async function recover(
  runtime: PersistenceRuntime,
  options: FileTxnSnapLogOptions,
): Promise<RecoveredState> {
  const { disk, logger } = runtime
  const snapshotDirectory = `${options.dataDir}/${VERSION_DIRECTORY}`
  const logDirectory = `${options.dataLogDir}/${VERSION_DIRECTORY}`
  const found = await lookAround(disk, snapshotDirectory, logDirectory)
  const loaded = await loadNewest(runtime, snapshotDirectory, found.snapshots, options)
  const run = new Replay(loaded.snapshot, logger)
  const logs = loaded.path === undefined ? found.logs : logsAfter(found.logs, run.lastZxid)
  const trusted = loaded.path !== undefined || options.trustEmptySnapshot === true
  await run.replayAll(disk, logs, { mayBeginAnywhere: loaded.path === undefined, trusted })
  const { tree, sessions } = loaded.snapshot
  const snapshotPath =
    loaded.path ?? (await writeSnapshot(disk, snapshotDirectory, tree, sessions)).path
  // A process killed before it synced a directory left names that only its kernel knows.
  for (const directory of new Set([snapshotDirectory, logDirectory])) {
    await disk.syncDirectory(directory)
  }
  const { lastZxid, replayedCount } = run
  logger.info({ lastZxid, replayedCount, snapshotPath }, 'data recovered')
  return { tree, sessions, lastZxid, replayedCount, snapshotPath }
}

async function lookAround(
  disk: Disk,
  snapshotDirectory: string,
  logDirectory: string,
): Promise<Found> {
  await makeDurableDirectory(disk, snapshotDirectory)
  await makeDurableDirectory(disk, logDirectory)
  const inSnapshots = await listDataFiles(disk, snapshotDirectory)
  const inLogs = await listDataFiles(disk, logDirectory)
  if (snapshotDirectory !== logDirectory) mustBeApart(inSnapshots, inLogs)
  for (const path of inSnapshots.asides) await disk.remove(path)
  return { snapshots: inSnapshots.snapshots, logs: inLogs.logs }
}

/** A dataLogDir that was set or changed later leaves logs where nobody looks for them. */
function mustBeApart(inSnapshots: DataFiles, inLogs: DataFiles): void {
  const strayLog = inSnapshots.logs[0]
  if (strayLog !== undefined) {
    throw new PersistenceError(
      strayLog.path,
      'a txn log in the directory of the snapshots, though dataLogDir names another. ' +
        'Move all log.* files to dataLogDir/version-2, or unset dataLogDir',
    )
  }
  const straySnapshot = inLogs.snapshots[0]
  if (straySnapshot === undefined) return
  throw new PersistenceError(
    straySnapshot.path,
    'a snapshot in the directory of the txn logs, though dataDir names another. ' +
      'Move all snapshot.* files to dataDir/version-2, or unset dataLogDir',
  )
}

async function loadNewest(
  runtime: PersistenceRuntime,
  directory: string,
  snapshots: readonly DataFile[],
  options: FileTxnSnapLogOptions,
): Promise<{ readonly snapshot: LoadedSnapshot; readonly path: string | undefined }> {
  const { disk, logger } = runtime
  const failures: string[] = []
  for (const file of snapshots.toReversed().slice(0, SNAPSHOTS_TRIED_MAX)) {
    try {
      return { snapshot: await readSnapshot(disk, file, options), path: file.path }
    } catch (error) {
      failures.push(reasonOf(error))
      logger.warn({ path: file.path, reason: reasonOf(error) }, 'snapshot left aside')
    }
  }
  if (failures.length > 0) {
    throw new PersistenceError(
      directory,
      `none of ${failures.length} snapshots can be loaded; the newest: ${failures[0] ?? ''}. ` +
        'Restore one from a copy or from another server of the ensemble',
    )
  }
  const tree = new DataTree(options)
  return { snapshot: { tree, sessions: new Map(), digest: undefined }, path: undefined }
}

class Replay {
  lastZxid: number
  replayedCount = 0
  readonly #snapshot: LoadedSnapshot
  readonly #logger: Logger
  #digestDiffers = false

  constructor(snapshot: LoadedSnapshot, logger: Logger) {
    this.#snapshot = snapshot
    this.#logger = logger
    this.lastZxid = snapshot.tree.lastProcessedZxid
    if (snapshot.digest?.zxid === this.lastZxid) this.#compare(snapshot.digest.treeDigest)
  }

  async replayAll(
    disk: Disk,
    logs: readonly DataFile[],
    rules: { readonly mayBeginAnywhere: boolean; readonly trusted: boolean },
  ): Promise<void> {
    let mayJump = rules.mayBeginAnywhere
    let tail: { readonly log: DataFile; readonly end: LogEnd } | undefined
    const empty: DataFile[] = []
    for (const log of logs) {
      let first = true
      const end = await readTxnLog(disk, log.path, this.lastZxid, txn => {
        if (!rules.trusted) throw withoutSnapshot(log)
        if (first && !mayJump) this.#mustFollow(log, txn)
        first = false
        this.#apply(txn)
      })
      if (end.lastZxid === undefined) {
        empty.push(log)
        continue
      }
      mayJump = false
      tail = { log, end }
    }
    await this.#settleTail(disk, tail, empty)
  }

  #apply({ header, txn, digest }: LoggedTxn): void {
    const { tree, sessions } = this.#snapshot
    if (txn.type === OpCode.createSession) sessions.set(header.clientId, txn.body.timeOut)
    if (txn.type === OpCode.closeSession) sessions.delete(header.clientId)
    tree.processTxn(header, txn)
    this.lastZxid = header.zxid
    this.replayedCount++
    this.#checkDigest(header.zxid, digest)
  }

  /** Between a snapshot and a log, and between two logs, nothing may be missing. */
  #mustFollow(log: DataFile, { header, offset }: LoggedTxn): void {
    const { lastZxid } = this
    const sameEpoch = Math.floor(header.zxid / EPOCH_UNIT) === Math.floor(lastZxid / EPOCH_UNIT)
    if (!sameEpoch || header.zxid <= lastZxid + 1) return
    throw new PersistenceError(
      log.path,
      `begins with zxid 0x${header.zxid.toString(16)}, but what comes before it ends with ` +
        `0x${lastZxid.toString(16)}: txns in between are missing. Restore the missing or damaged ` +
        'file from a copy or from another server of the ensemble',
      { offset },
    )
  }

  /** Cuts off what was never acknowledged, and makes durable what is about to be shown. */
  async #settleTail(
    disk: Disk,
    tail: { readonly log: DataFile; readonly end: LogEnd } | undefined,
    empty: readonly DataFile[],
  ): Promise<void> {
    for (const { path } of empty) {
      this.#logger.warn({ path }, 'txn log without a whole record removed')
      await disk.remove(path)
    }
    if (tail === undefined) return
    const { log, end } = tail
    if (end.torn) {
      const { validEnd, fileBytes } = end
      this.#logger.warn({ path: log.path, validEnd, fileBytes }, 'torn tail of the txn log cut off')
    }
    const file = await disk.open(log.path, 'write')
    try {
      if (end.fileBytes > end.validEnd) await file.truncate(end.validEnd)
      await file.sync()
    } finally {
      await file.close()
    }
  }

  #checkDigest(zxid: number, logged: TxnDigest | undefined): void {
    const { digest } = this.#snapshot
    if (digest !== undefined && zxid < digest.zxid) return
    if (digest?.zxid === zxid) this.#compare(digest.treeDigest)
    if (logged?.version === DIGEST_VERSION) this.#compare(logged.treeDigest)
  }

  #compare(expected: bigint): void {
    const { tree } = this.#snapshot
    if (!tree.digestEnabled || this.#digestDiffers || tree.digest.toBigInt() === expected) return
    this.#digestDiffers = true
    this.#logger.error(
      { zxid: this.lastZxid, expected, found: tree.digest.toBigInt() },
      'the tree is not the one the digest was taken of; compare it with another server',
    )
  }
}

function withoutSnapshot(log: DataFile): PersistenceError {
  return new PersistenceError(
    log.path,
    'there is a txn log, but no snapshot to begin from. Restore the snapshots, or set ' +
      'zookeeper.snapshot.trust.empty=true if this data comes from ZooKeeper before 3.5',
  )
}
