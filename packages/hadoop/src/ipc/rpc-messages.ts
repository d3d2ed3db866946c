/**
 * The frames of Hadoop RPC in both directions. The client's encoders and the server's decoders
 * stand side by side, so that a change of one is seen beside the other.
 */
import { decodeMessage, encodeMessage } from '../protocol/message-codec.ts'
import {
  IpcConnectionContextSchema,
  RequestHeaderSchema,
  RpcRequestHeaderSchema,
  RpcResponseHeaderSchema,
  RpcSaslSchema,
  type IpcConnectionContext,
  type RequestHeader,
  type RpcRequestHeader,
  type RpcResponseHeader,
  type RpcSasl,
} from '../protocol/gen/rpc_pb.ts'
import { encodeFrame } from './delimited.ts'
import {
  AUTH_NONE,
  CALL_CONNECTION_CONTEXT,
  CALL_PING,
  CALL_SASL,
  IPC_VERSION,
  MAGIC,
  PROTOCOL_VERSION,
  RETRY_INVALID,
  RPC_KIND_PROTOBUF,
  RPC_OP_FINAL,
  SASL_SUCCESS,
  STATUS_SUCCESS,
} from './rpc-constants.ts'

export interface CallIdentity {
  readonly callId: number
  readonly clientId: Uint8Array
  readonly retryCount: number
}

interface RequestParts extends CallIdentity {
  readonly callerContext: string | undefined
}

function requestHeader(parts: RequestParts): Uint8Array {
  const { callId, clientId, retryCount, callerContext } = parts
  return encodeMessage(RpcRequestHeaderSchema, {
    rpcKind: RPC_KIND_PROTOBUF,
    rpcOp: RPC_OP_FINAL,
    callId,
    clientId,
    retryCount,
    ...(callerContext === undefined ? {} : { callerContext: { context: callerContext } }),
  })
}

/** The 7 bytes every connection opens with; simple authentication. */
export function encodeConnectionHeader(): Uint8Array {
  return new Uint8Array([...MAGIC, IPC_VERSION, 0, AUTH_NONE])
}

export function encodeConnectionContext(options: {
  readonly clientId: Uint8Array
  readonly user: string
  readonly protocol: string
  readonly callerContext: string | undefined
}): Uint8Array {
  const { clientId, user, protocol, callerContext } = options
  const context = { userInfo: { effectiveUser: user }, protocol }
  const call = { callId: CALL_CONNECTION_CONTEXT, clientId, retryCount: RETRY_INVALID }
  return encodeFrame(
    requestHeader({ ...call, callerContext }),
    encodeMessage(IpcConnectionContextSchema, context),
  )
}

export function encodeCall(
  parts: RequestParts & {
    readonly protocol: string
    readonly methodName: string
    readonly request: Uint8Array
  },
): Uint8Array {
  const method = encodeMessage(RequestHeaderSchema, {
    methodName: parts.methodName,
    declaringClassProtocolName: parts.protocol,
    clientProtocolVersion: BigInt(PROTOCOL_VERSION),
  })
  return encodeFrame(requestHeader(parts), method, parts.request)
}

/** A frame with a header and nothing else; the server does not answer it. */
export function encodePing(clientId: Uint8Array): Uint8Array {
  const parts = { callId: CALL_PING, clientId, retryCount: RETRY_INVALID, callerContext: undefined }
  return encodeFrame(requestHeader(parts))
}

function responseHeader(identity: CallIdentity, status: number, error?: ErrorAnswer): Uint8Array {
  return encodeMessage(RpcResponseHeaderSchema, {
    callId: identity.callId >>> 0,
    status,
    serverIpcVersionNum: IPC_VERSION,
    ...(error === undefined
      ? {}
      : {
          exceptionClassName: error.className,
          errorMsg: error.message,
          errorDetail: error.detail,
        }),
    clientId: identity.clientId,
    retryCount: identity.retryCount,
  })
}

export interface ErrorAnswer {
  readonly className: string
  readonly message: string
  readonly detail: number
}

export function encodeSuccess(identity: CallIdentity, response: Uint8Array): Uint8Array {
  return encodeFrame(responseHeader(identity, STATUS_SUCCESS), response)
}

/** `status` is ERROR or FATAL; nothing follows the header. */
export function encodeError(
  identity: CallIdentity,
  status: number,
  error: ErrorAnswer,
): Uint8Array {
  return encodeFrame(responseHeader(identity, status, error))
}

/** The whole SASL dialogue of a server without Kerberos: go on as with simple authentication. */
export function encodeSaslSuccess(): Uint8Array {
  const identity = { callId: CALL_SASL, clientId: new Uint8Array(0), retryCount: RETRY_INVALID }
  return encodeSuccess(identity, encodeMessage(RpcSaslSchema, { state: SASL_SUCCESS }))
}

export function decodeRequestHeader(bytes: Uint8Array): RpcRequestHeader {
  return decodeMessage(RpcRequestHeaderSchema, bytes)
}

export function decodeMethodHeader(bytes: Uint8Array): RequestHeader {
  return decodeMessage(RequestHeaderSchema, bytes)
}

export function decodeConnectionContext(bytes: Uint8Array): IpcConnectionContext {
  return decodeMessage(IpcConnectionContextSchema, bytes)
}

export function decodeSasl(bytes: Uint8Array): RpcSasl {
  return decodeMessage(RpcSaslSchema, bytes)
}

export function decodeResponseHeader(bytes: Uint8Array): RpcResponseHeader {
  return decodeMessage(RpcResponseHeaderSchema, bytes)
}
