/** Watches: which call leaves one, which event takes it, and how they survive a drop. */
import { ErrorCode, ErrorResponse, EventType, GetDataResponse, StatResponse } from '@baton/jute'
import { describe, expect, test } from 'vitest'
import { SET_WATCHES_BYTES_MAX, WatchManager } from '../src/watch-manager.ts'
import { CoreBench } from './core-bench.ts'
import { bytesOf, event, grant, reply, STAT } from './wire.ts'

const data = [GetDataResponse, { data: null, stat: STAT }] as const
const stat = [StatResponse, { stat: STAT }] as const
const done = [ErrorResponse, { err: 0 }] as const
const noop = (): void => {}

function live(): CoreBench {
  const bench = new CoreBench()
  bench.goLive()
  return bench
}

function reconnect(bench: CoreBench): string[] {
  bench.now += 5_000
  bench.closed()
  bench.connected()
  return bench.data(grant())
}

describe('a watch', () => {
  test('is told once, however many reads have left it', () => {
    const bench = live()
    const watch = bench.watch('w')
    bench.submit({ kind: 'getData', path: '/a', watch })
    bench.submit({ kind: 'exists', path: '/a', watch })
    bench.data(reply(1, { body: data }), reply(2, { body: stat }))
    const changed = event(EventType.nodeDataChanged, '/a', 7)
    expect(bench.data(changed)).toEqual(['event w: {"type":3,"path":"/a","zxid":7}'])
    expect(bench.data(changed)).toEqual([])
  })

  test('of a failed getData is not there, of an `exists` without a node it is', () => {
    const bench = live()
    bench.submit({ kind: 'getData', path: '/a', watch: bench.watch('get') })
    bench.submit({ kind: 'exists', path: '/a', watch: bench.watch('exists') })
    const err = ErrorCode.noNode
    bench.data(reply(1, { err }), reply(2, { err }))
    expect(bench.data(event(EventType.nodeCreated, '/a'))).toEqual([
      'event exists: {"type":1,"path":"/a","zxid":-1}',
    ])
  })

  test('whose reply was lost is not armed again', () => {
    const bench = live()
    bench.submit({ kind: 'getData', path: '/a', watch: bench.watch('w') })
    expect(reconnect(bench)).toEqual(['state connected'])
  })

  test('that is persistent stays, and is armed again by the newer request', () => {
    const bench = live()
    const watch = bench.watch('p')
    expect(bench.submit({ kind: 'addWatch', path: '/a', mode: 'persistent', watch })).toEqual([
      'send addWatch xid 1 {"path":"/a","mode":0}',
    ])
    bench.data(reply(1, { body: done, zxid: 4 }))
    const children = event(EventType.nodeChildrenChanged, '/a')
    expect(bench.data(children, children)).toHaveLength(2)
    expect(reconnect(bench)[0]).toBe(
      'send setWatches2 xid -8 {"relativeZxid":4,"dataWatches":[],"existWatches":[],' +
        '"childWatches":[],"persistentWatches":["/a"],"persistentRecursiveWatches":[]}',
    )
  })

  test('that is recursive sees every change below but no change of children', () => {
    const bench = live()
    const watch = bench.watch('r')
    bench.submit({ kind: 'addWatch', path: '/a', mode: 'persistentRecursive', watch })
    bench.data(reply(1, { body: done }))
    expect(
      bench.data(
        event(EventType.nodeCreated, '/a/b/c'),
        event(EventType.nodeChildrenChanged, '/a/b'),
        event(EventType.nodeDataChanged, '/ab'),
        event(EventType.nodeDeleted, '/a'),
      ),
    ).toEqual([
      'event r: {"type":1,"path":"/a/b/c","zxid":-1}',
      'event r: {"type":2,"path":"/a","zxid":-1}',
    ])
  })

  test('that was missed is caught up before the reply that arms it again', () => {
    const bench = live()
    bench.submit({ kind: 'getData', path: '/a', watch: bench.watch('w') })
    bench.data(reply(1, { body: data }))
    reconnect(bench)
    expect(bench.data(event(EventType.nodeDeleted, '/a'), reply(-8))).toEqual([
      'event w: {"type":2,"path":"/a","zxid":-1}',
    ])
    expect(reconnect(bench)).toEqual(['state connected'])
  })

  test('that could not be armed again costs the link, since it must not look armed', () => {
    const bench = live()
    bench.submit({ kind: 'getData', path: '/a', watch: bench.watch('w') })
    bench.data(reply(1, { body: data }))
    reconnect(bench)
    expect(bench.data(reply(-8, { err: ErrorCode.unimplemented }))).toEqual([
      'disconnect: the watches could not be set again: unimplemented',
      'state disconnected',
    ])
  })
})

describe('taking watches away', () => {
  test('tells each of them, after the server has agreed', () => {
    const bench = live()
    bench.submit({ kind: 'getData', path: '/a', watch: bench.watch('d') })
    bench.submit({ kind: 'addWatch', path: '/a', mode: 'persistent', watch: bench.watch('p') })
    bench.data(reply(1, { body: data }), reply(2, { body: done }))
    expect(bench.submit({ kind: 'removeWatches', path: '/a', type: 'any' })).toEqual([
      'send removeWatches xid 3 {"path":"/a","type":3}',
    ])
    expect(bench.data(reply(3))).toEqual([
      'event d: {"type":5,"path":"/a","zxid":-1}',
      'event p: {"type":7,"path":"/a","zxid":-1}',
      'answer removeWatches /a: undefined',
    ])
    expect(bench.submit({ kind: 'removeWatches', path: '/a', type: 'any' })).toEqual([
      'fail removeWatches /a: this client has no such watch (noWatcher)',
    ])
  })

  test('leaves them where the server refuses', () => {
    const bench = live()
    bench.submit({ kind: 'getData', path: '/a', watch: bench.watch('d') })
    bench.data(reply(1, { body: data }))
    bench.submit({ kind: 'removeWatches', path: '/a', type: 'data' })
    bench.data(reply(2, { err: ErrorCode.noWatcher }))
    expect(bench.data(event(EventType.nodeDeleted, '/a'))).toHaveLength(1)
  })
})

describe('the requests that arm watches again', () => {
  test('stay below the limit, and lose no path', () => {
    const watches = new WatchManager()
    const name = 'x'.repeat(90)
    for (let i = 0; i < 5_000; i++)
      watches.add(i % 2 === 0 ? 'data' : 'child', `/${name}${i}`, noop)
    const sizes = watches.rearm(1).map(request => bytesOf(w => request.write(w)).length)
    expect(sizes.length).toBe(4)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(SET_WATCHES_BYTES_MAX + 64)
    expect(watches.count).toBe(5_000)
    const bytes = Array.from({ length: 5_000 }, (_, i) => 95 + String(i).length)
    const overhead = sizes.length * (8 + 3 * 4)
    expect(sizes.reduce((a, b) => a + b)).toBe(bytes.reduce((a, b) => a + b) + overhead)
  })

  test('are none where nothing is watched', () => {
    expect(new WatchManager().rearm(1)).toEqual([])
  })
})
