import fc from 'fast-check'
import { expect, test } from 'vitest'
import { crc32Bytes, crc32End, crc32Text, CRC32_START } from '../../src/state/crc32.ts'

/** Bit by bit, from the definition. */
function plain(input: Uint8Array): number {
  let crc = 0xffff_ffff
  for (const byte of input) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb8_8320 : 0)
  }
  return ~crc
}

test('the table agrees with the definition, in pieces and as text', () => {
  expect(crc32End(crc32Text(CRC32_START, '123456789')) >>> 0).toBe(0xcbf4_3926)
  fc.assert(
    fc.property(
      fc.uint8Array(),
      fc.string({ unit: fc.constantFrom('a', '/', 'ü', '中', '\u{1f600}') }),
      fc.nat(),
      (input, text, at) => {
        const cut = at % (input.length + 1)
        const first = crc32Bytes(CRC32_START, input, 0, cut)
        expect(crc32End(crc32Bytes(first, input, cut))).toBe(plain(input))
        expect(crc32End(crc32Text(CRC32_START, text))).toBe(plain(Buffer.from(text)))
      },
    ),
    { numRuns: 60 },
  )
})
