import { JuteError } from './reader.ts'

/** Largest frame a stock server or client takes: `jute.maxbuffer`. */
export const FRAME_BYTES_MAX = 0xfffff

const LENGTH_BYTES = 4

/**
 * Cuts a byte stream into frames of a four-byte big-endian length and a payload. Holds at most one
 * frame's bytes more than what was last pushed.
 */
export class FrameDecoder {
  /** What has come of the next frame, in the pieces it came in: they are joined once. */
  #pending: Buffer[] = []
  #pendingBytes = 0
  /** How many bytes the next frame takes as far as is known; nothing can be cut before. */
  #neededBytes = LENGTH_BYTES
  readonly frameBytesMax: number

  constructor(frameBytesMax: number = FRAME_BYTES_MAX) {
    this.frameBytesMax = frameBytesMax
  }

  /** Bytes that wait for the rest of their frame. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /**
   * Calls `onFrame` with each whole payload, a view that stays valid. Throws `JuteError` on a
   * length that is negative or above the limit; the stream is then beyond repair.
   * `onFrame` returns false to stop; what is left is kept for the next push.
   */
  push(bytes: Uint8Array, onFrame: (payload: Buffer) => boolean | void): void {
    this.#pending.push(asBuffer(bytes))
    this.#pendingBytes += bytes.byteLength
    if (this.#pendingBytes < this.#neededBytes) return
    const first = this.#pending[0] as Buffer
    const all = this.#pending.length === 1 ? first : Buffer.concat(this.#pending)
    const at = this.#cut(all, onFrame)
    this.#pending = at === all.length ? [] : [all.subarray(at)]
    this.#pendingBytes = all.length - at
  }

  /** Returns where the first frame begins that was not handed over. */
  #cut(all: Buffer, onFrame: (payload: Buffer) => boolean | void): number {
    let at = 0
    this.#neededBytes = LENGTH_BYTES
    while (all.length - at >= LENGTH_BYTES) {
      const length = all.readInt32BE(at)
      if (length < 0 || length > this.frameBytesMax) {
        throw new JuteError(`frame of ${length} bytes; at most ${this.frameBytesMax} are allowed`)
      }
      const begin = at + LENGTH_BYTES
      if (all.length - begin < length) {
        this.#neededBytes = LENGTH_BYTES + length
        return at
      }
      at = begin + length
      if (onFrame(all.subarray(begin, at)) === false) return at
    }
    return at
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  if (Buffer.isBuffer(bytes)) return bytes
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** A payload with its length in front. */
export function frame(payload: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(LENGTH_BYTES + payload.byteLength)
  out.writeInt32BE(payload.byteLength, 0)
  out.set(payload, LENGTH_BYTES)
  return out
}
