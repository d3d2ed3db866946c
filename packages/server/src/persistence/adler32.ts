/**
 * Adler-32 (RFC 1950), the checksum of log records and snapshots. The sum is carried as one
 * unsigned number, so that it can go on over many pieces: `adler32(adler32(ADLER32_START, a), b)`.
 */
const MODULUS = 65_521
/** So many bytes cannot overflow 32 bits before the remainder is taken. */
const BLOCK_BYTES = 5552

export const ADLER32_START = 1

export function adler32(sum: number, bytes: Uint8Array, start = 0, end = bytes.length): number {
  let low = sum & 0xffff
  let high = sum >>> 16
  for (let at = start; at < end;) {
    const blockEnd = Math.min(at + BLOCK_BYTES, end)
    for (; at < blockEnd; at++) {
      low += bytes[at] as number
      high += low
    }
    low %= MODULUS
    high %= MODULUS
  }
  return high * 0x1_0000 + low
}
