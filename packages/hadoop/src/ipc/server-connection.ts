/**
 * One accepted connection of Hadoop RPC (Java `Server.Connection`): header, then a context, then
 * calls; every refusal with the class, code and text of the Java server.
 *
 *   header  -> context | negotiating      (by the authentication byte)
 *   negotiating -> context                (NEGOTIATE is answered SUCCESS: "go on as simple")
 *   context -> calls
 *   any     -> closed                     (FATAL answer, or silently for an impossible length)
 *
 * Reading stops while too many calls are being handled or answers pile up; what was read already
 * waits in the frame cutter, within its bound.
 */
import type { Address, Clock, Connection } from '@baton/runtime'
import { ProtocolError } from '../protocol/message-codec.ts'
import type { RpcRequestHeader } from '../protocol/gen/rpc_pb.ts'
import { DelimitedReader } from './delimited.ts'
import { FrameCutter, FrameLengthError } from './frame-cutter.ts'
import type { Call, CallOutcome, ServerLimits } from './call.ts'
import { judgeConnectionHeader } from './connection-header.ts'
import {
  CALL_AUTHORIZATION_FAILED,
  CALL_CONNECTION_CONTEXT,
  CALL_PING,
  CALL_SASL,
  CLASS_AUTHORIZATION,
  CLASS_RPC_SERVER,
  CLASS_SASL,
  CONNECTION_HEADER_BYTES,
  FATAL_DESERIALIZING_REQUEST,
  FATAL_INVALID_RPC_HEADER,
  FATAL_UNAUTHORIZED,
  RETRY_INVALID,
  RPC_KIND_NAMES,
  RPC_KIND_PROTOBUF,
  RPC_OP_FINAL,
  RPC_OP_NAMES,
  SASL_INITIATE,
  SASL_NEGOTIATE,
  SASL_STATE_NAMES,
  STATUS_ERROR,
  STATUS_FATAL,
} from './rpc-constants.ts'
import {
  decodeConnectionContext,
  decodeMethodHeader,
  decodeRequestHeader,
  decodeSasl,
  encodeError,
  encodeSaslSuccess,
  encodeSuccess,
  type CallIdentity,
  type ErrorAnswer,
} from './rpc-messages.ts'

export interface ServerConnectionOptions {
  readonly clock: Clock
  readonly limits: ServerLimits
  readonly start: (call: Call) => void
  /** False: the server is full, and will call `proceed` when it is not. */
  readonly mayStart: () => boolean
  /** `reason` only where the server ended it for a fault worth a log line. */
  readonly onClose: (reason: string | undefined) => void
}

/** Ends the connection with a FATAL answer. */
class FatalRefusal extends Error {
  override readonly name = 'FatalRefusal'
  readonly answer: ErrorAnswer
  constructor(className: string, detail: number, message: string) {
    super(message)
    this.answer = { className, detail, message }
  }
}

const NO_CLIENT_ID = new Uint8Array(0)

export class ServerConnection {
  readonly #link: Connection
  readonly #options: ServerConnectionOptions
  readonly #frames: FrameCutter
  readonly openedMs: number
  #phase: 'header' | 'negotiating' | 'context' | 'calls' | 'closed' = 'header'
  #user = ''
  #callsInFlight = 0
  #lastHeardMs: number
  #reading = true
  #draining = false
  #reason: string | undefined

  constructor(link: Connection, options: ServerConnectionOptions) {
    this.#link = link
    this.#options = options
    this.#frames = new FrameCutter({ frameBytesMax: options.limits.requestBytesMax })
    this.openedMs = options.clock.now()
    this.#lastHeardMs = this.openedMs
    link.onClose = () => this.#onLinkClose()
    link.onDrain = () => this.#onDrain()
    link.onData = bytes => this.#onData(bytes)
  }

  get remote(): Address {
    return this.#link.remote
  }

  get lastHeardMs(): number {
    return this.#lastHeardMs
  }

  /** Past its context. */
  get established(): boolean {
    return this.#phase === 'calls'
  }

  get isIdle(): boolean {
    return this.#callsInFlight === 0
  }

  /** Answers may come in any order, and after the connection has gone. */
  answer(call: Call, outcome: CallOutcome): void {
    this.#callsInFlight -= 1
    if (this.#phase === 'closed') return
    this.#send(
      outcome.kind === 'response'
        ? encodeSuccess(call.identity, outcome.response)
        : encodeError(call.identity, STATUS_ERROR, outcome.error),
    )
    this.proceed()
  }

  /** Goes on with what was read and not yet looked at. */
  proceed(): void {
    if (this.#phase === 'closed') return
    this.#consume()
    this.#updateReading()
  }

  close(reason: string): void {
    if (this.#phase === 'closed') return
    this.#phase = 'closed'
    this.#link.close(reason)
  }

  #onLinkClose(): void {
    this.#phase = 'closed'
    this.#options.onClose(this.#reason)
  }

  #onDrain(): void {
    this.#draining = false
    this.proceed()
  }

  #onData(bytes: Uint8Array): void {
    if (this.#phase === 'closed') return
    this.#lastHeardMs = this.#options.clock.now()
    this.#frames.push(bytes)
    this.proceed()
  }

  #updateReading(): void {
    if (this.#isClosed()) return
    const wanted = this.#mayConsume()
    if (wanted === this.#reading) return
    this.#reading = wanted
    if (wanted) this.#link.resume()
    else this.#link.pause()
  }

  #mayConsume(): boolean {
    if (this.#draining) return false
    if (this.#callsInFlight >= this.#options.limits.callsPerConnectionMax) return false
    return this.#options.mayStart()
  }

  /** Handlers may end the connection while the loop runs; the compiler cannot know that. */
  #isClosed(): boolean {
    return this.#phase === 'closed'
  }

  #consume(): void {
    try {
      if (this.#phase === 'header' && !this.#readHeader()) return
      while (!this.#isClosed() && this.#mayConsume()) {
        const frame = this.#frames.next()
        if (frame === undefined) return
        this.#onFrame(frame)
      }
    } catch (error) {
      if (!(error instanceof FrameLengthError)) throw error
      // Java drops the connection without an answer here too.
      this.#reason = error.message
      this.#phase = 'closed'
      this.#link.destroy(error.message)
    }
  }

  /** False while the header is incomplete, or after it was refused. */
  #readHeader(): boolean {
    const bytes = this.#frames.take(CONNECTION_HEADER_BYTES)
    if (bytes === undefined) return false
    const verdict = judgeConnectionHeader(bytes)
    switch (verdict.kind) {
      case 'simple':
        this.#phase = 'context'
        return true
      case 'sasl':
        this.#phase = 'negotiating'
        return true
      case 'raw':
        this.#refuseRaw(verdict.answer, verdict.reason)
        return false
      case 'fatal':
        this.#refuse(outOfBand(CALL_AUTHORIZATION_FAILED), verdict.error)
        return false
    }
  }

  #refuseRaw(answer: Uint8Array, reason: string): void {
    this.#reason = reason
    if (answer.length > 0) this.#link.send(answer)
    this.close(reason)
  }

  #refuse(identity: CallIdentity, error: ErrorAnswer): void {
    this.#refuseRaw(encodeError(identity, STATUS_FATAL, error), error.message)
  }

  #onFrame(frame: Uint8Array): void {
    const reader = new DelimitedReader(frame)
    let identity = outOfBand(CALL_AUTHORIZATION_FAILED)
    try {
      const header = decodeAs('RpcRequestHeaderProto', () =>
        decodeRequestHeader(reader.next('RPC header')),
      )
      const { callId, retryCount } = header
      identity = { callId, retryCount, clientId: NO_CLIENT_ID }
      checkRequestHeader(header)
      if (header.callId < 0) this.#onOutOfBand(header, reader)
      else this.#onCall(header, reader)
    } catch (error) {
      this.#refuse(identity, refusalOf(error))
    }
  }

  #onOutOfBand(header: RpcRequestHeader, reader: DelimitedReader): void {
    switch (header.callId) {
      case CALL_PING:
        return
      case CALL_CONNECTION_CONTEXT:
        return this.#onContext(reader)
      case CALL_SASL:
        return this.#onSasl(reader)
      default:
        throw invalidHeader(`Unknown out of band call #${header.callId}`)
    }
  }

  #onContext(reader: DelimitedReader): void {
    if (this.#phase === 'calls') throw invalidHeader('Connection context already processed')
    if (this.#phase === 'negotiating') {
      throw invalidHeader('Connection header sent during SASL negotiation')
    }
    const { userInfo } = decodeAs('IpcConnectionContextProto', () =>
      decodeConnectionContext(reader.next('connection context')),
    )
    const user = userInfo?.effectiveUser ?? ''
    const realUser = userInfo?.realUser ?? ''
    if (realUser !== '') {
      const message = `User: ${realUser} is not allowed to impersonate ${user}`
      throw new FatalRefusal(CLASS_AUTHORIZATION, FATAL_UNAUTHORIZED, message)
    }
    this.#user = user
    this.#phase = 'calls'
  }

  /** A SUCCESS answer ends the SASL dialogue, so a second message was "not requested". */
  #onSasl(reader: DelimitedReader): void {
    if (this.#phase !== 'negotiating') throw invalidHeader('SASL protocol not requested by client')
    const { state } = decodeAs('RpcSaslProto', () => decodeSasl(reader.next('SASL message')))
    if (state !== SASL_NEGOTIATE) throw saslRefusal(state)
    this.#phase = 'context'
    this.#send(encodeSaslSuccess())
  }

  #onCall(header: RpcRequestHeader, reader: DelimitedReader): void {
    if (this.#phase !== 'calls') throw invalidHeader('Connection context not established')
    const method = decodeAs('RequestHeaderProto', () =>
      decodeMethodHeader(reader.next('request header')),
    )
    const { callId, clientId, retryCount, callerContext } = header
    const call: Call = {
      identity: { callId, clientId, retryCount },
      protocol: method.declaringClassProtocolName,
      protocolVersion: method.clientProtocolVersion,
      methodName: method.methodName,
      request: reader.atEnd ? undefined : reader.next('request'),
      context: {
        user: this.#user,
        remote: this.#link.remote,
        callerContext: callerContext?.context,
      },
    }
    this.#callsInFlight += 1
    this.#options.start(call)
  }

  #send(bytes: Uint8Array): void {
    if (this.#link.send(bytes)) return
    this.#draining = true
    const { answerBytesMax } = this.#options.limits
    if (this.#link.queuedBytes <= answerBytesMax) return
    this.#reason = `the peer does not read its answers (${answerBytesMax} bytes wait)`
    this.#phase = 'closed'
    this.#link.destroy(this.#reason)
  }
}

function outOfBand(callId: number): CallIdentity {
  return { callId, clientId: NO_CLIENT_ID, retryCount: RETRY_INVALID }
}

function invalidHeader(message: string): FatalRefusal {
  return new FatalRefusal(CLASS_RPC_SERVER, FATAL_INVALID_RPC_HEADER, message)
}

/** In the order in which Java checks, so that the same broken header gets the same text. */
function checkRequestHeader(header: RpcRequestHeader): void {
  // Java's parser drops numbers its enumerations do not know: those fields count as absent.
  const op = Object.hasOwn(header, 'rpcOp') ? RPC_OP_NAMES[header.rpcOp] : undefined
  const kind = Object.hasOwn(header, 'rpcKind') ? RPC_KIND_NAMES[header.rpcKind] : undefined
  if (op === undefined) throw invalidHeader(' IPC Server: No rpc op in rpcRequestHeader')
  if (header.rpcOp !== RPC_OP_FINAL) {
    throw invalidHeader(`IPC Server does not implement rpc header operation${op}`)
  }
  if (kind === undefined) throw invalidHeader(' IPC Server: No rpc kind in rpcRequestHeader')
  if (header.rpcKind !== RPC_KIND_PROTOBUF) {
    throw invalidHeader(`Unknown rpc kind in rpc header${kind}`)
  }
}

function saslRefusal(state: number): FatalRefusal {
  const message =
    state === SASL_INITIATE
      ? 'Client mechanism is malformed'
      : `Client sent unsupported state ${SASL_STATE_NAMES[state] ?? state}`
  return new FatalRefusal(CLASS_SASL, FATAL_UNAUTHORIZED, message)
}

function decodeAs<Message>(javaName: string, decode: () => Message): Message {
  try {
    return decode()
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    const message = `Error decoding ${javaName}: ${error.message}`
    throw new FatalRefusal(CLASS_RPC_SERVER, FATAL_DESERIALIZING_REQUEST, message)
  }
}

function refusalOf(error: unknown): ErrorAnswer {
  if (error instanceof FatalRefusal) return error.answer
  if (!(error instanceof ProtocolError)) throw error
  const detail = FATAL_DESERIALIZING_REQUEST
  return { className: CLASS_RPC_SERVER, message: error.message, detail }
}
