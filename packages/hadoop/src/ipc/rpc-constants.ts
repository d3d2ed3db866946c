/** Numbers and texts of Hadoop RPC version 9 (Java `RpcConstants`, `RpcHeader.proto`, `Server`). */

/** "hrpc", the first four bytes of every connection. */
export const MAGIC = new Uint8Array([0x68, 0x72, 0x70, 0x63])
export const IPC_VERSION = 9
/** Magic, version, service class, authentication protocol. */
export const CONNECTION_HEADER_BYTES = 7

export const AUTH_NONE = 0x00
/** Java writes -33. */
export const AUTH_SASL = 0xdf

/** Call ids below 0 mean something else than a call. */
export const CALL_AUTHORIZATION_FAILED = -1
export const CALL_CONNECTION_CONTEXT = -3
export const CALL_PING = -4
export const CALL_SASL = -33
export const RETRY_INVALID = -1

export const RPC_OP_FINAL = 0
export const RPC_OP_NAMES = [
  'RPC_FINAL_PACKET',
  'RPC_CONTINUATION_PACKET',
  'RPC_CLOSE_CONNECTION',
] as const
export const RPC_KIND_PROTOBUF = 2
/** Java's names of the other kinds, as its refusal spells them. */
export const RPC_KIND_NAMES = ['RPC_BUILTIN', 'RPC_WRITABLE', 'RPC_PROTOCOL_BUFFER'] as const

export const STATUS_SUCCESS = 0
export const STATUS_ERROR = 1
export const STATUS_FATAL = 2

/** `RpcErrorCodeProto`. */
export const ERROR_APPLICATION = 1
export const ERROR_NO_SUCH_METHOD = 2
export const ERROR_NO_SUCH_PROTOCOL = 3
export const ERROR_RPC_SERVER = 4
export const ERROR_RPC_VERSION_MISMATCH = 6
export const FATAL_INVALID_RPC_HEADER = 12
export const FATAL_DESERIALIZING_REQUEST = 13
export const FATAL_VERSION_MISMATCH = 14
export const FATAL_UNAUTHORIZED = 15

export const SASL_SUCCESS = 0
export const SASL_NEGOTIATE = 1
export const SASL_INITIATE = 2
export const SASL_STATE_NAMES = [
  'SUCCESS',
  'NEGOTIATE',
  'INITIATE',
  'CHALLENGE',
  'RESPONSE',
  'WRAP',
] as const

/** Every protocol Baton speaks is at version 1. */
export const PROTOCOL_VERSION = 1

export const CLASS_RPC_SERVER = 'org.apache.hadoop.ipc.RpcServerException'
export const CLASS_SASL = 'javax.security.sasl.SaslException'
export const CLASS_IPC = 'org.apache.hadoop.ipc.IpcException'
export const CLASS_VERSION_MISMATCH = 'org.apache.hadoop.ipc.RPC$VersionMismatch'
export const CLASS_NO_SUCH_METHOD = 'org.apache.hadoop.ipc.RpcNoSuchMethodException'
export const CLASS_NO_SUCH_PROTOCOL = 'org.apache.hadoop.ipc.RpcNoSuchProtocolException'
export const CLASS_INVALID_PROTOBUF =
  'org.apache.hadoop.thirdparty.protobuf.InvalidProtocolBufferException'
export const CLASS_AUTHORIZATION = 'org.apache.hadoop.security.authorize.AuthorizationException'

/** Answer to something that looks like an HTTP request. */
export const HTTP_ANSWER =
  'HTTP/1.1 404 Not Found\r\nContent-type: text/plain\r\n\r\n' +
  'It looks like you are making an HTTP request to a Hadoop IPC port. ' +
  'This is not the correct port for the web interface on this daemon.\r\n'
