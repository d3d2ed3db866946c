/**
 * Texts of values into numbers, truth and lists, as the getters of Hadoop's `Configuration` read
 * them (measured on 3.4.3). Each throws `RangeError` with the reason only; the caller adds key,
 * file and value.
 */

const INT_MIN = -2_147_483_648n
const INT_MAX = 2_147_483_647n
const LONG_MIN = -(2n ** 63n)
const LONG_MAX = 2n ** 63n - 1n

/** Decimal with an optional sign, or `0x`/`-0x` hexadecimal; 32 bits signed. */
export function parseInt32(text: string): number {
  return Number(within(parseWhole(text), INT_MIN, INT_MAX, '32-bit'))
}

/**
 * As `parseInt32` with 64 bits signed. Values that a JavaScript number cannot hold exactly are
 * refused: no key that Baton reads needs more than 2^53.
 */
export function parseInt64(text: string): number {
  return exact(within(parseWhole(text), LONG_MIN, LONG_MAX, '64-bit'))
}

function parseWhole(text: string): bigint {
  const hexadecimal = /^(-?)0[xX]([0-9a-fA-F]+)$/.exec(text)
  if (hexadecimal !== null) {
    const magnitude = BigInt(`0x${hexadecimal[2] ?? '0'}`)
    return hexadecimal[1] === '-' ? -magnitude : magnitude
  }
  return parseDecimal(text)
}

function parseDecimal(text: string): bigint {
  if (!/^[+-]?[0-9]{1,40}$/.test(text)) throw new RangeError('is not a whole number')
  return BigInt(text.startsWith('+') ? text.slice(1) : text)
}

function within(value: bigint, min: bigint, max: bigint, width: string): bigint {
  if (value >= min && value <= max) return value
  throw new RangeError(`does not fit a ${width} number (${min} to ${max})`)
}

function exact(value: bigint): number {
  const number = Number(value)
  if (Number.isSafeInteger(number)) return number
  throw new RangeError(`is larger than ${Number.MAX_SAFE_INTEGER}, the most this program takes`)
}

/** undefined where it is neither; Hadoop then uses the default. */
export function parseBoolean(text: string): boolean | undefined {
  const lower = text.toLowerCase()
  if (lower === 'true') return true
  return lower === 'false' ? false : undefined
}

export type TimeUnit = 'ns' | 'us' | 'ms' | 's' | 'm' | 'h' | 'd'

/** In this order: `ms` must be tried before `s`, `ns` and `us` before both. */
const NANOSECONDS: readonly (readonly [TimeUnit, bigint])[] = [
  ['ns', 1n],
  ['us', 1_000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
  ['d', 86_400_000_000_000n],
]
const NANOSECONDS_A_MILLISECOND = 1_000_000n

/**
 * Milliseconds of a duration such as `60s`; the suffix may be upper case and stands right behind
 * the number; without one the number counts `unit`. Parts of a millisecond are cut off.
 */
export function parseDurationMs(text: string, unit: TimeUnit): number {
  const lower = text.trim().toLowerCase()
  const suffix = NANOSECONDS.find(([name]) => lower.endsWith(name))
  const digits = suffix === undefined ? lower : lower.slice(0, -suffix[0].length)
  if (!/^[+-]?[0-9]{1,40}$/.test(digits)) {
    throw new RangeError('is not a duration (a whole number, then ns, us, ms, s, m, h or d)')
  }
  const count = within(parseDecimal(digits), LONG_MIN, LONG_MAX, '64-bit')
  const nanoseconds = suffix?.[1] ?? NANOSECONDS.find(([name]) => name === unit)?.[1] ?? 1n
  return exact((count * nanoseconds) / NANOSECONDS_A_MILLISECOND)
}

/** Comma or newline separated, trimmed, empty entries left out. */
export function splitTrimmed(text: string): readonly string[] {
  return text
    .split(/[,\n]/)
    .map(entry => entry.trim())
    .filter(entry => entry !== '')
}

/** Java's `String.trim`: everything up to and including the space, on both sides. */
export function javaTrim(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && text.charCodeAt(start) <= 32) start += 1
  while (end > start && text.charCodeAt(end - 1) <= 32) end -= 1
  return text.slice(start, end)
}
