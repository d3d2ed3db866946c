/**
 * One client connection of Hadoop RPC (Java `Client.Connection`).
 *
 * Nothing is sent before the first call: connection header, context and first call leave in one
 * write. A read is pending from the first moment, so the end of the link is known when the kernel
 * knows it: every waiting call fails, then `onClose` runs, all in the same turn. Answers may come
 * in any order. A call that ran out of time fails alone and its late answer is dropped; the
 * connection lives on, because only its owner can say what the silence means.
 */
import { assert } from '@baton/runtime'
import type { Address, Cancel, Clock, CloseCause, Connection } from '@baton/runtime'
import type { Method } from '../protocol/method.ts'
import type { RpcResponseHeader } from '../protocol/gen/rpc_pb.ts'
import { DelimitedReader } from './delimited.ts'
import { FrameCutter, FrameLengthError } from './frame-cutter.ts'
import { ipcError, RemoteException } from './ipc-error.ts'
import { STATUS_ERROR, STATUS_FATAL, STATUS_SUCCESS } from './rpc-constants.ts'
import {
  decodeResponseHeader,
  encodeCall,
  encodeConnectionContext,
  encodeConnectionHeader,
  encodePing,
} from './rpc-messages.ts'

/** Calls of one connection that wait for an answer at one time. */
const CALLS_PENDING_MAX = 10_000

export interface ConnectionCallOptions {
  /** 0: none. */
  readonly rpcTimeoutMs: number
  readonly callerContext?: string
  /** Given up at once; the call's outcome is unknown then. */
  readonly signal?: AbortSignal
  /** Above 0 where the same call was tried before, at another server. */
  readonly retryCount?: number
}

/** A link to one server for one protocol. */
export interface IpcConnection {
  readonly remote: Address
  readonly local: Address
  call<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: ConnectionCallOptions,
  ): Promise<Response>
  /** Once, as soon as the link has ended, also when no call waits; set later, it still runs. */
  onClose: (cause: CloseCause) => void
  close(): void
}

export interface ClientConnectionOptions {
  readonly clock: Clock
  readonly clientId: Uint8Array
  readonly user: string
  readonly protocol: string
  readonly callerContext: string | undefined
  /** Ping after this long without a byte while a call waits; 0: never. */
  readonly pingIntervalMs: number
  readonly responseBytesMax: number
  /** Ids are counted over all connections of one client. */
  readonly nextCallId: () => number
}

type MethodName = Pick<Method<unknown, unknown>, 'protocol' | 'name'>

interface PendingCall {
  readonly accept: (body: Uint8Array) => void
  readonly reject: (error: Error) => void
}

export class ClientConnection implements IpcConnection {
  readonly #link: Connection
  readonly #options: ClientConnectionOptions
  readonly #frames: FrameCutter
  readonly #pending = new Map<number, PendingCall>()
  /** Ids whose answer nobody waits for any more. */
  readonly #abandoned = new Set<number>()
  /** For the pool that owns the connection; runs before `onClose`. */
  onEnded: () => void = () => {}
  #greeted = false
  #lastHeardMs: number
  #cancelPing: Cancel | undefined
  #ended: CloseCause | undefined
  #failure: Error | undefined
  #closeHandler: ((cause: CloseCause) => void) | undefined

  constructor(link: Connection, options: ClientConnectionOptions) {
    this.#link = link
    this.#options = options
    this.#frames = new FrameCutter({ frameBytesMax: options.responseBytesMax })
    this.#lastHeardMs = options.clock.now()
    link.onClose = cause => this.#onLinkClose(cause)
    link.onData = bytes => this.#onData(bytes)
  }

  get remote(): Address {
    return this.#link.remote
  }

  get local(): Address {
    return this.#link.local
  }

  get ended(): boolean {
    return this.#ended !== undefined || this.#failure !== undefined
  }

  get pendingCount(): number {
    return this.#pending.size
  }

  get onClose(): (cause: CloseCause) => void {
    return this.#closeHandler ?? (() => {})
  }

  set onClose(run: (cause: CloseCause) => void) {
    const late = this.#closeHandler === undefined && this.#ended !== undefined
    this.#closeHandler = run
    if (late && this.#ended !== undefined) run(this.#ended)
  }

  async call<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: ConnectionCallOptions,
  ): Promise<Response> {
    if (this.ended) throw this.#failure ?? this.#closedError('the connection is closed')
    if (options.signal?.aborted === true) throw this.#error('aborted', 'the call was aborted')
    if (this.#pending.size + this.#abandoned.size >= CALLS_PENDING_MAX) {
      throw this.#error('protocol', `${CALLS_PENDING_MAX} calls wait for an answer already`)
    }
    const callId = this.#options.nextCallId()
    const body = await this.#exchange(callId, method, method.encodeRequest(request), options)
    try {
      return method.decodeResponse(body)
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw ipcError('protocol', this.remote, `the answer to ${method.name} is broken: ${reason}`)
    }
  }

  close(): void {
    this.#link.close('closed by the client')
  }

  #exchange(
    callId: number,
    method: MethodName,
    request: Uint8Array,
    options: ConnectionCallOptions,
  ): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const giveUp = (code: 'timeout' | 'aborted', what: string): void => {
        this.#abandoned.add(callId)
        this.#settle(callId)?.reject(this.#error(code, what))
      }
      const { rpcTimeoutMs, signal } = options
      const onAbort = (): void => giveUp('aborted', `the call ${method.name} was aborted`)
      const cancelTimer =
        rpcTimeoutMs > 0
          ? this.#options.clock.after(rpcTimeoutMs, () =>
              giveUp('timeout', `no answer to ${method.name} within ${rpcTimeoutMs} ms`),
            )
          : undefined
      const release = (): void => {
        cancelTimer?.()
        signal?.removeEventListener('abort', onAbort)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#pending.set(callId, {
        accept: body => {
          release()
          resolve(body)
        },
        reject: error => {
          release()
          reject(error)
        },
      })
      this.#send(callId, method, request, options)
    })
  }

  #send(
    callId: number,
    method: MethodName,
    request: Uint8Array,
    options: ConnectionCallOptions,
  ): void {
    const { clientId } = this.#options
    const callerContext = options.callerContext ?? this.#options.callerContext
    const retryCount = options.retryCount ?? 0
    const { protocol, name: methodName } = method
    const parts = { callId, clientId, retryCount, callerContext, protocol, methodName, request }
    const call = encodeCall(parts)
    if (this.#greeted) this.#link.send(call)
    else this.#link.send(this.#withGreeting(call, callerContext))
    this.#greeted = true
    if (this.#cancelPing === undefined) {
      this.#lastHeardMs = this.#options.clock.now()
      this.#armPing(this.#options.pingIntervalMs)
    }
  }

  #withGreeting(call: Uint8Array, callerContext: string | undefined): Uint8Array {
    const { clientId, user, protocol } = this.#options
    const header = encodeConnectionHeader()
    const context = encodeConnectionContext({ clientId, user, protocol, callerContext })
    const all = new Uint8Array(header.length + context.length + call.length)
    all.set(header)
    all.set(context, header.length)
    all.set(call, header.length + context.length)
    return all
  }

  #armPing(delayMs: number): void {
    if (this.#options.pingIntervalMs <= 0) return
    this.#cancelPing = this.#options.clock.after(delayMs, () => this.#onPingDue())
  }

  #onPingDue(): void {
    this.#cancelPing = undefined
    if (this.ended || this.#pending.size === 0) return
    const { clock, pingIntervalMs, clientId } = this.#options
    const silentMs = clock.now() - this.#lastHeardMs
    if (silentMs < pingIntervalMs) return this.#armPing(pingIntervalMs - silentMs)
    this.#link.send(encodePing(clientId))
    this.#lastHeardMs = clock.now()
    this.#armPing(pingIntervalMs)
  }

  #onData(bytes: Uint8Array): void {
    if (this.ended) return
    this.#lastHeardMs = this.#options.clock.now()
    this.#frames.push(bytes)
    try {
      for (let frame = this.#frames.next(); frame !== undefined; frame = this.#frames.next()) {
        this.#onFrame(frame)
        if (this.ended) return
      }
    } catch (cause) {
      this.#fail(this.#brokenStream(cause))
    }
  }

  #brokenStream(cause: unknown): Error {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const tooLarge = cause instanceof FrameLengthError && cause.length > 0
    if (tooLarge) return this.#error('tooLarge', `the server answered with ${reason}`)
    return this.#error('protocol', `the server does not speak Hadoop RPC version 9: ${reason}`)
  }

  /** Throws on anything that is not a well-formed answer to one of our calls. */
  #onFrame(frame: Uint8Array): void {
    const reader = new DelimitedReader(frame)
    const header = decodeResponseHeader(reader.next('response header'))
    this.#checkClientId(header)
    const callId = header.callId | 0
    const success = header.status === STATUS_SUCCESS
    const body = success ? reader.next('response') : undefined
    if (!reader.atEnd) throw new RangeError(`bytes follow the answer to call ${callId}`)
    if (header.status === STATUS_FATAL) return this.#fail(remoteException(header))
    if (!success && header.status !== STATUS_ERROR) {
      throw new RangeError(`the answer to call ${callId} has the unknown status ${header.status}`)
    }
    if (this.#abandoned.delete(callId)) return
    const call = this.#settle(callId)
    if (call === undefined) throw new RangeError(`an answer to call ${callId}, which nobody made`)
    if (body === undefined) call.reject(remoteException(header))
    else call.accept(body)
  }

  /** A server may leave it out, or empty where it did not get as far as reading ours. */
  #checkClientId(header: RpcResponseHeader): void {
    const theirs = header.clientId
    if (theirs.length === 0) return
    const ours = this.#options.clientId
    const same = theirs.length === ours.length && theirs.every((byte, at) => byte === ours[at])
    if (!same) throw new RangeError('the answer carries the client id of another client')
  }

  #settle(callId: number): PendingCall | undefined {
    const call = this.#pending.get(callId)
    if (call === undefined) return undefined
    this.#pending.delete(callId)
    if (this.#pending.size === 0) {
      this.#cancelPing?.()
      this.#cancelPing = undefined
    }
    return call
  }

  /** Ends the connection from our side: every waiting call gets `error`. */
  #fail(error: Error): void {
    assert(!this.ended, 'a connection fails once')
    this.#failure = error
    this.#rejectAll(error)
    this.#link.destroy(error.message)
  }

  #onLinkClose(cause: CloseCause): void {
    this.#ended = cause
    this.#rejectAll(this.#failure ?? this.#closedError(closeText(cause), cause))
    this.onEnded()
    this.#closeHandler?.(cause)
  }

  #rejectAll(error: Error): void {
    for (const callId of [...this.#pending.keys()]) this.#settle(callId)?.reject(error)
    this.#abandoned.clear()
  }

  #closedError(what: string, cause?: CloseCause): Error {
    return this.#error(cause?.kind === 'reset' ? 'reset' : 'closed', what)
  }

  #error(code: Parameters<typeof ipcError>[0], what: string): Error {
    return ipcError(code, this.remote, what)
  }
}

function closeText(cause: CloseCause): string {
  const texts: Readonly<Record<CloseCause['kind'], string>> = {
    end: 'the server closed the connection',
    reset: 'the connection broke',
    local: 'the connection was closed on this side',
  }
  const reason = cause.reason === undefined ? '' : `: ${cause.reason}`
  return `${texts[cause.kind]}${reason}`
}

function remoteException(header: RpcResponseHeader): RemoteException {
  const className = header.exceptionClassName || 'ServerDidNotSetExceptionClassName'
  const message = header.errorMsg || 'ServerDidNotSetErrorMsg'
  const errorDetail = header.errorDetail === 0 ? undefined : header.errorDetail
  return new RemoteException(className, message, {
    errorDetail,
    fatal: header.status === STATUS_FATAL,
  })
}
