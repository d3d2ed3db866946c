import fc from 'fast-check'
import { expect, test } from 'vitest'
import { frame, FrameDecoder, JuteError } from '../src/index.ts'

const payloads = ['', 'a', 'ping', 'x'.repeat(300)].map(text => Buffer.from(text))
const stream = Buffer.concat(payloads.map(frame))

function cut(pieces: readonly Uint8Array[], decoder = new FrameDecoder()): string[] {
  const found: string[] = []
  for (const piece of pieces) decoder.push(piece, payload => void found.push(payload.toString()))
  return found
}

const expected = payloads.map(payload => payload.toString())

test('a stream split at any byte gives the same frames', () => {
  for (let at = 0; at <= stream.length; at++) {
    expect(cut([stream.subarray(0, at), stream.subarray(at)])).toEqual(expected)
  }
})

test('a stream byte by byte gives the same frames and leaves nothing behind', () => {
  const decoder = new FrameDecoder()
  const bytes = [...stream].map(byte => Uint8Array.of(byte))
  expect(cut(bytes, decoder)).toEqual(expected)
  expect(decoder.pendingBytes).toBe(0)
})

test('a stream in any pieces gives the same frames', () => {
  const pieces = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 60, maxLength: 60 })
  fc.assert(
    fc.property(pieces, lengths => {
      let at = 0
      const parts = lengths.map(length => stream.subarray(at, (at += length)))
      expect(cut([...parts, stream.subarray(at)])).toEqual(expected)
    }),
    { numRuns: 100 },
  )
})

test('a frame that has not come whole is kept, and counted', () => {
  const decoder = new FrameDecoder()
  expect(cut([frame(Buffer.from('half')).subarray(0, 6)], decoder)).toEqual([])
  expect(decoder.pendingBytes).toBe(6)
})

test('the longest frame allowed passes, one byte more does not', () => {
  const decoder = () => new FrameDecoder(8)
  expect(cut([frame(Buffer.from('12345678'))], decoder())).toEqual(['12345678'])
  expect(() => cut([frame(Buffer.from('123456789'))], decoder())).toThrow(
    'frame of 9 bytes; at most 8 are allowed',
  )
})

test('a negative length is refused', () => {
  expect(() => cut([Buffer.from('ffffffff', 'hex')])).toThrow(JuteError)
})

test('a reader that stops gets the next frame with the next push', () => {
  const decoder = new FrameDecoder()
  const found: string[] = []
  const stop = (payload: Buffer): boolean => {
    found.push(payload.toString())
    return false
  }
  decoder.push(stream, stop)
  expect(found).toEqual([''])
  decoder.push(new Uint8Array(0), stop)
  expect(found).toEqual(['', 'a'])
})
