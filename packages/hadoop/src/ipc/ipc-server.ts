/**
 * The server side of Hadoop RPC (Java `Server`): listens, keeps its connections within bounds,
 * finds the handler of a call. What a connection may say, and in which order, is
 * `server-connection.ts`.
 */
import { assert, formatAddress } from '@baton/runtime'
import type { Address, Cancel, Connection, Listener, Runtime } from '@baton/runtime'
import { ProtocolError } from '../protocol/message-codec.ts'
import type { Method } from '../protocol/method.ts'
import type { Call, CallContext, CallOutcome, IpcServerOptions, ServerLimits } from './call.ts'
import { ServiceException } from './ipc-error.ts'
import {
  CLASS_INVALID_PROTOBUF,
  CLASS_NO_SUCH_METHOD,
  CLASS_NO_SUCH_PROTOCOL,
  CLASS_VERSION_MISMATCH,
  ERROR_APPLICATION,
  ERROR_NO_SUCH_METHOD,
  ERROR_NO_SUCH_PROTOCOL,
  ERROR_RPC_VERSION_MISMATCH,
  PROTOCOL_VERSION,
} from './rpc-constants.ts'
import type { ErrorAnswer } from './rpc-messages.ts'
import { ServerConnection } from './server-connection.ts'

/** One method with its implementation, made by `implement`. */
export interface Handler {
  readonly name: string
  /** Decodes, runs, encodes. Rejects with `ProtocolError` for a broken request. */
  run(request: Uint8Array, context: CallContext): Promise<Uint8Array>
}

/**
 * Ties an implementation to a method. It may throw `ServiceException` to choose the Java class
 * the caller gets; any other error arrives as `java.io.IOException` and is logged here.
 */
export function implement<Request, Response>(
  method: Method<Request, Response>,
  handle: (request: Request, context: CallContext) => Response | Promise<Response>,
): Handler {
  return {
    name: method.name,
    run: async (request, context) =>
      method.encodeResponse(await handle(method.decodeRequest(request), context)),
  }
}

const DEFAULT_LIMITS: ServerLimits = {
  requestBytesMax: 4 * 1024 * 1024,
  maxIdleMs: 20_000,
  idleThresholdCount: 4_000,
  handshakeTimeoutMs: 20_000,
  callsInFlightMax: 1_000,
  callsPerConnectionMax: 100,
  connectionsMax: 10_000,
  answerBytesMax: 8 * 1024 * 1024,
}
const IDLE_SCAN_INTERVAL_MS = 10_000

export class IpcServer {
  readonly #runtime: Pick<Runtime, 'clock' | 'network' | 'logger'>
  readonly #address: Address
  readonly #limits: ServerLimits
  readonly #protocols = new Map<string, ReadonlyMap<string, Handler>>()
  readonly #connections = new Set<ServerConnection>()
  /** Connections that stopped reading because too many calls were being handled. */
  readonly #held = new Set<ServerConnection>()
  #listener: Listener | undefined
  #cancelScan: Cancel | undefined
  #callsInFlight = 0

  constructor(runtime: Pick<Runtime, 'clock' | 'network' | 'logger'>, options: IpcServerOptions) {
    const { address, ...limits } = options
    this.#runtime = runtime
    this.#address = address
    this.#limits = { ...DEFAULT_LIMITS, ...limits }
  }

  /** `implementation` is keyed by method name; see `implement`. */
  register(protocol: string, implementation: Readonly<Record<string, Handler>>): void {
    const handlers = new Map<string, Handler>()
    for (const [name, handler] of Object.entries(implementation)) {
      assert(handler.name === name, `${protocol}.${name} is tied to the method of that name`)
      handlers.set(name, handler)
    }
    this.#protocols.set(protocol, handlers)
  }

  /** The address really bound. Rejects with `NetworkError`. */
  async listen(): Promise<Address> {
    assert(this.#listener === undefined, 'a server listens once')
    this.#listener = await this.#runtime.network.listen(this.#address, link => this.#accept(link))
    this.#cancelScan = this.#runtime.clock.every(IDLE_SCAN_INTERVAL_MS, () => this.#closeIdle())
    return this.#listener.address
  }

  /** Stops listening and ends every connection; answers already queued still leave. */
  async close(): Promise<void> {
    this.#cancelScan?.()
    const listener = this.#listener
    await listener?.close()
    for (const connection of [...this.#connections]) connection.close('the server stops')
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  #accept(link: Connection): void {
    if (this.#connections.size >= this.#limits.connectionsMax) {
      const fields = {
        peer: formatAddress(link.remote),
        connectionsMax: this.#limits.connectionsMax,
      }
      this.#runtime.logger.warn(fields, 'RPC connection refused: too many connections')
      link.destroy('too many connections')
      return
    }
    const connection: ServerConnection = new ServerConnection(link, {
      clock: this.#runtime.clock,
      limits: this.#limits,
      start: call => this.#start(call, connection),
      mayStart: () => this.#mayStart(connection),
      onClose: reason => this.#onClose(connection, reason),
    })
    this.#connections.add(connection)
  }

  #onClose(connection: ServerConnection, reason: string | undefined): void {
    this.#connections.delete(connection)
    this.#held.delete(connection)
    if (reason === undefined) return
    const fields = { peer: formatAddress(connection.remote), reason }
    this.#runtime.logger.warn(fields, 'RPC connection closed')
  }

  #mayStart(connection: ServerConnection): boolean {
    if (this.#callsInFlight < this.#limits.callsInFlightMax) return true
    this.#held.add(connection)
    return false
  }

  /** Not awaited: an assertion that fails in a handler must end the process, not the call. */
  #start(call: Call, connection: ServerConnection): void {
    this.#callsInFlight += 1
    void this.#handle(call, connection)
  }

  async #handle(call: Call, connection: ServerConnection): Promise<void> {
    const outcome = await this.#outcome(call)
    this.#callsInFlight -= 1
    connection.answer(call, outcome)
    this.#wakeHeld()
  }

  /** Every one that may go on, because the first of them may have nothing left to start. */
  #wakeHeld(): void {
    for (const waiting of [...this.#held]) {
      if (this.#callsInFlight >= this.#limits.callsInFlightMax) return
      this.#held.delete(waiting)
      waiting.proceed()
    }
  }

  async #outcome(call: Call): Promise<CallOutcome> {
    const found = this.#find(call)
    if ('className' in found) return { kind: 'error', error: found }
    try {
      if (call.request === undefined) throw new ProtocolError('the call ends before its request')
      return { kind: 'response', response: await found.run(call.request, call.context) }
    } catch (error) {
      return { kind: 'error', error: this.#describe(error, call) }
    }
  }

  #find(call: Call): Handler | ErrorAnswer {
    const handlers = this.#protocols.get(call.protocol)
    if (handlers === undefined) {
      const message = `Unknown protocol: ${call.protocol}`
      return { className: CLASS_NO_SUCH_PROTOCOL, message, detail: ERROR_NO_SUCH_PROTOCOL }
    }
    if (call.protocolVersion !== BigInt(PROTOCOL_VERSION)) {
      const versions = `client = ${call.protocolVersion}, server = ${PROTOCOL_VERSION}`
      const message = `Protocol ${call.protocol} version mismatch. (${versions})`
      return { className: CLASS_VERSION_MISMATCH, message, detail: ERROR_RPC_VERSION_MISMATCH }
    }
    const handler = handlers.get(call.methodName)
    if (handler !== undefined) return handler
    const message = `Unknown method ${call.methodName} called on ${call.protocol} protocol.`
    return { className: CLASS_NO_SUCH_METHOD, message, detail: ERROR_NO_SUCH_METHOD }
  }

  #describe(error: unknown, call: Call): ErrorAnswer {
    if (error instanceof ServiceException) {
      return { className: error.className, message: error.message, detail: ERROR_APPLICATION }
    }
    if (error instanceof ProtocolError) {
      const { message } = error
      return { className: CLASS_INVALID_PROTOBUF, message, detail: ERROR_APPLICATION }
    }
    if (!(error instanceof Error) || error.name === 'AssertionFailure') throw error
    const fields = { method: call.methodName, error: error.message, stack: error.stack }
    this.#runtime.logger.error(fields, 'an RPC handler failed')
    return {
      className: 'java.io.IOException',
      message: `${call.methodName} failed: ${error.message}`,
      detail: ERROR_APPLICATION,
    }
  }

  /** Java's `ConnectionManager.closeIdle`; the oldest first, only above the threshold. */
  #closeIdle(): void {
    const now = this.#runtime.clock.now()
    const { idleThresholdCount, maxIdleMs, handshakeTimeoutMs } = this.#limits
    let surplus = this.#connections.size - idleThresholdCount
    for (const connection of [...this.#connections]) {
      const silentMs = now - connection.lastHeardMs
      if (!connection.established) {
        if (now - connection.openedMs >= handshakeTimeoutMs) connection.close('handshake too slow')
      } else if (surplus > 0 && connection.isIdle && silentMs >= maxIdleMs) {
        surplus -= 1
        connection.close('idle')
      }
    }
  }
}
