import { CreateMode, EventType, ZooKeeper, ZooKeeperError } from '@baton/client'
import type {
  OperationOf,
  SessionCredentials,
  SessionState,
  Stat,
  WatchedEvent,
} from '@baton/client'
import { unreachable } from '@baton/runtime'
import type { Runtime } from '@baton/runtime'
import type { ZkfcConfig } from './config.ts'
import type { InputBody, ZkOperation, ZkPath, ZkResult } from './core/messages.ts'

export const LOCK_NAME = 'ActiveStandbyElectorLock'
export const CRUMB_NAME = 'ActiveBreadCrumb'

export type SessionRuntime = Pick<Runtime, 'clock' | 'random' | 'network' | 'logger'>

/**
 * Carries the elector's requests to one ZooKeeper session at a time, and what comes back to the
 * core in wire order. Nothing is decided here.
 */
export class ZkSessionIo {
  readonly #runtime: SessionRuntime
  readonly #config: ZkfcConfig
  readonly #step: (input: InputBody) => void
  #client: ZooKeeper | undefined
  #handle = 0

  constructor(runtime: SessionRuntime, config: ZkfcConfig, step: (input: InputBody) => void) {
    this.#runtime = runtime
    this.#config = config
    this.#step = step
  }

  /** When the newest request left that the server answered: what "heard" safely means. */
  get heardMs(): number | undefined {
    const heard = this.#client?.lastAcknowledgedSendMs
    return heard === undefined || heard === -Infinity ? undefined : heard
  }

  get session(): SessionCredentials | undefined {
    return this.#client?.session
  }

  get timeoutMs(): number {
    return this.#client?.negotiatedTimeoutMs ?? 0
  }

  open(handle: number, session: SessionCredentials | undefined): void {
    this.#handle = handle
    const client: ZooKeeper = new ZooKeeper({
      runtime: this.#runtime,
      connectString: this.#config.quorum,
      sessionTimeoutMs: this.#config.sessionTimeoutMs,
      auth: this.#config.auth,
      ...(session === undefined ? {} : { session }),
      onState: state => this.#onState(handle, client, state),
    })
    this.#client = client
  }

  /** The core hears `closed` once the server has answered, or the client's own limit is out. */
  close(handle: number): void {
    const client = this.#client
    if (client === undefined || handle !== this.#handle) return
    void client.close().then(() => this.#step({ kind: 'session', handle, state: 'closed' }))
  }

  /** Pings, so that the server's clock begins anew, then leaves the session standing. */
  async leaveStanding(): Promise<boolean> {
    const client = this.#client
    if (client === undefined) return false
    const answered = await client.ping().then(
      () => true,
      error => {
        if (error instanceof ZooKeeperError) return false
        throw error
      },
    )
    this.#handle = 0
    client.detach()
    return answered
  }

  /** Ends the session without the core's hearing of it. */
  async closeNow(): Promise<void> {
    this.#handle = 0
    await this.#client?.close()
  }

  /** Drops the connection as a killed process would. */
  drop(): void {
    this.#handle = 0
    this.#client?.detach()
  }

  submit(handle: number, id: number, operation: ZkOperation): void {
    const client = this.#client
    if (client === undefined || handle !== this.#handle) return
    const reply = (result: ZkResult): void => this.#step({ kind: 'zkReplied', handle, id, result })
    submitTo(client, this.#request(operation, handle), reply)
  }

  #request(operation: ZkOperation, handle: number): Request {
    const path = this.#path(operation.path)
    const { acl } = this.#config
    switch (operation.op) {
      case 'exists': {
        const watch = operation.watch ? this.#watch(handle) : undefined
        return { kind: 'exists', path, watch }
      }
      case 'getData':
        return { kind: 'getData', path }
      case 'create': {
        const mode = operation.path === 'lock' ? CreateMode.ephemeral : CreateMode.persistent
        return { kind: 'create', path, data: operation.data, acl, mode }
      }
      case 'setData':
        return { kind: 'setData', path, data: operation.data, version: operation.version }
      case 'delete':
        return { kind: 'delete', path, version: operation.version }
      case 'sync':
        return { kind: 'sync', path }
      default:
        return unreachable(operation)
    }
  }

  /** One function for all watches of a session: the client then keeps one of it for each path. */
  #watch(handle: number): (event: WatchedEvent) => void {
    if (this.#watcher?.handle !== handle) {
      const run = (event: WatchedEvent): void => {
        const deleted = event.type === EventType.nodeDeleted
        this.#step({
          kind: 'watchFired',
          handle,
          event: deleted ? 'nodeDeleted' : 'nodeChanged',
        })
      }
      this.#watcher = { handle, run }
    }
    return this.#watcher.run
  }
  #watcher: { handle: number; run: (event: WatchedEvent) => void } | undefined

  #path(path: ZkPath): string {
    const { parentPath } = this.#config
    const names: Readonly<Record<ZkPath, string>> = {
      parent: parentPath,
      lock: `${parentPath}/${LOCK_NAME}`,
      crumb: `${parentPath}/${CRUMB_NAME}`,
    }
    return names[path]
  }

  #onState(handle: number, client: ZooKeeper, state: SessionState): void {
    // `closed` comes with the end of `close`; `connecting` changes nothing for the core.
    if (state === 'connecting' || state === 'closed' || handle !== this.#handle) return
    const session = client.session
    this.#step({
      kind: 'session',
      handle,
      state,
      ...(session === undefined ? {} : { sessionId: session.id }),
      ...(state === 'connected' ? { timeoutMs: client.negotiatedTimeoutMs } : {}),
    })
  }
}

type Request =
  | OperationOf<'exists'>
  | OperationOf<'getData'>
  | OperationOf<'create'>
  | OperationOf<'setData'>
  | OperationOf<'delete'>
  | OperationOf<'sync'>

function submitTo(client: ZooKeeper, request: Request, reply: (result: ZkResult) => void): void {
  client.submit(request, (error, value) => {
    if (error !== undefined) return reply({ ok: false, error: error.codeName })
    if (request.kind === 'exists' && value === undefined) {
      return reply({ ok: false, error: 'noNode' })
    }
    reply({ ok: true, ...found(value) })
  })
}

function found(value: unknown): { data?: Uint8Array; version?: number; owner?: bigint } {
  if (typeof value !== 'object' || value === null) return {}
  const { data, stat } = value as { data?: Uint8Array | null; stat?: Stat }
  const of = stat ?? ('ephemeralOwner' in value ? (value as Stat) : undefined)
  return {
    ...(data === undefined || data === null ? {} : { data }),
    ...(of === undefined ? {} : { version: of.version, owner: of.ephemeralOwner }),
  }
}
