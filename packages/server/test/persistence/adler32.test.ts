import { deflateSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ADLER32_START, adler32 } from '../../src/persistence/adler32.ts'

/** A zlib stream ends with the Adler-32 of what went in. */
function reference(input: Uint8Array): number {
  return deflateSync(input).subarray(-4).readUInt32BE(0)
}

test('the sum is zlib’s, whole and in pieces', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), (input, at) => {
      const cut = at % (input.length + 1)
      expect(adler32(ADLER32_START, input)).toBe(reference(input))
      const first = adler32(ADLER32_START, input, 0, cut)
      expect(adler32(first, input, cut)).toBe(reference(input))
    }),
    { numRuns: 100 },
  )
  const large = Buffer.alloc(100_000, 0xff)
  expect(adler32(ADLER32_START, large)).toBe(reference(large))
})
