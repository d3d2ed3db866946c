import type { Random } from '../random.ts'

/**
 * A seeded generator (sfc32, 128 bits of state). Children are forked by name from the seed, not
 * from the state: a new consumer, or one that draws more, does not shift what the others draw.
 */
export class SimRandom implements Random {
  readonly #seed: string
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(seed: string) {
    this.#seed = seed
    const words = hashWords(seed)
    this.#a = words[0]
    this.#b = words[1]
    this.#c = words[2]
    for (let round = 0; round < 12; round++) this.#next()
  }

  fork(name: string): SimRandom {
    return new SimRandom(`${this.#seed}/${name}`)
  }

  #next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  /** In [0, 1), 53 bits. */
  float(): number {
    return ((this.#next() >>> 5) * 67_108_864 + (this.#next() >>> 6)) / 9_007_199_254_740_992
  }

  int(below: number): number {
    return below <= 1 ? 0 : Math.floor(this.float() * below)
  }

  between(min: number, max: number): number {
    return min >= max ? min : min + this.float() * (max - min)
  }

  chance(probability: number): boolean {
    return probability > 0 && this.float() < probability
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('nothing to pick from')
    return items[this.int(items.length)] as T
  }

  bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count)
    for (let at = 0; at < count; at++) bytes[at] = this.#next() & 0xff
    return bytes
  }
}

/** Three 32-bit words of a text (FNV-1a with three offsets, finished by a multiply-xor mix). */
function hashWords(text: string): [number, number, number] {
  const word = (offset: number): number => {
    let hash = offset
    for (let at = 0; at < text.length; at++) {
      hash = Math.imul(hash ^ text.charCodeAt(at), 16_777_619)
    }
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
    hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39)
    return (hash ^ (hash >>> 15)) | 0
  }
  return [word(0x811c9dc5), word(0x1234567), word(0x5bd1e995)]
}
