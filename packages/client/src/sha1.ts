/**
 * SHA-1 (FIPS 180-4), because ACL ids of scheme `digest` are made of it and packages of this floor
 * may not open `node:crypto`. Not for anything where collisions matter.
 */

const INITIAL = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0] as const

/** Constant and mixing function of each quarter of the 80 rounds. */
const quarters: readonly (readonly [number, (b: number, c: number, d: number) => number])[] = [
  [0x5a827999, (b, c, d) => (b & c) | (~b & d)],
  [0x6ed9eba1, (b, c, d) => b ^ c ^ d],
  [0x8f1bbcdc, (b, c, d) => (b & c) | (b & d) | (c & d)],
  [0xca62c1d6, (b, c, d) => b ^ c ^ d],
]

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}

export function sha1(message: Uint8Array): Uint8Array {
  const view = padded(message)
  const state = new Int32Array(INITIAL)
  const words = new Int32Array(80)
  for (let at = 0; at < view.byteLength; at += 64) {
    for (let i = 0; i < 16; i++) words[i] = view.getInt32(at + i * 4)
    for (let i = 16; i < 80; i++) {
      const mixed = word(words, i - 3) ^ word(words, i - 8)
      words[i] = rotateLeft(mixed ^ word(words, i - 14) ^ word(words, i - 16), 1)
    }
    mixBlock(state, words)
  }
  const hash = new DataView(new ArrayBuffer(20))
  state.forEach((value, i) => hash.setInt32(i * 4, value))
  return new Uint8Array(hash.buffer)
}

function mixBlock(state: Int32Array, words: Int32Array): void {
  let [a, b, c, d, e] = Array.from(state) as [number, number, number, number, number]
  for (let i = 0; i < 80; i++) {
    const [constant, mix] = quarters[Math.floor(i / 20)] as (typeof quarters)[number]
    const next = (rotateLeft(a, 5) + mix(b, c, d) + e + constant + word(words, i)) | 0
    ;[a, b, c, d, e] = [next, a, rotateLeft(b, 30), c, d]
  }
  for (const [i, value] of [a, b, c, d, e].entries()) state[i] = word(state, i) + value
}

/** The message, a one bit, zeros, and its length in bits, to a multiple of 64 bytes. */
function padded(message: Uint8Array): DataView {
  const length = Math.ceil((message.length + 9) / 64) * 64
  const bytes = new Uint8Array(length)
  bytes.set(message)
  bytes[message.length] = 0x80
  const view = new DataView(bytes.buffer)
  view.setBigUint64(length - 8, BigInt(message.length) * 8n)
  return view
}

function word(words: Int32Array, index: number): number {
  return words[index] as number
}
