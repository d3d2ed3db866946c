/**
 * The driver of a standalone server: opens the store, puts the stages together, lets clients in,
 * syncs the log, expires sessions, takes snapshots. Nothing is decided here.
 *
 * When the log cannot be written any more (disk full, I/O error) the server stops at once: what was
 * not synced is never answered, connections are dropped, and `whenEnded` says why.
 */
import { OpCode } from '@baton/jute'
import { formatAddress } from '@baton/runtime'
import type { Address, Cancel, DiskLock, Runtime } from '@baton/runtime'
import { answerAuth, answerSasl } from './authentication.ts'
import type { ServerConfig } from './config.ts'
import { ContainerManager } from './container-manager.ts'
import { ServerMetrics } from './metrics.ts'
import { answerFourLetterWord } from './net/four-letter-words.ts'
import { ServerCnxnFactory } from './net/server-cnxn-factory.ts'
import type { ServerCnxn } from './net/server-cnxn.ts'
import { lockDirectories } from './directory-lock.ts'
import { FileTxnSnapLog, type Recovered } from './persistence/file-txn-snap-log.ts'
import { RequestPipeline, type TurnTime } from './request/request-pipeline.ts'
import { serverStatus } from './server-status.ts'
import { SessionGate } from './session-gate.ts'
import { SessionTracker } from './state/session-tracker.ts'
import { SyncRequestProcessor } from './sync-request-processor.ts'

export interface ServerOptions {
  readonly runtime: ServerRuntime
  readonly config: ServerConfig
}

export type ServerRuntime = Pick<Runtime, 'clock' | 'random' | 'network' | 'disk' | 'logger'>

/** How a server ended: by `stop`, or with the error that kept it from going on. */
export interface ServerEnd {
  readonly error: Error | undefined
}

/** A connection is read no further while this many of its reads wait behind one of its writes. */
const HELD_READS_MAX = 128
/** … or while this much waits for the disk: a slow one must not cost the memory. */
const UNSYNCED_BYTES_MAX = 64 * 1024 * 1024
const SNAP_RETAIN_MIN = 3
const HOUR_MS = 3_600_000

export class ZooKeeperServer {
  readonly metrics = new ServerMetrics()
  /** Resolves once the server serves no more. */
  readonly whenEnded: Promise<ServerEnd>
  readonly #runtime: ServerRuntime
  readonly #config: ServerConfig
  readonly #recovered: Recovered
  readonly #lock: DiskLock
  readonly #startedMs: number
  readonly #sessions: SessionTracker
  readonly #gate: SessionGate
  readonly #pipeline: RequestPipeline
  readonly #factory: ServerCnxnFactory
  readonly #sync: SyncRequestProcessor
  readonly #containers: ContainerManager
  #clientAddress: Address | undefined
  #snapshot: Promise<void> | undefined
  #cancelPurge: Cancel = () => {}
  #purging: Promise<void> | undefined
  #ending: Promise<void> | undefined
  #ended: (end: ServerEnd) => void = () => {}
  #turn: TurnTime | undefined

  /** Recovers the data directory, then listens. Rejects in plain words; nothing is left open. */
  static async start(options: ServerOptions): Promise<ZooKeeperServer> {
    const { runtime, config } = options
    for (const directory of new Set([config.dataDir, config.dataLogDir])) {
      await runtime.disk.makeDirectory(directory)
    }
    const lock = await lockDirectories(runtime.disk, config)
    let recovered: Recovered | undefined
    try {
      recovered = await FileTxnSnapLog.open(runtime, { ...storeOptions(config) })
      const server = new ZooKeeperServer(runtime, config, recovered, lock)
      await server.#listen()
      return server
    } catch (error) {
      await recovered?.store.close()
      await lock.release()
      throw error
    }
  }

  private constructor(
    runtime: ServerRuntime,
    config: ServerConfig,
    recovered: Recovered,
    lock: DiskLock,
  ) {
    const { clock } = runtime
    this.#runtime = runtime
    this.#config = config
    this.#recovered = recovered
    this.#lock = lock
    this.#startedMs = clock.now()
    this.whenEnded = new Promise(resolve => (this.#ended = resolve))
    this.#sessions = new SessionTracker(config.tickTimeMs)
    this.#pipeline = this.#makePipeline()
    this.#gate = this.#makeGate()
    this.#factory = this.#makeFactory()
    this.#sync = this.#makeSync()
    this.#containers = new ContainerManager({
      clock,
      tree: recovered.tree,
      checkIntervalMs: config.containerCheckIntervalMs,
      perMinuteMax: config.containerDeletesPerMinuteMax,
      neverUsedMs: config.containerNeverUsedMs,
      extendedTypes: config.extendedTypesEnabled,
      deleteContainer: path => {
        this.#pipeline.deleteContainer(path, this.#time())
        this.#endTurn()
      },
    })
  }

  /** Where clients connect, with the port that was really bound. */
  get clientAddress(): Address {
    return this.#clientAddress ?? this.#config.clientAddress
  }

  #makePipeline(): RequestPipeline {
    const { tree, store, lastZxid } = this.#recovered
    const config = this.#config
    return new RequestPipeline({
      tree,
      sessions: this.#sessions,
      log: store,
      metrics: this.metrics,
      lastZxid,
      extendedTypes: config.extendedTypesEnabled,
      skipAcl: config.skipAcl,
      reconfigEnabled: config.reconfigEnabled,
      now: () => this.#runtime.clock.now(),
      onSessionClosed: id => {
        const owner = this.#sessions.get(id)?.owner as ServerCnxn | undefined
        owner?.close('its session was closed')
      },
    })
  }

  #makeGate(): SessionGate {
    return new SessionGate({
      clock: this.#runtime.clock,
      logger: this.#runtime.logger,
      config: this.#config,
      sessions: this.#sessions,
      lastProcessedZxid: () => this.#recovered.tree.lastProcessedZxid,
      createSession: (cnxn, timeoutMs) => {
        this.#pipeline.createSession(cnxn, timeoutMs, this.#time())
      },
      onAttached: cnxn => {
        cnxn.queue = this.#pipeline.queueOf(cnxn.sessionId)
      },
      heldUpSessions: () => this.#factory.heldUpSessions(),
      onExpired: session => {
        const fields = { session: `0x${session.id.toString(16)}`, timeoutMs: session.timeoutMs }
        this.#runtime.logger.info(fields, 'a session expired')
        this.metrics.staleSessionsExpiredCount++
        this.#pipeline.closeSession(session.id, this.#time())
        this.#endTurn()
      },
    })
  }

  #makeFactory(): ServerCnxnFactory {
    const config = this.#config
    return new ServerCnxnFactory({
      config,
      clock: this.#runtime.clock,
      network: this.#runtime.network,
      logger: this.#runtime.logger,
      metrics: this.metrics,
      host: {
        frameBytesMax: config.frameBytesMax,
        outputQueueBytesMax: config.outputQueueBytesMax,
        skipAcl: config.skipAcl,
        onConnectRequest: (cnxn, payload) => {
          if (this.#ending === undefined) this.#gate.onConnectRequest(cnxn, payload)
        },
        onSessionCreated: cnxn => this.#gate.onSessionCreated(cnxn),
        onRequest: (cnxn, payload) => this.#onRequest(cnxn, payload),
        onFourLetterWord: word =>
          answerFourLetterWord(word, config.fourLetterWords, () => this.#status()),
        mustWait: cnxn => this.#mustWait(cnxn),
        onReply: bytes => this.metrics.onResponse(bytes),
      },
      onClosed: cnxn => this.#onClosed(cnxn),
      onTurnEnd: () => this.#endTurn(),
    })
  }

  #makeSync(): SyncRequestProcessor {
    const { clock, logger } = this.#runtime
    const { fsyncWarningMs, fsync } = this.#config
    const { store } = this.#recovered
    if (!fsync) logger.warn({}, 'forceSync=no is ignored: a write is answered once it is on disk')
    return new SyncRequestProcessor({
      clock,
      proposer: this.#pipeline.proposer,
      metrics: this.metrics,
      sync: () => store.sync(),
      onSynced: durationMs => {
        if (durationMs < fsyncWarningMs) return
        const fields = { durationMs: Math.round(durationMs), thresholdMs: fsyncWarningMs }
        logger.warn(fields, 'the txn log took long to sync; look at its disk')
      },
      onDelivered: () => this.#onDelivered(),
      onFailed: error => this.#fail(error),
    })
  }

  async #listen(): Promise<void> {
    const { tree, sessions } = this.#recovered
    const time = this.#time()
    for (const [id, timeoutMs] of sessions) this.#sessions.track(id, timeoutMs, this.#gate.now())
    for (const id of [...tree.ephemeralSessions()]) {
      if (!sessions.has(id)) this.#pipeline.closeSession(id, time)
    }
    this.#clientAddress = await this.#factory.listen()
    this.#gate.start()
    this.#containers.start()
    const { purgeIntervalHours } = this.#config
    if (purgeIntervalHours > 0) {
      this.#cancelPurge = this.#runtime.clock.every(purgeIntervalHours * HOUR_MS, () => {
        this.#purging ??= this.#purge().finally(() => (this.#purging = undefined))
      })
    }
    this.#endTurn()
    this.#runtime.logger.info(
      {
        address: formatAddress(this.clientAddress),
        dataDir: this.#config.dataDir,
        lastZxid: `0x${this.#recovered.lastZxid.toString(16)}`,
        replayedCount: this.#recovered.replayedCount,
      },
      'serving clients',
    )
  }

  /** One reading of the clocks serves all frames of a turn. */
  #time(): TurnTime {
    if (this.#turn !== undefined) return this.#turn
    const { clock } = this.#runtime
    return (this.#turn = { nowMs: clock.now(), wallTimeMs: clock.wallTime() })
  }

  #onRequest(cnxn: ServerCnxn, payload: Buffer): void {
    if (this.#ending !== undefined) return
    if (payload.length < 8) return cnxn.close('a frame too short for a request')
    this.metrics.packetsReceivedCount++
    this.metrics.bytesReceivedCount += payload.length
    const type = payload.readInt32BE(4)
    if (type === OpCode.auth) {
      if (!answerAuth(cnxn, payload, this.#config)) this.metrics.authFailedCount++
      return
    }
    if (type === OpCode.sasl) return answerSasl(cnxn, payload)
    const { session } = cnxn
    // What comes behind a closeSession, or from a session that expired, is dropped.
    if (session === undefined || !this.#sessions.touch(session, this.#gate.now())) return
    this.#pipeline.onRequest(cnxn, payload, this.#time())
  }

  #mustWait(cnxn: ServerCnxn): boolean {
    const { queue } = cnxn
    if (queue === undefined || queue.length === 0) return false
    if (queue.readsCount >= HELD_READS_MAX) return true
    if (this.#recovered.store.unsyncedBytes > UNSYNCED_BYTES_MAX) return true
    return this.#pipeline.outstandingCount >= this.#config.globalOutstandingMax
  }

  #onDelivered(): void {
    this.#factory.resumeWaiting()
    this.#turn = undefined
    this.#factory.flush()
    if (this.#recovered.store.snapshotDue) this.#takeSnapshot()
  }

  /** Sends what the turn wrote and starts a sync for what it appended. */
  #endTurn(): void {
    this.#turn = undefined
    this.#factory.flush()
    this.#sync.kick()
  }

  #onClosed(cnxn: ServerCnxn): void {
    this.#recovered.tree.removeWatcher(cnxn)
    const { session } = cnxn
    if (session?.owner === cnxn) session.owner = undefined
  }

  #takeSnapshot(): void {
    if (this.#snapshot !== undefined || this.#ending !== undefined) return
    const { store, tree } = this.#recovered
    const { logger } = this.#runtime
    this.#snapshot = store.takeSnapshot(tree, this.#sessions.timeouts()).then(
      () => {
        this.metrics.snapshotCount++
        this.#snapshot = undefined
      },
      (error: Error) => {
        // The log still holds everything; the next due snapshot tries again.
        logger.error({ error: error.message }, 'a snapshot could not be written')
        this.metrics.unrecoverableErrorCount++
        this.#snapshot = undefined
      },
    )
  }

  async #purge(): Promise<void> {
    const { logger } = this.#runtime
    const retainCount = Math.max(SNAP_RETAIN_MIN, this.#config.snapRetainCount)
    await this.#recovered.store.purge(retainCount).then(
      removed => logger.info({ removed }, 'old snapshots and logs were removed'),
      (error: Error) => logger.error({ error: error.message }, 'purging failed'),
    )
  }

  #status(): ReturnType<typeof serverStatus> {
    return serverStatus({
      config: this.#config,
      clientAddress: this.clientAddress,
      tree: this.#recovered.tree,
      metrics: this.metrics,
      sessionCount: this.#sessions.size,
      outstandingCount: this.#pipeline.outstandingCount,
      uptimeMs: this.#runtime.clock.now() - this.#startedMs,
      connections: this.#factory.statuses(),
    })
  }

  /** The log is lost to us: no write is answered any more. */
  #fail(error: Error): void {
    const fields = { error: error.message, dataLogDir: this.#config.dataLogDir }
    const message =
      'the txn log cannot be written: this server stops, nothing unsynced was answered'
    this.#runtime.logger.error(fields, message)
    this.metrics.unrecoverableErrorCount++
    void this.#end(error)
  }

  /** Stops listening, lets the sync that runs end, closes every connection. Sessions live on. */
  stop(): Promise<void> {
    return this.#end(undefined)
  }

  #end(error: Error | undefined): Promise<void> {
    return (this.#ending ??= this.#shutDown(error))
  }

  async #shutDown(error: Error | undefined): Promise<void> {
    this.#gate.stop()
    this.#containers.stop()
    this.#cancelPurge()
    if (error === undefined) await this.#sync.stop()
    await this.#factory.stop('the server stops')
    await this.#snapshot
    await this.#purging
    await this.#recovered.store.close().catch((closing: Error) => {
      this.#runtime.logger.error({ error: closing.message }, 'the txn log could not be closed')
    })
    // The system drops the lock with the process, if not now.
    await this.#lock.release().catch((releasing: Error) => {
      this.#runtime.logger.error({ error: releasing.message }, 'the lock could not be released')
    })
    this.#ended({ error })
  }
}

function storeOptions(config: ServerConfig): Parameters<typeof FileTxnSnapLog.open>[1] {
  return {
    dataDir: config.dataDir,
    dataLogDir: config.dataLogDir,
    snapCount: config.snapCount,
    preAllocBytes: config.preAllocBytes,
    trustEmptySnapshot: config.trustEmptySnapshot,
    extendedTypes: config.extendedTypesEnabled,
    // Zero or less asks for no limit.
    snapSizeLimitBytes: Math.max(0, config.snapSizeBytesMax),
    ...(config.txnLogBytesMax > 0 ? { txnLogSizeLimitBytes: config.txnLogBytesMax } : {}),
  }
}
