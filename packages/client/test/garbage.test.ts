/** A server that sends nonsense: the client leaves it, tells why, and goes on. */
import { GetDataResponse } from '@baton/jute'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CoreBench } from './core-bench.ts'
import { grant, reply, STAT } from './wire.ts'

const hex = (text: string): Buffer => Buffer.from(text, 'hex')

function waiting(): CoreBench {
  const bench = new CoreBench({ serverCount: 2 })
  bench.goLive()
  bench.submit({ kind: 'getData', path: '/a' })
  return bench
}

const cases: readonly (readonly [string, Buffer, string])[] = [
  ['a huge length', hex('7fffffff00'), 'frame of 2147483647 bytes; at most 1048575'],
  ['a negative length', hex('80000000'), 'frame of -2147483648 bytes'],
  ['text', Buffer.from('HTTP/1.1 400 Bad Request\r\n'), 'frame of 1213486160 bytes'],
  ['a header cut short', hex('000000020000'), 'int: 4 bytes expected, 2 left'],
  ['an empty frame', hex('00000000'), 'int: 4 bytes expected, 0 left'],
  ['a reply to another request', reply(5), 'a reply to xid 5 where 1 is due'],
  ['a body cut short', reply(1), 'int: 4 bytes expected, 0 left'],
  ['a ping reply that nobody asked for', reply(-2), 'a ping was answered that was never sent'],
  ['an auth reply that nobody asked for', reply(-4), 'credentials were answered'],
  ['an event without a body', reply(-1), 'int: 4 bytes expected, 0 left'],
]

describe.each(cases)('%s', (_name, bytes, words) => {
  test('costs the link, fails what was asked, and the next server is tried', () => {
    const bench = waiting()
    const lines = bench.data(bytes)
    expect(lines[0]).toMatch(/^disconnect: the server sent /)
    expect(lines[0]).toContain(words)
    expect(lines[1]).toContain('fail getData /a: the connection was lost')
    expect(lines.slice(2)).toEqual(['connect s2:1', 'state disconnected'])
  })
})

test('what came before the nonsense still counts, what came after does not', () => {
  const bench = waiting()
  bench.submit({ kind: 'delete', path: '/b' })
  const body = [GetDataResponse, { data: null, stat: STAT }] as const
  const lines = bench.data(reply(1, { body }), hex('ffffffff'), reply(2))
  expect(lines.map(line => line.split(' ').slice(0, 2).join(' '))).toEqual([
    'answer getData',
    'disconnect: the',
    'fail delete',
    'connect s2:1',
    'state disconnected',
  ])
})

test('a handshake of any bytes never throws and never grants a session by accident', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), bytes => {
      const bench = new CoreBench()
      bench.step({ kind: 'start' })
      bench.connected()
      bench.data(bytes)
      expect(['connecting', 'expired']).toContain(bench.core.state)
    }),
    { numRuns: 300 },
  )
})

test('a live link of any frames never throws', () => {
  const frame = fc.uint8Array({ maxLength: 60 }).map(bytes => {
    const length = Buffer.alloc(4)
    length.writeInt32BE(bytes.length)
    return Buffer.concat([length, bytes])
  })
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 4 }), frames => {
      const bench = new CoreBench()
      bench.goLive(grant())
      bench.submit({ kind: 'multi', ops: [] })
      for (const bytes of frames) bench.data(bytes)
      expect(['connected', 'disconnected', 'authFailed']).toContain(bench.core.state)
    }),
    { numRuns: 300 },
  )
})

test('a reply with any body to any operation never throws', () => {
  const kinds = ['exists', 'getData', 'getChildren', 'getACL', 'sync', 'getAllChildrenNumber']
  const bodies = fc.tuple(fc.constantFrom(...kinds), fc.uint8Array({ maxLength: 90 }))
  fc.assert(
    fc.property(bodies, ([kind, body]) => {
      const bench = new CoreBench()
      bench.goLive()
      bench.submit({ kind: kind as 'exists', path: '/a' })
      const length = Buffer.alloc(4)
      const header = reply(1, { zxid: 3 }).subarray(4)
      length.writeInt32BE(header.length + body.length)
      bench.data(length, header, body)
    }),
    { numRuns: 300 },
  )
})
