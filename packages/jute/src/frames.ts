import { JuteError } from './reader.ts'

/** Largest frame a stock server or client takes: `jute.maxbuffer`. */
export const FRAME_BYTES_MAX = 0xfffff

const EMPTY = Buffer.alloc(0)

/**
 * Cuts a byte stream into frames of a four-byte big-endian length and a payload. Holds at most one
 * frame's bytes more than what was last pushed.
 */
export class FrameDecoder {
  #pending: Buffer = EMPTY
  readonly frameBytesMax: number

  constructor(frameBytesMax: number = FRAME_BYTES_MAX) {
    this.frameBytesMax = frameBytesMax
  }

  /** Bytes that wait for the rest of their frame. */
  get pendingBytes(): number {
    return this.#pending.length
  }

  /**
   * Calls `onFrame` with each whole payload, a view that stays valid. Throws `JuteError` on a
   * length that is negative or above the limit; the stream is then beyond repair.
   * `onFrame` returns false to stop; what is left is kept for the next push.
   */
  push(bytes: Uint8Array, onFrame: (payload: Buffer) => boolean | void): void {
    const chunk = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const all = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    let at = 0
    while (all.length - at >= 4) {
      const length = all.readInt32BE(at)
      if (length < 0 || length > this.frameBytesMax) {
        throw new JuteError(`frame of ${length} bytes; at most ${this.frameBytesMax} are allowed`)
      }
      if (all.length - at - 4 < length) break
      const payload = all.subarray(at + 4, at + 4 + length)
      at += 4 + length
      if (onFrame(payload) === false) break
    }
    this.#pending = at === all.length ? EMPTY : all.subarray(at)
  }
}

/** A payload with its length in front. */
export function frame(payload: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(4 + payload.byteLength)
  out.writeInt32BE(payload.byteLength, 0)
  out.set(payload, 4)
  return out
}
