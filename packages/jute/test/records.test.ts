import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decode, encode, JuteError, MultiRequest, MultiResponse, OpCode } from '../src/index.ts'
import { errorName, ErrorResponse, long, Reader, Stat, vector, Writer } from '../src/index.ts'
import type { AnyType } from '../src/index.ts'
import { allRecords, multiRequests, multiResponses, valuesOf } from './arbitrary.ts'

const runs = { numRuns: 60 }

/** Reads or throws `JuteError`; anything else is the decoder's own fault. */
function survive(type: AnyType, bytes: Uint8Array): void {
  try {
    decode(type, bytes)
  } catch (error) {
    if (!(error instanceof JuteError)) throw error
  }
}

test('the tables hold every record of the client protocol, the txns and the files', () => {
  expect(allRecords.length).toBeGreaterThanOrEqual(50)
})

describe.each(allRecords.map(type => [type.name, type] as const))('%s', (_name, type) => {
  test('is read back as it was written, to the last byte', () => {
    fc.assert(
      fc.property(valuesOf(type), value => {
        const bytes = encode(type, value)
        const reader = new Reader(bytes)
        expect(type.read(reader)).toEqual(value)
        expect(reader.remaining).toBe(0)
      }),
      runs,
    )
  })

  test('any bytes are a value or a JuteError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 96 }), bytes => survive(type, bytes)),
      runs,
    )
  })

  test('a value cut short or with one byte changed is a value or a JuteError', () => {
    const damage = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }))
    fc.assert(
      fc.property(valuesOf(type), damage, (value, [position, byte]) => {
        const bytes = encode(type, value)
        const at = bytes.length === 0 ? 0 : position % bytes.length
        survive(type, bytes.subarray(0, at))
        const changed = Buffer.from(bytes)
        if (at < changed.length) changed[at] = byte
        survive(type, changed)
      }),
      runs,
    )
  })
})

describe('multi', () => {
  test('requests and results of every kind are read back as they were written', () => {
    const check = (type: AnyType) => (ops: unknown) => {
      expect(decode(type, encode(type, ops))).toEqual(ops)
    }
    fc.assert(fc.property(multiRequests, check(MultiRequest)), runs)
    fc.assert(fc.property(multiResponses, check(MultiResponse)), runs)
  })

  test('an empty one is only the closing header', () => {
    expect(encode(MultiRequest, []).toString('hex')).toBe('ffffffff01ffffffff')
  })

  test('a failed part carries its code in the header and in the body', () => {
    const bytes = encode(MultiResponse, [{ type: OpCode.error, body: { err: -103 } }])
    expect(bytes.toString('hex')).toBe('ffffffff00ffffff99ffffff99ffffffff01ffffffff')
  })

  test('a part of a type that is not allowed in it is refused by name', () => {
    const bytes = Buffer.from('0000000b00ffffffff', 'hex')
    expect(() => decode(MultiRequest, bytes)).toThrow('MultiRequest: type 11 is not allowed in it')
  })

  test('any bytes are a list or a JuteError', () => {
    const anyBytes = fc.uint8Array({ maxLength: 200 })
    fc.assert(
      fc.property(anyBytes, bytes => {
        survive(MultiRequest, bytes)
        survive(MultiResponse, bytes)
      }),
      { numRuns: 500 },
    )
  })
})

test('a count that the bytes cannot hold is refused before anything is allocated', () => {
  const bytes = Buffer.from('7fffffff', 'hex')
  expect(() => decode(vector(ErrorResponse), bytes)).toThrow('vector<ErrorResponse>: count')
})

test('a length beyond the end is refused with what was expected and what is left', () => {
  expect(() => decode(Stat, Buffer.alloc(3))).toThrow('long: 8 bytes expected, 3 left')
})

test('a long beyond 2^53 is refused, since a double would change it', () => {
  expect(() => decode(long, Buffer.from('0020000000000001', 'hex'))).toThrow('long: beyond 2^53')
})

test('negative longs keep their sign across the 32-bit halves', () => {
  for (const value of [-1, -(2 ** 32), -(2 ** 32) - 1, 2 ** 32 - 1, Number.MIN_SAFE_INTEGER]) {
    const writer = new Writer(1)
    writer.long(value)
    expect(writer.finish().readBigInt64BE()).toBe(BigInt(value))
  }
})

test('a code that no row knows is still told', () => {
  expect(errorName(-999)).toBe('error -999')
})
