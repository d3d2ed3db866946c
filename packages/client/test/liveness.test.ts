/** Pings, silence and time-outs, on a clock moved by hand. */
import { describe, expect, test } from 'vitest'
import { CoreBench } from './core-bench.ts'
import { grant, reply } from './wire.ts'

const PING = 'send ping xid -2'

function live(timeoutMs = 6_000): CoreBench {
  const bench = new CoreBench()
  bench.goLive(grant({ timeoutMs }))
  return bench
}

describe('pings', () => {
  test('go out a third of the time-out after the last request', () => {
    const bench = live()
    expect(bench.ticksUntil(2_000)).toEqual([`2000: ${PING}`])
    bench.data(reply(-2))
    bench.now = 3_500
    bench.submit({ kind: 'delete', path: '/a' })
    bench.data(reply(1))
    expect(bench.ticksUntil(5_600)).toEqual([`5500: ${PING}`])
  })

  test('go out every 10 s where a third is longer', () => {
    expect(live(60_000).ticksUntil(10_000)).toEqual([`10000: ${PING}`])
  })

  test('of the user resolve with their own reply, and fail without a link', () => {
    const bench = live()
    expect(bench.ping('a')).toEqual([PING])
    bench.now = 100
    bench.ping('b')
    expect(bench.data(reply(-2))).toEqual(['answer a: undefined'])
    expect(bench.core.conversation.lastAcknowledgedSendMs).toBe(0)
    expect(bench.data(reply(-2))).toEqual(['answer b: undefined'])
    expect(bench.core.conversation.lastAcknowledgedSendMs).toBe(100)
    bench.closed()
    expect(bench.ping()[0]).toMatch(/^fail ping: there is no connection \(connectionLoss\)/)
  })
})

describe('silence', () => {
  test('of two thirds of the time-out drops the link, confirmed by a second tick', () => {
    const bench = live()
    expect(bench.ticksUntil(4_009)).toEqual([`2000: ${PING}`, `4000: ${PING}`])
    expect(bench.ticksUntil(4_010)).toEqual([
      '4010: disconnect: nothing was heard for 4010 ms',
      '4010: connect s1:1',
      '4010: state disconnected',
    ])
  })

  test('ends with any byte', () => {
    const bench = live()
    bench.ticksUntil(3_999)
    bench.data(reply(-2).subarray(0, 1))
    expect(bench.core.lastHeardMs).toBe(3_999)
    expect(bench.ticksUntil(7_998).filter(line => line.includes('disconnect'))).toEqual([])
  })

  test('is not declared by a late tick while the reply lies in the kernel', () => {
    const bench = live()
    bench.ticksUntil(2_000)
    expect(bench.tick(9_000)).toEqual([PING])
    bench.data(reply(-2))
    expect(bench.ticksUntil(9_100)).toEqual([])
    expect(bench.core.state).toBe('connected')
  })

  test('is not declared by a confirming tick that is late itself', () => {
    const bench = live()
    bench.ticksUntil(2_000)
    bench.tick(9_000)
    expect(bench.tick(12_000)).toEqual([PING])
    bench.data(reply(-2))
    expect(bench.core.state).toBe('connected')
  })

  test('after a pause of this process is no silence: nothing was asked', () => {
    const bench = live()
    bench.ticksUntil(2_000)
    bench.data(reply(-2))
    expect(bench.tick(60_000)).toEqual([PING])
    expect(bench.ticksUntil(61_900)).toEqual([])
    bench.data(reply(-2))
    expect(bench.core.state).toBe('connected')
  })

  test('is declared in the end on a machine whose ticks are always late', () => {
    const bench = live()
    for (let at = 4_000; bench.core.state === 'connected' && at < 100_000; at += 200) bench.tick(at)
    expect(bench.core.state).toBe('disconnected')
    expect(bench.now).toBeLessThan(12_000)
  })
})

describe('connecting', () => {
  test('has one bound for the link and the answer together', () => {
    const bench = new CoreBench({ serverCount: 2 })
    bench.step({ kind: 'start' })
    expect(bench.ticksUntil(2_010)).toEqual([
      '2010: disconnect: no connection within 2000 ms',
      '2010: connect s2:1',
    ])
    bench.now = 3_000
    bench.connected()
    expect(bench.ticksUntil(4_020)).toEqual([
      '4020: disconnect: no answer to the session request within 2000 ms',
    ])
  })
})
