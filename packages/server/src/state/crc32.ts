/**
 * CRC-32 (the zip polynomial), table-driven: the digest of a znode rests on it. A running value is
 * kept inverted in a signed int, so that steps chain without allocation:
 * `crc32End(crc32Bytes(CRC32_START, …))`.
 */
const TABLE = new Int32Array(256)
for (let i = 0; i < 256; i++) {
  let value = i
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  TABLE[i] = value
}

export const CRC32_START = -1

export function crc32Bytes(crc: number, bytes: Uint8Array, start = 0, end = bytes.length): number {
  let value = crc
  for (let i = start; i < end; i++) {
    value = (TABLE[(value ^ (bytes[i] as number)) & 0xff] as number) ^ (value >>> 8)
  }
  return value
}

/** The UTF-8 bytes of `text`; nothing is allocated while it is ASCII. */
export function crc32Text(crc: number, text: string): number {
  let value = crc
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit >= 0x80) return crc32Bytes(crc, Buffer.from(text, 'utf8'))
    value = (TABLE[(value ^ unit) & 0xff] as number) ^ (value >>> 8)
  }
  return value
}

/** The finished sum as a signed int. */
export function crc32End(crc: number): number {
  return ~crc
}
