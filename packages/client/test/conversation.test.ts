/** Requests, replies, events, credentials and bounds on a live link. */
import { CreateResponse, ErrorCode, EventType, GetDataResponse, OpCode } from '@baton/jute'
import { Create2Response, GetEphemeralsResponse, MultiResponse, StatResponse } from '@baton/jute'
import { GetChildren2Response, SyncResponse } from '@baton/jute'
import type { AnyType } from '@baton/jute'
import { describe, expect, test } from 'vitest'
import { CreateMode, MultiError } from '../src/index.ts'
import type { MultiOp, Operation } from '../src/index.ts'
import { Chroot } from '../src/paths.ts'
import { CoreBench } from './core-bench.ts'
import type { BenchOptions } from './core-bench.ts'
import { event, grant, reply, STAT } from './wire.ts'

type Body = readonly [AnyType, unknown]
const data: Body = [GetDataResponse, { data: null, stat: STAT }]
const stat: Body = [StatResponse, { stat: STAT }]
const created = (path: string): Body => [CreateResponse, { path }]
const acl = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]

function live(options: BenchOptions = {}): CoreBench {
  const bench = new CoreBench(options)
  bench.goLive()
  return bench
}

const statText = JSON.stringify(STAT, (_key, value: unknown) =>
  typeof value === 'bigint' ? `0x${value}` : value,
)

describe('requests', () => {
  const cases: readonly (readonly [Operation, string])[] = [
    [
      { kind: 'create', path: '/a', data: null, mode: CreateMode.ephemeralSequential },
      `create xid 1 ${JSON.stringify({ path: '/a', data: null, acl, flags: 3 })}`,
    ],
    [
      { kind: 'create2', path: '/a-', data: Buffer.from('x'), acl: [] },
      'create2 xid 1 {"path":"/a-","data":"x","acl":[],"flags":0}',
    ],
    [
      { kind: 'create', path: '/c', data: null, mode: CreateMode.container },
      `createContainer xid 1 ${JSON.stringify({ path: '/c', data: null, acl, flags: 4 })}`,
    ],
    [
      { kind: 'create', path: '/t', data: null, mode: CreateMode.persistentWithTtl, ttlMs: 70 },
      `createTTL xid 1 ${JSON.stringify({ path: '/t', data: null, acl, flags: 5, ttl: 70 })}`,
    ],
    [{ kind: 'delete', path: '/a' }, 'delete xid 1 {"path":"/a","version":-1}'],
    [{ kind: 'getChildren', path: '/a' }, 'getChildren2 xid 1 {"path":"/a","watch":false}'],
    [{ kind: 'setACL', path: '/a', acl: [] }, 'setACL xid 1 {"path":"/a","acl":[],"version":-1}'],
    [{ kind: 'getACL', path: '/a' }, 'getACL xid 1 {"path":"/a"}'],
    [{ kind: 'getEphemerals', prefix: '/' }, 'getEphemerals xid 1 {"path":"/"}'],
    [{ kind: 'getAllChildrenNumber', path: '/' }, 'getAllChildrenNumber xid 1 {"path":"/"}'],
    [{ kind: 'whoAmI' }, 'whoAmI xid 1'],
  ]
  test.each(cases)('%j', (operation, line) => {
    expect(live().submit(operation)).toEqual([`send ${line}`])
  })

  test('with a path that cannot be, or a TTL out of place, never leave', () => {
    const bench = live()
    const refused: readonly (readonly [Operation, string])[] = [
      [{ kind: 'delete', path: 'a' }, 'does not begin with /'],
      [{ kind: 'exists', path: '/a//b' }, 'has an empty segment'],
      [{ kind: 'create', path: '/a/', data: null }, 'ends with /'],
      [{ kind: 'create', path: '/a', data: null, ttlMs: 5 }, 'ttlMs belongs to the TTL modes'],
      [{ kind: 'create', path: '/a', data: null, mode: 5, ttlMs: 0 }, 'ttlMs 0 is outside 1 to'],
    ]
    for (const [operation, words] of refused) {
      const [line] = bench.submit(operation)
      expect(line).toContain(words)
      expect(line).toContain('(badArguments)')
    }
  })

  test('above the frame limit are refused here, because they would cost the connection', () => {
    const bench = live({ requestBytesMax: 100 })
    const [line] = bench.submit({ kind: 'setData', path: '/a', data: Buffer.alloc(200) })
    expect(line).toBe(
      'fail setData /a: the request has 222 bytes; at most 100 are allowed (marshallingError)',
    )
  })

  test('beyond the bounds of the queue are refused until answers have come', () => {
    const bench = live({ outstandingMax: 1 })
    bench.submit({ kind: 'setData', path: '/a', data: null })
    expect(bench.submit({ kind: 'delete', path: '/b' })).toEqual([
      'fail delete /b: the queue is full: 1 operations have no answer yet (throttledOp)',
    ])
    bench.data(reply(1, { body: stat }))
    expect(bench.submit({ kind: 'delete', path: '/b' })[0]).toContain('send delete')
    const bytes = live({ outstandingBytesMax: 90 })
    bytes.submit({ kind: 'setData', path: '/a', data: Buffer.alloc(50) })
    expect(bytes.submit({ kind: 'delete', path: '/bbbb' })[0]).toContain('76 bytes of operations')
  })
})

describe('replies', () => {
  test('and events come out in the order of the wire', () => {
    const bench = live()
    const watch = bench.watch('w')
    bench.submit({ kind: 'getData', path: '/a', watch })
    bench.submit({ kind: 'delete', path: '/a' })
    const changed = event(EventType.nodeDeleted, '/a', 12)
    expect(bench.data(reply(1, { body: data }), changed, reply(2, { zxid: 12 }))).toEqual([
      `answer getData /a: {"data":null,"stat":${statText}}`,
      'event w: {"type":2,"path":"/a","zxid":12}',
      'answer delete /a: undefined',
    ])
  })

  test('split at any byte mean the same', () => {
    const bytes = Buffer.concat([grant(), reply(1, { zxid: 5, body: created('/a') })])
    for (let at = 0; at <= bytes.length; at++) {
      const bench = new CoreBench()
      bench.step({ kind: 'start' })
      bench.submit({ kind: 'create', path: '/a', data: null })
      bench.connected()
      const lines = [...bench.data(bytes.subarray(0, at)), ...bench.data(bytes.subarray(at))]
      expect(lines.slice(1)).toEqual(['state connected', 'answer create /a: "/a"'])
    }
  })

  test('that say no node answer `exists` with nothing, and the rest with an error', () => {
    const bench = live()
    bench.submit({ kind: 'exists', path: '/a' })
    bench.submit({ kind: 'getData', path: '/a' })
    const err = ErrorCode.noNode
    expect(bench.data(reply(1, { err }), reply(2, { err }))).toEqual([
      'answer exists /a: undefined',
      'fail getData /a: there is no such znode (noNode), server s1:1',
    ])
  })

  test('with a code that no table knows still tell it', () => {
    const bench = live()
    bench.submit({ kind: 'delete', path: '/a' })
    expect(bench.data(reply(1, { err: -777 }))).toEqual(['fail delete /a: error -777, server s1:1'])
  })

  test('carry the newest zxid into the next handshake, which never goes back', () => {
    const bench = live()
    for (const zxid of [30, 20]) bench.submit({ kind: 'delete', path: `/${zxid}` })
    bench.data(reply(1, { zxid: 30 }), reply(2, { zxid: 20 }))
    expect(bench.core.conversation.lastZxidSeen).toBe(30)
  })
})

describe('multi', () => {
  const ops: readonly MultiOp[] = [
    { type: OpCode.create2, body: { path: '/a', data: null, acl, flags: 0 } },
    { type: OpCode.check, body: { path: '/b', version: 3 } },
    { type: OpCode.delete, body: { path: '/c', version: -1 } },
  ]

  test('answers with a result for each part, paths below the chroot', () => {
    const bench = live({ chroot: new Chroot('/app') })
    expect(bench.submit({ kind: 'multi', ops })[0]).toContain('"path":"/app/c"')
    const results = [
      { type: OpCode.create2, body: { path: '/app/a', stat: STAT } },
      { type: OpCode.check, body: undefined },
      { type: OpCode.delete, body: undefined },
    ]
    expect(bench.data(reply(1, { body: [MultiResponse, results] }))).toEqual([
      'answer multi: [{"type":15,"body":{"path":"/a","stat":' +
        `${statText}}},{"type":13},{"type":2}]`,
    ])
  })

  test('that failed is an error naming the part, with a code for each', () => {
    const bench = live()
    let failed: unknown
    bench.step({ kind: 'submit', operation: { kind: 'multi', ops }, reply: () => {} })
    const errors = [0, ErrorCode.badVersion, ErrorCode.runtimeInconsistency]
    const results = errors.map(err => ({ type: OpCode.error, body: { err } }))
    const bytes = reply(1, { body: [MultiResponse, results] })
    for (const effect of bench.core.step({ kind: 'data', generation: 1, bytes }, 0)) {
      if (effect.kind === 'reply') failed = effect.error
    }
    expect(failed).toBeInstanceOf(MultiError)
    expect(failed).toMatchObject({ codes: errors, failedIndex: 1, path: '/b', code: -103 })
    expect(String(failed)).toContain('multi, part 2 /b: the version is not the expected one')
  })

  test('of reads has an error of its own in each part', () => {
    const bench = live()
    const read = { type: OpCode.getData, body: { path: '/a', watch: false } }
    bench.submit({ kind: 'multiRead', ops: [read, read] })
    const results = [
      { type: OpCode.getData, body: { data: null, stat: STAT } },
      { type: OpCode.error, body: { err: ErrorCode.noNode } },
    ]
    const [line] = bench.data(reply(1, { body: [MultiResponse, results] }))
    expect(line).toMatch(/^answer multiRead: \[{"type":4,.*"codeName":"noNode","path":"\/a"/)
  })
})

describe('a chroot', () => {
  const chroot = new Chroot('/app')

  test('maps every path on the way out and back', () => {
    const bench = live({ chroot })
    expect(bench.submit({ kind: 'create', path: '/a', data: null })[0]).toContain('"/app/a"')
    expect(bench.submit({ kind: 'create2', path: '/b', data: null })[0]).toContain('"/app/b"')
    expect(bench.submit({ kind: 'sync', path: '/' })[0]).toContain('{"path":"/app"}')
    bench.submit({ kind: 'getEphemerals', prefix: '/' })
    const lines = bench.data(
      reply(1, { body: created('/app/a') }),
      reply(2, { body: [Create2Response, { path: '/app/b', stat: STAT }] }),
      reply(3, { body: [SyncResponse, { path: '/app' }] }),
      reply(4, { body: [GetEphemeralsResponse, { ephemerals: ['/app/e', '/apple'] }] }),
    )
    expect(lines).toEqual([
      'answer create /a: "/a"',
      `answer create2 /b: {"path":"/b","stat":${statText}}`,
      'answer sync /: "/"',
      'answer getEphemerals: ["/e"]',
    ])
  })

  test('is taken off the paths of events', () => {
    const bench = live({ chroot })
    const watch = bench.watch('w')
    bench.submit({ kind: 'getChildren', path: '/', watch })
    const body: Body = [GetChildren2Response, { children: [], stat: STAT }]
    bench.data(reply(1, { body }))
    expect(bench.data(event(EventType.nodeChildrenChanged, '/app'))).toEqual([
      'event w: {"type":4,"path":"/","zxid":-1}',
    ])
  })
})

describe('credentials', () => {
  const auth = [{ scheme: 'digest', auth: Buffer.from('u:p') }]
  const sent = 'send auth xid -4 {"type":0,"scheme":"digest","auth":"u:p"}'

  test('go before everything else on every link', () => {
    const bench = new CoreBench({ auth })
    bench.step({ kind: 'start' })
    bench.submit({ kind: 'getData', path: '/a', watch: bench.watch('w') })
    bench.connected()
    expect(bench.data(grant())).toEqual([
      sent,
      'send getData xid 1 {"path":"/a","watch":true}',
      'state connected',
    ])
    bench.data(reply(-4), reply(1, { body: data, zxid: 6 }))
    bench.now = 5_000
    bench.closed()
    bench.connected()
    expect(bench.data(grant())).toEqual([
      sent,
      'send setWatches xid -8 {"relativeZxid":6,"dataWatches":["/a"],"existWatches":[],' +
        '"childWatches":[]}',
      'state connected',
    ])
  })

  test('added later are answered once, and kept for later links', () => {
    const bench = live()
    expect(bench.addAuth('digest')).toEqual([sent])
    expect(bench.data(reply(-4))).toEqual(['answer addAuth digest: undefined'])
    bench.now = 5_000
    bench.closed()
    bench.connected()
    expect(bench.data(grant())).toEqual([sent, 'state connected'])
    expect(bench.data(reply(-4))).toEqual([])
  })

  test('that are refused end the session for good', () => {
    const bench = live({ auth })
    bench.submit({ kind: 'delete', path: '/a' })
    expect(bench.data(reply(-4, { err: ErrorCode.authFailed }))).toEqual([
      'disconnect: the server refused the credentials of scheme "digest"',
      'fail delete /a: the server refused the credentials (authFailed), server s1:1',
      'state authFailed',
    ])
    expect(bench.submit({ kind: 'delete', path: '/a' })[0]).toContain('(authFailed)')
  })

  test('cannot pile up without a bound', () => {
    const bench = live()
    for (let i = 0; i < 64; i++) bench.addAuth('digest')
    expect(bench.addAuth('digest')).toEqual([
      'fail a session holds at most 64 credentials (badArguments)',
    ])
  })
})
