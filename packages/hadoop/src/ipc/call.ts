/** What the server, its connections and its handlers hand to each other. */
import type { Address } from '@baton/runtime'
import type { CallIdentity, ErrorAnswer } from './rpc-messages.ts'

/** Who asks, as far as simple authentication knows. */
export interface CallContext {
  /** Effective user of the connection; empty where the caller named none. */
  readonly user: string
  readonly remote: Address
  readonly callerContext: string | undefined
}

/** One call as it came in, its request still in bytes. */
export interface Call {
  readonly identity: CallIdentity
  readonly protocol: string
  readonly protocolVersion: bigint
  readonly methodName: string
  /** undefined where the frame ends before it; an empty message is one byte long. */
  readonly request: Uint8Array | undefined
  readonly context: CallContext
}

/** The outcome of one call: the response message, or what the caller is told instead. */
export type CallOutcome =
  | { readonly kind: 'response'; readonly response: Uint8Array }
  | { readonly kind: 'error'; readonly error: ErrorAnswer }

export interface IpcServerOptions {
  readonly address: Address
  /** Default 4 MiB; Java's `ipc.maximum.data.length` is 128 MiB. */
  readonly requestBytesMax?: number
  /** Idle connections above `idleThresholdCount` end after this. Default 20,000, as in Java. */
  readonly maxIdleMs?: number
  /** Default 4,000, as `ipc.client.idlethreshold`. */
  readonly idleThresholdCount?: number
  /** A connection that has not said who it is by then ends. Default 20,000. */
  readonly handshakeTimeoutMs?: number
  /** Calls being handled, over all connections; more wait in the socket. Default 1,000. */
  readonly callsInFlightMax?: number
  /** The same for one connection, so that one peer cannot take them all. Default 100. */
  readonly callsPerConnectionMax?: number
  /** Default 10,000; a further connection is closed at once. */
  readonly connectionsMax?: number
  /** Answers waiting for a slow reader; beyond this the connection is reset. Default 8 MiB. */
  readonly answerBytesMax?: number
}

export type ServerLimits = Required<Omit<IpcServerOptions, 'address'>>
