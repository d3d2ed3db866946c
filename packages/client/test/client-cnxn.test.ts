/** The life of links and of the session: inputs in, effects out. */
import { describe, expect, test } from 'vitest'
import { CoreBench } from './core-bench.ts'
import { expired, grant, PASSWORD, reply, SESSION_ID, STAT } from './wire.ts'
import { GetDataResponse } from '@baton/jute'

const ok = [GetDataResponse, { data: Buffer.from('hi'), stat: STAT }] as const
const hello = 'send hello new session timeOut 6000 lastZxidSeen 0'
const again = (zxid: number) =>
  `send hello session 0x${SESSION_ID.toString(16)} timeOut 6000 lastZxidSeen ${zxid}`
const lost = 'the connection was lost, so whether it was carried out is unknown (connectionLoss)'
const gone = 'the session is gone (sessionExpired)'

describe('a new session', () => {
  test('is asked for on the first server, and what waited is sent once it is granted', () => {
    const bench = new CoreBench()
    expect(bench.step({ kind: 'start' })).toEqual(['connect s1:1'])
    expect(bench.submit({ kind: 'getData', path: '/a' })).toEqual([])
    expect(bench.connected()).toEqual([hello])
    expect(bench.core.state).toBe('connecting')
    expect(bench.data(grant())).toEqual([
      'send getData xid 1 {"path":"/a","watch":false}',
      'state connected',
    ])
    expect(bench.core.session).toEqual({ id: SESSION_ID, password: Uint8Array.from(PASSWORD) })
    expect(bench.core.negotiatedTimeoutMs).toBe(6_000)
    expect(bench.data(reply(1, { zxid: 9, body: ok }))).toEqual([
      expect.stringMatching(/^answer getData \/a: {"data":"hi","stat":{"czxid":3/),
    ])
  })

  test('that is granted without an id or a password is no session', () => {
    for (const bytes of [grant({ id: 0n }), grant({ password: null })]) {
      const bench = new CoreBench()
      expect(bench.goLive(bytes)[2]).toBe(
        'disconnect: the server granted a session without an id or a password',
      )
      expect(bench.core.state).toBe('connecting')
    }
  })

  test('without the byte that old servers leave out is granted as well', () => {
    const bytes = grant()
    const short = Buffer.from(bytes.subarray(0, bytes.length - 1))
    short.writeInt32BE(short.length - 4)
    expect(new CoreBench().goLive(short)).toContain('state connected')
  })
})

describe('a drop', () => {
  test('fails what was sent, and takes the session up again at the next server', () => {
    const bench = new CoreBench({ serverCount: 3 })
    bench.goLive()
    bench.submit({ kind: 'getData', path: '/a' })
    bench.data(reply(1, { zxid: 41, body: ok }))
    bench.submit({ kind: 'setData', path: '/a', data: null })
    bench.now = 5_000
    expect(bench.closed()).toEqual([
      'disconnect: cut',
      `fail setData /a: ${lost}, server s1:1`,
      'connect s2:1',
      'state disconnected',
    ])
    expect(bench.connected()).toEqual([again(41)])
    expect(bench.data(grant())).toEqual(['state connected'])
  })

  test('leaves what was never sent waiting until a whole round of servers has failed', () => {
    const bench = new CoreBench({ serverCount: 2 })
    bench.step({ kind: 'start' })
    bench.submit({ kind: 'delete', path: '/a' })
    expect(bench.closed('refused')).toEqual(['disconnect: refused', 'connect s2:1'])
    expect(bench.closed('refused')).toEqual([
      'disconnect: refused',
      'fail delete /a: no server could be reached, so it was not sent; the last try: refused' +
        ' (connectionLoss), server s2:1',
    ])
    expect(bench.ticksUntil(100)).toEqual(['100: connect s1:1'])
  })

  test('is followed by pauses that double up to a second, one for each round', () => {
    const bench = new CoreBench()
    bench.step({ kind: 'start' })
    const pauses: number[] = []
    for (let round = 0; round < 6; round++) {
      bench.closed()
      pauses.push((bench.core.wakeAt() ?? 0) - bench.now)
      bench.tick(bench.core.wakeAt() ?? 0)
    }
    expect(pauses).toEqual([100, 200, 400, 800, 1_000, 1_000])
  })

  test('of a link that held starts a new round without a pause', () => {
    const bench = new CoreBench()
    bench.goLive()
    bench.now = 1_000
    expect(bench.closed()).toContain('connect s1:1')
  })

  test('right after each grant still pauses, or a broken server would be hammered', () => {
    const bench = new CoreBench()
    bench.goLive()
    expect(bench.closed()).toEqual(['disconnect: cut', 'state disconnected'])
    expect(bench.core.wakeAt()).toBe(100)
  })

  test('longer than the session time-out stays a drop: only a server knows of expiry', () => {
    const bench = new CoreBench()
    bench.goLive()
    bench.now = 2_000
    bench.closed()
    for (let at = 3_000; at < 60_000; at += 3_000) {
      bench.ticksUntil(at)
      bench.closed()
    }
    expect(bench.core.state).toBe('disconnected')
    expect(bench.now - bench.core.lastHeardMs).toBeGreaterThan(50_000)
  })
})

describe('taking a session up again', () => {
  const session = { id: SESSION_ID, password: PASSWORD }

  test('works across a restart of the process', () => {
    const bench = new CoreBench({ session })
    expect(bench.goLive()).toEqual(['connect s1:1', again(0), 'state connected'])
  })

  test('ends as expired when the server says that it is gone', () => {
    const bench = new CoreBench({ session })
    bench.submit({ kind: 'exists', path: '/a' })
    expect(bench.goLive(expired()).slice(2)).toEqual([
      'disconnect: the server says that the session is gone',
      `fail exists /a: ${gone}, server s1:1`,
      'state expired',
    ])
    expect(bench.submit({ kind: 'exists', path: '/b' })).toEqual([
      'fail exists: the client has ended (expired); make a new one (sessionExpired)',
    ])
    expect(bench.core.wakeAt()).toBeUndefined()
  })

  test('ends as expired when the server hands out another session instead', () => {
    const bench = new CoreBench({ session })
    expect(bench.goLive(grant({ id: 7n }))).toContain('state expired')
    expect(bench.core.session).toBe(session)
  })

  test('ends as expired on a reconnect too, and fails what waited', () => {
    const bench = new CoreBench()
    bench.goLive()
    bench.now = 9_000
    bench.closed()
    bench.submit({ kind: 'sync', path: '/' })
    bench.connected()
    expect(bench.data(expired()).slice(1)).toEqual([
      `fail sync /: ${gone}, server s1:1`,
      'state expired',
    ])
  })
})

describe('stale inputs', () => {
  test('of an older link change nothing', () => {
    const bench = new CoreBench({ serverCount: 2 })
    bench.goLive()
    bench.submit({ kind: 'getData', path: '/a' })
    bench.now = 5_000
    bench.closed()
    const old = { generation: 1 }
    expect(bench.step({ kind: 'data', ...old, bytes: reply(1, { body: ok }) })).toEqual([])
    expect(bench.step({ kind: 'closed', ...old, reason: 'late' })).toEqual([])
    expect(bench.step({ kind: 'connected', ...old })).toEqual([])
    expect(bench.core.lastHeardMs).toBe(0)
    expect(bench.connected()).toEqual([again(0)])
  })
})

describe('closing', () => {
  test('sends closeSession behind what was asked before, and ends with its reply', () => {
    const bench = new CoreBench()
    bench.goLive()
    bench.submit({ kind: 'delete', path: '/a' })
    expect(bench.close()).toEqual(['send closeSession xid 2'])
    expect(bench.submit({ kind: 'delete', path: '/b' })).toEqual([
      'fail delete: the client is closing (sessionExpired)',
    ])
    expect(bench.close('twice')).toEqual([])
    expect(bench.data(reply(1), reply(2))).toEqual([
      'answer delete /a: undefined',
      'disconnect: the session was closed',
      'state closed',
      'answer close: undefined',
      'answer twice: undefined',
    ])
    expect(bench.core.closeAcknowledged).toBe(true)
    expect(bench.close('later')).toEqual(['answer later: undefined'])
  })

  test('without an answer ends at its bound and says so', () => {
    const bench = new CoreBench()
    bench.goLive()
    bench.close()
    expect(bench.ticksUntil(2_000)).toEqual([
      '2000: disconnect: closing was not answered in time',
      '2000: state closed',
      '2000: answer close: undefined',
    ])
    expect(bench.core.closeAcknowledged).toBe(false)
  })

  test('while disconnected tries the servers at once, and closes at the first that answers', () => {
    const bench = new CoreBench()
    bench.goLive()
    bench.closed()
    expect(bench.close()).toEqual(['connect s1:1'])
    bench.connected()
    expect(bench.data(grant())).toEqual(['send closeSession xid 1', 'state connected'])
    expect(bench.data(reply(1))).toContain('state closed')
  })

  test('that finds the session gone has reached its goal', () => {
    const bench = new CoreBench()
    bench.goLive()
    bench.now = 5_000
    bench.closed()
    bench.close()
    bench.connected()
    expect(bench.data(expired())).toContain('state closed')
    expect(bench.core.closeAcknowledged).toBe(true)
  })

  test('before any session was granted ends at once', () => {
    const bench = new CoreBench()
    bench.step({ kind: 'start' })
    expect(bench.close()).toEqual([
      'disconnect: closed before a session was granted',
      'state closed',
      'answer close: undefined',
    ])
  })

  test('by detaching leaves the session at the server', () => {
    const bench = new CoreBench()
    bench.goLive()
    bench.submit({ kind: 'delete', path: '/a' })
    expect(bench.detach()).toEqual([
      'disconnect: detached; the session lives on at the server',
      `fail delete /a: ${lost}, server s1:1`,
      'state closed',
    ])
    expect(bench.detach()).toEqual([])
  })
})
