/**
 * SHA-1 (FIPS 180-4), for the ids of ZooKeeper's digest scheme. Cores may not reach for
 * `node:crypto`; nothing here rests on the hash being strong beyond what ZooKeeper's scheme does.
 */
const BLOCK_BYTES = 64
const ROUNDS: readonly (readonly [mix: (b: number, c: number, d: number) => number, k: number])[] =
  [
    [(b, c, d) => (b & c) | (~b & d), 0x5a827999],
    [(b, c, d) => b ^ c ^ d, 0x6ed9eba1],
    [(b, c, d) => (b & c) | (b & d) | (c & d), 0x8f1bbcdc],
    [(b, c, d) => b ^ c ^ d, 0xca62c1d6],
  ]

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}

function pad(bytes: Uint8Array): Buffer {
  const blocks = Math.ceil((bytes.length + 9) / BLOCK_BYTES)
  const padded = Buffer.alloc(blocks * BLOCK_BYTES)
  padded.set(bytes)
  padded[bytes.length] = 0x80
  padded.writeUInt32BE(bytes.length * 8, padded.length - 4)
  return padded
}

function schedule(block: Buffer, at: number): Int32Array {
  const words = new Int32Array(80)
  for (let i = 0; i < 16; i++) words[i] = block.readInt32BE(at + i * 4)
  for (let i = 16; i < 80; i++) {
    const mixed =
      (words[i - 3] as number) ^
      (words[i - 8] as number) ^
      (words[i - 14] as number) ^
      (words[i - 16] as number)
    words[i] = rotate(mixed, 1)
  }
  return words
}

/** The 20 bytes of the hash. Inputs are shorter than 2^29 bytes. */
export function sha1(bytes: Uint8Array): Buffer {
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0)
  const padded = pad(bytes)
  for (let at = 0; at < padded.length; at += BLOCK_BYTES) {
    const words = schedule(padded, at)
    let [a, b, c, d, e] = state as unknown as [number, number, number, number, number]
    for (const [round, [mix, k]] of ROUNDS.entries()) {
      for (let i = round * 20; i < round * 20 + 20; i++) {
        const next = (rotate(a, 5) + mix(b, c, d) + e + k + (words[i] as number)) | 0
        e = d
        d = c
        c = rotate(b, 30)
        b = a
        a = next
      }
    }
    const round = [a, b, c, d, e]
    for (let i = 0; i < 5; i++) state[i] = ((state[i] as number) + (round[i] as number)) | 0
  }
  const out = Buffer.alloc(20)
  for (let i = 0; i < 5; i++) out.writeInt32BE(state[i] as number, i * 4)
  return out
}
