/**
 * One edit as bytes of a log: 4-byte length, 4-byte CRC-32 of the payload, the payload as JSON.
 * A reader takes whole, intact records only; the first other byte ends what a log says.
 */
import type { EditOperation } from './namespace.ts'

export interface Edit {
  /** Counted over all logs, without holes, from 1. */
  readonly txid: number
  readonly operation: EditOperation
}

export interface ScannedEdits {
  readonly edits: readonly Edit[]
  /** Bytes of the whole records. */
  readonly validBytes: number
}

const HEAD_BYTES = 8
/** Above the largest path and entry, each character as JSON's six-byte escape. */
const PAYLOAD_BYTES_MAX = 64 * 1024
export const RECORD_BYTES_MAX = HEAD_BYTES + PAYLOAD_BYTES_MAX

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

export function encodeEdit(edit: Edit): Uint8Array {
  const payload = encoder.encode(JSON.stringify(edit))
  const record = new Uint8Array(HEAD_BYTES + payload.length)
  const view = new DataView(record.buffer)
  view.setUint32(0, payload.length)
  view.setUint32(4, crc32(payload))
  record.set(payload, HEAD_BYTES)
  return record
}

/** Whole intact records from the start of `bytes`; never throws. */
export function scanEdits(bytes: Uint8Array): ScannedEdits {
  const edits: Edit[] = []
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 0
  while (bytes.length - at >= HEAD_BYTES) {
    const length = view.getUint32(at)
    const end = at + HEAD_BYTES + length
    if (length === 0 || length > PAYLOAD_BYTES_MAX || end > bytes.length) break
    const payload = bytes.subarray(at + HEAD_BYTES, end)
    if (crc32(payload) !== view.getUint32(at + 4)) break
    edits.push(JSON.parse(decoder.decode(payload)) as Edit)
    at = end
  }
  return { edits, validBytes: at }
}

const CRC_TABLE = new Uint32Array(256).map((_, index) => {
  let value = index
  for (let bit = 0; bit < 8; bit += 1) value = (value >>> 1) ^ (value & 1 ? 0xedb8_8320 : 0)
  return value
})

/** CRC-32 of IEEE 802.3, as an unsigned number. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff
  for (const byte of bytes) crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ byte) & 0xff] ?? 0)
  return (crc ^ 0xffff_ffff) >>> 0
}
