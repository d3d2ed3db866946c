/**
 * The client side of Hadoop RPC (Java `Client`): one client id, call ids counted over all its
 * connections, one pooled connection per address and protocol, dedicated ones by `open`.
 *
 * A refused connect is reported at once unless the caller asks for retries: Java's fixed sleep of
 * a second there is most of what a stock failover waits for.
 */
import { NetworkError, type Address, type Cancel, type Runtime } from '@baton/runtime'
import type { Method } from '../protocol/method.ts'
import { ClientConnection, type IpcConnection } from './client-connection.ts'
import { IpcError, ipcError, type IpcErrorCode } from './ipc-error.ts'

export interface IpcClientOptions {
  /** The user we say we are (simple authentication). */
  readonly user: string
  /** Sent with every call that names none of its own; `haadmin` says "CLI". */
  readonly callerContext?: string
  /** Default 20,000, as `ipc.client.connect.timeout`. */
  readonly connectTimeoutMs?: number
  /** Default 60,000, as `ipc.ping.interval`; 0: no pings (`ipc.client.ping` false). */
  readonly pingIntervalMs?: number
  /** Default 10,000, as `ipc.client.connection.maxidletime`. */
  readonly maxIdleMs?: number
  /** Default 128 MiB, as `ipc.maximum.response.length`. */
  readonly responseBytesMax?: number
}

export interface CallOptions {
  /** From the moment the call is sent; 0: none. */
  readonly rpcTimeoutMs: number
  /** Further tries after a refused or failed connect, not after a time-out. Default 0. */
  readonly connectRetries?: number
  /** Further tries after a connect that timed out. Default 0. */
  readonly connectRetriesOnTimeouts?: number
  /** Wait before a further try. Default 1,000, as `ipc.client.connect.retry.interval`. */
  readonly retryIntervalMs?: number
  readonly connectTimeoutMs?: number
  readonly callerContext?: string
  /** Given up at once, with `aborted`; the outcome of a call already sent is unknown then. */
  readonly signal?: AbortSignal
  /** See `ConnectionCallOptions`. */
  readonly retryCount?: number
}

type IpcRuntime = Pick<Runtime, 'clock' | 'random' | 'network' | 'logger'>

interface Pooled {
  readonly connection: ClientConnection
  cancelIdle: Cancel | undefined
}

interface Opening {
  readonly result: Promise<Pooled>
  readonly abort: AbortController
  waiterCount: number
}

const CONNECT_TIMEOUT_MS = 20_000
const PING_INTERVAL_MS = 60_000
const MAX_IDLE_MS = 10_000
const RESPONSE_BYTES_MAX = 128 * 1024 * 1024
const RETRY_INTERVAL_MS = 1_000
const CLIENT_ID_BYTES = 16
const CALL_ID_MASK = 0x7fff_ffff

export class IpcClient {
  readonly #runtime: IpcRuntime
  readonly #options: IpcClientOptions
  readonly #clientId: Uint8Array
  readonly #pool = new Map<string, Pooled>()
  readonly #opening = new Map<string, Opening>()
  readonly #dedicated = new Set<ClientConnection>()
  /** Connects and waits before a further connect, to be ended by `close`. */
  readonly #running = new Set<AbortController>()
  #callCount = 0
  #closed = false

  constructor(runtime: IpcRuntime, options: IpcClientOptions) {
    this.#runtime = runtime
    this.#options = options
    this.#clientId = runtime.random.bytes(CLIENT_ID_BYTES)
  }

  /**
   * Calls over the pooled connection. Rejects with `IpcError`, with `RemoteException` where the
   * server answered with an error. A call is never sent twice.
   */
  async call<Request, Response>(
    address: Address,
    method: Method<Request, Response>,
    request: Request,
    options: CallOptions,
  ): Promise<Response> {
    const key = `${address.host}\n${address.port}\n${method.protocol}`
    const pooled = await this.#pooled(key, address, method.protocol, options)
    pooled.cancelIdle?.()
    try {
      return await pooled.connection.call(method, request, options)
    } catch (error) {
      // A silent link is not offered to the next call; calls already on it go on waiting.
      const silent = error instanceof IpcError && error.code === 'timeout'
      if (silent && this.#pool.get(key) === pooled) this.#pool.delete(key)
      throw error
    } finally {
      this.#rest(key, pooled)
    }
  }

  /** A connection of the caller's own: not pooled, never closed for idling. */
  async open(
    address: Address,
    protocol: string,
    options: { readonly connectTimeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<IpcConnection> {
    const running = this.#track(options.signal)
    try {
      const { connectTimeoutMs } = options
      const connection = await this.#connect(address, protocol, connectTimeoutMs, running.signal)
      this.#dedicated.add(connection)
      connection.onEnded = () => this.#dedicated.delete(connection)
      return connection
    } finally {
      running.release()
    }
  }

  /** Ends every connection; waiting calls fail with `closed`, connects with `aborted`. */
  close(): void {
    this.#closed = true
    for (const controller of [...this.#running]) controller.abort()
    for (const pooled of [...this.#pool.values()]) this.#end(pooled)
    this.#pool.clear()
    for (const connection of [...this.#dedicated]) connection.close()
  }

  #pooled(key: string, address: Address, protocol: string, options: CallOptions): Promise<Pooled> {
    if (options.signal?.aborted === true) return Promise.reject(aborted(address))
    const pooled = this.#pool.get(key)
    if (pooled !== undefined && !pooled.connection.ended) return Promise.resolve(pooled)
    let opening = this.#opening.get(key)
    if (opening === undefined) {
      opening = this.#startOpening(key, address, protocol, options)
      this.#opening.set(key, opening)
    }
    return this.#waitFor(opening, address, options.signal)
  }

  #startOpening(key: string, address: Address, protocol: string, options: CallOptions): Opening {
    const abort = new AbortController()
    const { signal, release } = this.#track(abort.signal)
    const result = this.#connectWithRetries(address, protocol, options, signal)
      .then(connection => this.#enterPool(key, connection))
      .finally(() => {
        release()
        this.#opening.delete(key)
      })
    return { result, abort, waiterCount: 0 }
  }

  #enterPool(key: string, connection: ClientConnection): Pooled {
    const pooled: Pooled = { connection, cancelIdle: undefined }
    this.#pool.set(key, pooled)
    connection.onEnded = () => {
      pooled.cancelIdle?.()
      if (this.#pool.get(key) === pooled) this.#pool.delete(key)
    }
    this.#rest(key, pooled) // whoever asked for it may have given up meanwhile
    return pooled
  }

  /** A caller that gives up leaves the connect to the others; the last one ends it. */
  async #waitFor(
    opening: Opening,
    address: Address,
    signal: AbortSignal | undefined,
  ): Promise<Pooled> {
    opening.waiterCount += 1
    let onAbort = (): void => {}
    const givenUp = new Promise<never>((_, reject) => {
      onAbort = () => reject(aborted(address))
    })
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      return await Promise.race([opening.result, givenUp])
    } finally {
      signal?.removeEventListener('abort', onAbort)
      opening.waiterCount -= 1
      if (opening.waiterCount === 0) opening.abort.abort()
    }
  }

  async #connectWithRetries(
    address: Address,
    protocol: string,
    options: CallOptions,
    signal: AbortSignal,
  ): Promise<ClientConnection> {
    const retryIntervalMs = options.retryIntervalMs ?? RETRY_INTERVAL_MS
    const connectTimeoutMs =
      options.connectTimeoutMs ?? this.#options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS
    let failuresLeft = options.connectRetries ?? 0
    let timeoutsLeft = options.connectRetriesOnTimeouts ?? 0
    for (;;) {
      try {
        return await this.#connect(address, protocol, connectTimeoutMs, signal)
      } catch (error) {
        if (!(error instanceof IpcError) || !RETRIED.has(error.code)) throw error
        const left = error.code === 'connectTimeout' ? timeoutsLeft-- : failuresLeft--
        if (left <= 0) throw error
      }
      await this.#sleep(retryIntervalMs, address, signal)
    }
  }

  #sleep(delayMs: number, address: Address, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        cancel()
        reject(aborted(address))
      }
      const cancel = this.#runtime.clock.after(delayMs, () => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      })
      if (signal.aborted) onAbort()
      else signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  async #connect(
    address: Address,
    protocol: string,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<ClientConnection> {
    if (this.#closed) throw ipcError('closed', address, 'the client is closed')
    const { network, clock } = this.#runtime
    const link = await network.connect(address, { timeoutMs, signal }).catch((cause: unknown) => {
      throw connectError(cause, address)
    })
    if (signal.aborted) {
      link.destroy('aborted while connecting')
      throw aborted(address)
    }
    return new ClientConnection(link, {
      clock,
      clientId: this.#clientId,
      user: this.#options.user,
      protocol,
      callerContext: this.#options.callerContext,
      pingIntervalMs: this.#options.pingIntervalMs ?? PING_INTERVAL_MS,
      responseBytesMax: this.#options.responseBytesMax ?? RESPONSE_BYTES_MAX,
      nextCallId: () => this.#callCount++ & CALL_ID_MASK,
    })
  }

  /** A signal that aborts with `from` and with `close`, until released. */
  #track(from: AbortSignal | undefined): { signal: AbortSignal; release: () => void } {
    const controller = new AbortController()
    const onAbort = (): void => controller.abort()
    if (from?.aborted === true) onAbort()
    from?.addEventListener('abort', onAbort, { once: true })
    this.#running.add(controller)
    const release = (): void => {
      this.#running.delete(controller)
      from?.removeEventListener('abort', onAbort)
    }
    return { signal: controller.signal, release }
  }

  /** After a call: a connection with nothing to do is closed, at once if it left the pool. */
  #rest(key: string, pooled: Pooled): void {
    const { connection } = pooled
    if (connection.pendingCount > 0 || connection.ended) return
    if (this.#pool.get(key) !== pooled) return this.#end(pooled)
    pooled.cancelIdle?.()
    const maxIdleMs = this.#options.maxIdleMs ?? MAX_IDLE_MS
    pooled.cancelIdle = this.#runtime.clock.after(maxIdleMs, () => {
      if (connection.pendingCount > 0) return
      this.#pool.delete(key)
      this.#end(pooled)
    })
  }

  #end(pooled: Pooled): void {
    pooled.cancelIdle?.()
    pooled.connection.close()
  }
}

const RETRIED: ReadonlySet<IpcErrorCode> = new Set(['refused', 'connectTimeout', 'unreachable'])

const CONNECT_ERRORS: Readonly<Record<string, IpcErrorCode>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  ETIMEDOUT: 'connectTimeout',
  ENOTFOUND: 'unknownHost',
  ABORTED: 'aborted',
}

function connectError(cause: unknown, address: Address): Error {
  if (!(cause instanceof NetworkError)) return cause as Error
  const code = CONNECT_ERRORS[cause.code] ?? 'unreachable'
  return new IpcError(code, address, cause.message, { cause })
}

function aborted(address: Address): IpcError {
  return ipcError('aborted', address, 'the call was aborted')
}
