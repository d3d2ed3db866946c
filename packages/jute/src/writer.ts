const INITIAL_BYTES = 256

/** Writes jute's big-endian primitives into a buffer that grows by doubling. */
export class Writer {
  buffer: Buffer
  offset = 0

  constructor(initialBytes = INITIAL_BYTES) {
    this.buffer = Buffer.allocUnsafe(initialBytes)
  }

  /** Makes room for `length` bytes, moves on, and returns where they begin. */
  reserve(length: number): number {
    const at = this.offset
    const needed = at + length
    if (needed > this.buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.buffer.length * 2))
      this.buffer.copy(larger, 0, 0, at)
      this.buffer = larger
    }
    this.offset = needed
    return at
  }

  int(value: number): void {
    const at = this.reserve(4)
    this.buffer.writeInt32BE(value | 0, at)
  }

  long(value: number): void {
    const at = this.reserve(8)
    this.buffer.writeInt32BE(Math.floor(value / 0x1_0000_0000) | 0, at)
    this.buffer.writeUInt32BE(value >>> 0 === value ? value : modulo32(value), at + 4)
  }

  long64(value: bigint): void {
    const at = this.reserve(8)
    this.buffer.writeBigInt64BE(value, at)
  }

  boolean(value: boolean): void {
    const at = this.reserve(1)
    this.buffer[at] = value ? 1 : 0
  }

  bytes(value: Uint8Array | null): void {
    if (value === null) return this.int(-1)
    this.int(value.byteLength)
    const at = this.reserve(value.byteLength)
    this.buffer.set(value, at)
  }

  string(value: string | null): void {
    if (value === null) return this.int(-1)
    const length = Buffer.byteLength(value, 'utf8')
    this.int(length)
    const at = this.reserve(length)
    this.buffer.write(value, at, length, 'utf8')
  }

  /** Bytes as they are, without a length. */
  raw(value: Uint8Array): void {
    const at = this.reserve(value.byteLength)
    this.buffer.set(value, at)
  }

  /** What was written, as a view. The writer must not be used afterwards. */
  finish(): Buffer {
    return this.buffer.subarray(0, this.offset)
  }
}

function modulo32(value: number): number {
  const rest = value % 0x1_0000_0000
  return rest < 0 ? rest + 0x1_0000_0000 : rest
}
