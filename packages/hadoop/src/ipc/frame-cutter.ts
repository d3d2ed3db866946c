/**
 * Cuts a byte stream into frames: a 4-byte big-endian length, then so many bytes.
 *
 * The length is judged before anything is kept for it, and memory grows with what has really
 * arrived (doubling, so that a large frame in tiny pieces costs linear time), never with what was
 * announced. Frames handed out are copies: they live on while the buffer is used again.
 */
export class FrameLengthError extends Error {
  override readonly name = 'FrameLengthError'
  readonly length: number
  constructor(length: number, message: string) {
    super(message)
    this.length = length
  }
}

const LENGTH_BYTES = 4
const CAPACITY_BYTES_MIN = 512
/** An empty buffer larger than this is given back. */
const CAPACITY_BYTES_KEPT = 64 * 1024

export class FrameCutter {
  readonly #bytesMax: number
  #buffer = new Uint8Array(0)
  #start = 0
  #end = 0

  constructor(options: { readonly frameBytesMax: number }) {
    this.#bytesMax = options.frameBytesMax
  }

  get heldBytes(): number {
    return this.#end - this.#start
  }

  push(bytes: Uint8Array): void {
    if (this.#end + bytes.length > this.#buffer.length) this.#makeRoom(bytes.length)
    this.#buffer.set(bytes, this.#end)
    this.#end += bytes.length
  }

  /** The next `count` raw bytes, or undefined while fewer are here. */
  take(count: number): Uint8Array | undefined {
    if (this.heldBytes < count) return undefined
    const taken = this.#buffer.slice(this.#start, this.#start + count)
    this.#start += count
    if (this.#start === this.#end) this.#reset()
    return taken
  }

  /**
   * The next frame without its length; undefined while it is incomplete. Throws
   * `FrameLengthError` for a length that is negative or beyond the bound.
   */
  next(): Uint8Array | undefined {
    if (this.heldBytes < LENGTH_BYTES) return undefined
    const view = new DataView(this.#buffer.buffer, this.#start, LENGTH_BYTES)
    const length = view.getInt32(0)
    this.#judge(length)
    if (this.heldBytes < LENGTH_BYTES + length) return undefined
    this.#start += LENGTH_BYTES
    return this.take(length)
  }

  #judge(length: number): void {
    if (length < 0) throw new FrameLengthError(length, `a frame length of ${length} is negative`)
    if (length > this.#bytesMax) {
      const message = `a frame of ${length} bytes is larger than the limit of ${this.#bytesMax}`
      throw new FrameLengthError(length, message)
    }
  }

  #makeRoom(moreBytes: number): void {
    const needed = this.heldBytes + moreBytes
    const held = this.#buffer.subarray(this.#start, this.#end)
    const capacity = Math.max(CAPACITY_BYTES_MIN, this.#buffer.length)
    const grown = new Uint8Array(needed > capacity / 2 ? Math.max(needed, capacity * 2) : capacity)
    grown.set(held)
    this.#end = held.length
    this.#start = 0
    this.#buffer = grown
  }

  #reset(): void {
    this.#start = 0
    this.#end = 0
    if (this.#buffer.length > CAPACITY_BYTES_KEPT) this.#buffer = new Uint8Array(0)
  }
}
