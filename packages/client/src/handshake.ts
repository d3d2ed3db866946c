/**
 * The first frame in each direction (ZooKeeper 3.9 `ConnectRequest`, `ConnectResponse`): a new
 * session where no id is known, else the one that is taken up again.
 */
import { ConnectRequest, ConnectResponse, frame, Reader, Writer } from '@baton/jute'
import type { SessionCredentials } from './inputs-and-effects.ts'

const NO_PASSWORD = new Uint8Array(16)
/** A stock password has 16 bytes; more than this is no password. */
const PASSWORD_BYTES_MAX = 1_024

export interface HandshakeOptions {
  readonly session: SessionCredentials | undefined
  readonly lastZxidSeen: number
  readonly sessionTimeoutMs: number
}

export function connectFrame(options: HandshakeOptions): Uint8Array {
  const writer = new Writer()
  ConnectRequest.write(writer, {
    protocolVersion: 0,
    lastZxidSeen: options.lastZxidSeen,
    timeOut: Math.round(options.sessionTimeoutMs),
    sessionId: options.session?.id ?? 0n,
    passwd: options.session?.password ?? NO_PASSWORD,
  })
  writer.boolean(false) // readOnly: a server without a quorum must not answer
  return frame(writer.finish())
}

export type Granted =
  | { readonly kind: 'granted'; readonly session: SessionCredentials; readonly timeoutMs: number }
  | { readonly kind: 'expired'; readonly reason: string }
  | { readonly kind: 'broken'; readonly reason: string }

/** Throws `JuteError` on bytes that are no answer. */
export function readGrant(payload: Uint8Array, asked: SessionCredentials | undefined): Granted {
  const { timeOut, sessionId, passwd } = ConnectResponse.read(new Reader(payload))
  if (timeOut <= 0) return { kind: 'expired', reason: 'the server says that the session is gone' }
  if (asked !== undefined && sessionId !== asked.id) {
    const reason = 'the server answered with a new session instead of the one asked for'
    return { kind: 'expired', reason }
  }
  if (sessionId === 0n || passwd === null || passwd.length > PASSWORD_BYTES_MAX) {
    return { kind: 'broken', reason: 'the server granted a session without an id or a password' }
  }
  const session = { id: sessionId, password: Uint8Array.from(passwd) }
  return { kind: 'granted', session, timeoutMs: timeOut }
}
