/**
 * The first seven bytes of a connection and what Java's `Server` makes of them:
 *
 *   "hrpc" version class auth      9 and 0x00: simple; 9 and 0xdf (-33): SASL
 *   "GET "                         an HTTP client took the wrong port: one fixed answer
 *   anything else                  version mismatch, in the answer format of the version claimed
 *
 * The version is judged as if the magic were right, so a stranger's fifth byte is taken for it.
 */
import {
  AUTH_NONE,
  AUTH_SASL,
  CLASS_IPC,
  CLASS_VERSION_MISMATCH,
  FATAL_UNAUTHORIZED,
  FATAL_VERSION_MISMATCH,
  HTTP_ANSWER,
  IPC_VERSION,
  MAGIC,
} from './rpc-constants.ts'
import type { ErrorAnswer } from './rpc-messages.ts'

export type HeaderVerdict =
  | { readonly kind: 'simple' }
  | { readonly kind: 'sasl' }
  /** Send these bytes (maybe none) and close. */
  | { readonly kind: 'raw'; readonly answer: Uint8Array; readonly reason: string }
  /** Send a FATAL answer and close. */
  | { readonly kind: 'fatal'; readonly error: ErrorAnswer }

const HTTP_GET = new Uint8Array([0x47, 0x45, 0x54, 0x20])
/** From here on a FATAL answer is a protobuf response header. */
const PROTOBUF_ANSWERS_SINCE = 9
const FRAMED_ANSWERS_SINCE = 3
/** Hadoop 0.18. */
const OLDEST_ANSWERED = 2

const text = new TextEncoder()

/** `bytes`: exactly the seven of the header. */
export function judgeConnectionHeader(bytes: Uint8Array): HeaderVerdict {
  const magic = bytes.subarray(0, MAGIC.length)
  if (equalBytes(magic, HTTP_GET)) {
    const reason = 'an HTTP request on the RPC port'
    return { kind: 'raw', answer: text.encode(HTTP_ANSWER), reason }
  }
  const version = ((bytes[4] ?? 0) << 24) >> 24 // a Java byte is signed
  if (!equalBytes(magic, MAGIC) || version !== IPC_VERSION) return badVersion(version)
  const auth = bytes[6] ?? 0
  if (auth === AUTH_NONE) return { kind: 'simple' }
  if (auth === AUTH_SASL) return { kind: 'sasl' }
  const signed = (auth << 24) >> 24
  const message = `Unknown auth protocol:${signed}`
  return { kind: 'fatal', error: { className: CLASS_IPC, message, detail: FATAL_UNAUTHORIZED } }
}

function badVersion(version: number): HeaderVerdict {
  const ours = `Server IPC version ${IPC_VERSION}`
  const message = `${ours} cannot communicate with client version ${version}`
  if (version >= PROTOBUF_ANSWERS_SINCE) {
    const className = CLASS_VERSION_MISMATCH
    return { kind: 'fatal', error: { className, message, detail: FATAL_VERSION_MISMATCH } }
  }
  return { kind: 'raw', answer: encodeOldVersionRefusal(version, message), reason: message }
}

/** Call id, status (both -1 up to version 8; 0 and one byte in version 2), class, message. */
function encodeOldVersionRefusal(version: number, message: string): Uint8Array {
  if (version < OLDEST_ANSWERED) return new Uint8Array(0)
  const framed = version >= FRAMED_ANSWERS_SINCE
  const head = framed
    ? [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]
    : [0x00, 0x00, 0x00, 0x00, 0x01]
  const parts = [CLASS_VERSION_MISMATCH, message].map(part => text.encode(part))
  const answer: number[] = [...head]
  for (const part of parts) {
    answer.push(part.length >>> 24, (part.length >>> 16) & 0xff, (part.length >>> 8) & 0xff)
    answer.push(part.length & 0xff, ...part)
  }
  return new Uint8Array(answer)
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at])
}
