/** The bytes are not what the table says they should be; the message names the type. */
export class JuteError extends Error {
  override readonly name = 'JuteError'
}

/**
 * Reads jute's big-endian primitives from one buffer. Every length is checked against what is left,
 * so hostile bytes end in a `JuteError` and never in a large allocation.
 */
export class Reader {
  readonly buffer: Buffer
  offset: number
  readonly end: number

  constructor(bytes: Uint8Array, offset = 0, end = bytes.byteLength) {
    this.buffer = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.offset = offset
    this.end = end
  }

  get remaining(): number {
    return this.end - this.offset
  }

  /** Moves on by `length` bytes and returns where they begin. */
  take(length: number, what: string): number {
    const at = this.offset
    if (length < 0 || length > this.end - at) {
      throw new JuteError(`${what}: ${length} bytes expected, ${this.end - at} left`)
    }
    this.offset = at + length
    return at
  }

  int(): number {
    return this.buffer.readInt32BE(this.take(4, 'int'))
  }

  /** A long that fits a double; zxids, times and versions do. */
  long(): number {
    const at = this.take(8, 'long')
    const value = this.buffer.readInt32BE(at) * 0x1_0000_0000 + this.buffer.readUInt32BE(at + 4)
    if (!Number.isSafeInteger(value)) throw new JuteError('long: beyond 2^53')
    return value
  }

  long64(): bigint {
    return this.buffer.readBigInt64BE(this.take(8, 'long64'))
  }

  boolean(): boolean {
    return this.buffer[this.take(1, 'boolean')] !== 0
  }

  /** A view, not a copy; null for length -1. */
  bytes(): Uint8Array | null {
    const length = this.int()
    if (length === -1) return null
    const at = this.take(length, 'buffer')
    return this.buffer.subarray(at, at + length)
  }

  /** null for length -1. Bytes that are not UTF-8 become U+FFFD, as in Java. */
  string(): string | null {
    const length = this.int()
    if (length === -1) return null
    const at = this.take(length, 'string')
    return this.buffer.toString('utf8', at, at + length)
  }
}
