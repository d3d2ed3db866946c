import { Trace } from '@baton/runtime/sim'
import { expect, test } from 'vitest'

test('the ring keeps the last events, the hash covers all', () => {
  const short = new Trace(3)
  const long = new Trace(100)
  for (let at = 0; at < 10; at++) {
    short.add(at, 'p', 'tick', at)
    long.add(at, 'p', 'tick', at)
  }
  expect(short.entries().map(entry => entry.detail)).toEqual([7, 8, 9])
  expect(short.count).toBe(10)
  expect(short.hash).toBe(long.hash)
  long.add(10, 'p', 'tick', 10)
  expect(short.hash).not.toBe(long.hash)
})

test('a change of time, place, kind or detail changes the hash', () => {
  const hash = (...entry: [number, string, string, unknown]): string => {
    const trace = new Trace(1)
    trace.add(...entry)
    return trace.hash
  }
  const hashes = [
    hash(1, 'a', 'x', 1),
    hash(1.000001, 'a', 'x', 1),
    hash(1, 'b', 'x', 1),
    hash(1, 'a', 'y', 1),
    hash(1, 'a', 'x', 2),
    hash(1, 'a', 'x', 'text'),
  ]
  expect(new Set(hashes).size).toBe(hashes.length)
})

test('fields with large integers and errors print', () => {
  const trace = new Trace(5)
  trace.add(1.5, 'p', 'log', { session: 0x1_0000_0000_0000_0001n, error: new Error('no') })
  expect(trace.text()).toBe('       1.500 p log {"session":"18446744073709551617","error":"no"}')
})
