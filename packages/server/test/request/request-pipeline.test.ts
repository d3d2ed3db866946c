import * as jute from '@baton/jute'
import { CreateMode, decode, ErrorCode, OpCode } from '@baton/jute'
import { describe, expect, test } from 'vitest'
import {
  create,
  FakeCnxn,
  multi,
  path,
  PipelineWorld,
  read,
  remove,
  setData,
} from '../support/pipeline-world.ts'

const open = jute.OPEN_ACL_UNSAFE

function createPart(name: string, flags = 0): jute.MultiRequestOp {
  return { type: OpCode.create, body: { path: name, data: null, acl: open, flags } }
}

describe('order', () => {
  test('a read waits for an uncommitted write of its own session, not of another', () => {
    const world = new PipelineWorld()
    const [a, b] = [world.cnxn(), world.cnxn()]
    world.request(a, 1, OpCode.create, create('/a'))
    world.request(a, 2, OpCode.exists, read('/a'))
    world.request(b, 1, OpCode.exists, read('/a'))
    expect(a.words()).toEqual([])
    expect(b.words()).toEqual(['1:-101'])
    world.sync()
    expect(a.words()).toEqual(['1:0', '2:0'])
  })

  test('nothing of a write is seen before it is synced', () => {
    const world = new PipelineWorld()
    const a = world.cnxn()
    world.request(a, 1, OpCode.create, create('/a'))
    expect(world.logged.at(-1)?.txn.type).toBe(OpCode.create)
    expect(world.tree.get('/a')).toBeUndefined()
    world.sync()
    expect(world.tree.get('/a')).toBeDefined()
  })

  test('one sync delivers exactly the writes that were appended before it began', () => {
    const world = new PipelineWorld()
    const a = world.cnxn()
    world.request(a, 1, OpCode.create, create('/a'))
    expect(world.pipeline.proposer.takeBatch()).toBe('logged')
    world.request(a, 2, OpCode.create, create('/b'))
    world.pipeline.proposer.onSynced()
    expect(a.words()).toEqual(['1:0'])
    world.sync()
    expect(a.words()).toEqual(['2:0'])
  })

  test('sync waits for writes of other sessions that were proposed before it', () => {
    const world = new PipelineWorld()
    const [a, b] = [world.cnxn(), world.cnxn()]
    world.request(a, 1, OpCode.create, create('/a'))
    world.request(b, 1, OpCode.sync, path('/a'))
    world.request(b, 2, OpCode.exists, read('/a'))
    expect(b.words()).toEqual([])
    world.sync()
    expect(b.words()).toEqual(['1:0', '2:0'])
  })

  test('a malformed write is answered in its place and takes no zxid', () => {
    const world = new PipelineWorld()
    const a = world.cnxn()
    world.request(a, 1, OpCode.create, create('/a'))
    world.request(a, 2, OpCode.create, Buffer.from([0, 0, 0, 9]))
    world.request(a, 3, OpCode.ping)
    world.sync()
    // A ping's answer has the xid of pings, whatever it was sent with.
    expect(a.words()).toEqual(['1:0', '2:-5', '-2:0'])
    expect(world.tree.lastProcessedZxid).toBe(2)
  })

  test('every write takes a zxid, a failed one too, and is logged as an error', () => {
    const world = new PipelineWorld()
    const a = world.cnxn()
    expect(world.call(a, OpCode.delete, remove('/none'))).toMatchObject({ err: -101, zxid: 2 })
    expect(world.logged.at(-1)).toMatchObject({
      header: { zxid: 2, type: OpCode.error },
      txn: { type: OpCode.error, body: { err: -101 } },
    })
  })

  test('an operation that does not exist is refused with zxid -1 and closes', () => {
    const world = new PipelineWorld()
    for (const type of [
      OpCode.notification,
      OpCode.check,
      99,
      OpCode.error,
      OpCode.createSession,
    ]) {
      const a = world.cnxn()
      world.request(a, 5, type)
      expect(a.take()).toMatchObject([
        { kind: 'reply', xid: 5, zxid: -1, err: ErrorCode.unimplemented },
        { kind: 'closed' },
      ])
    }
  })
})

describe('watches', () => {
  test('the event of an own write comes before its reply', () => {
    const world = new PipelineWorld()
    const a = world.cnxn()
    world.call(a, OpCode.exists, read('/w', true))
    world.call(a, OpCode.getChildren, read('/', true))
    world.request(a, 1, OpCode.create, create('/w'))
    world.sync()
    expect(a.words()).toEqual(['event 1 /w', 'event 4 /', '1:0'])
  })

  test('the event comes before any read that shows the change', () => {
    const world = new PipelineWorld()
    const [a, b] = [world.cnxn(), world.cnxn()]
    world.create(a, '/w')
    world.call(b, OpCode.getData, read('/w', true))
    world.request(a, 1, OpCode.setData, setData('/w', 'new'))
    world.request(b, 2, OpCode.getData, read('/w'))
    world.sync()
    world.request(b, 3, OpCode.getData, read('/w'))
    expect(b.words()).toEqual(['2:0', 'event 3 /w', '3:0'])
  })

  test('what setWatches catches up with comes before its reply', () => {
    const world = new PipelineWorld()
    const a = world.cnxn()
    world.create(a, '/d')
    const body = jute.encode(jute.SetWatches, {
      relativeZxid: 0,
      dataWatches: ['/d'],
      existWatches: ['/none'],
      childWatches: ['/gone'],
    })
    world.request(a, -8, OpCode.setWatches, body)
    expect(a.words()).toEqual(['event 3 /d', 'event 2 /gone', '-8:0'])
  })

  test('exists leaves its watch on a missing znode, getData does not', () => {
    const world = new PipelineWorld()
    const [a, b] = [world.cnxn(), world.cnxn()]
    expect(world.call(a, OpCode.exists, read('/x', true)).err).toBe(ErrorCode.noNode)
    expect(world.call(b, OpCode.getData, read('/x', true)).err).toBe(ErrorCode.noNode)
    world.create(world.cnxn(), '/x')
    expect(a.words()).toEqual(['event 1 /x'])
    expect(b.words()).toEqual([])
  })
})

describe('multi', () => {
  test('a failed multi changes nothing, answers 0 outside and says which part failed', () => {
    const world = new PipelineWorld()
    const a = world.cnxn()
    const body = multi(
      createPart('/a'),
      { type: OpCode.delete, body: { path: '/no', version: -1 } },
      createPart('/b'),
    )
    const reply = world.call(a, OpCode.multi, body)
    expect(reply.err).toBe(ErrorCode.ok)
    expect(decode(jute.MultiResponse, reply.body)).toEqual([
      { type: OpCode.error, body: { err: 0 } },
      { type: OpCode.error, body: { err: ErrorCode.noNode } },
      { type: OpCode.error, body: { err: ErrorCode.runtimeInconsistency } },
    ])
    expect(world.tree.get('/a')).toBeUndefined()
    expect(world.tree.lastProcessedZxid).toBe(2)
  })

  test('a part sees what the parts before it did', () => {
    const world = new PipelineWorld()
    const a = world.cnxn()
    const body = multi(
      createPart('/a'),
      createPart('/a/b'),
      { type: OpCode.setData, body: { path: '/a/b', data: Buffer.from('1'), version: 0 } },
      { type: OpCode.check, body: { path: '/a/b', version: 1 } },
    )
    const reply = world.call(a, OpCode.multi, body)
    expect(decode(jute.MultiResponse, reply.body).map(part => part.type)).toEqual([1, 1, 5, 13])
    expect(world.tree.get('/a/b')?.version).toBe(1)
  })

  test('a failed multi gives the sequence counter back, also among outstanding writes', () => {
    const world = new PipelineWorld()
    const a = world.cnxn()
    const seq = CreateMode.persistentSequential
    world.request(a, 1, OpCode.create, create('/s-', seq))
    world.request(a, 2, OpCode.multi, multi(createPart('/s-', seq), createPart('/none/x')))
    world.request(a, 3, OpCode.create, create('/s-', seq))
    world.sync()
    // The root's counter starts at 0 here: the system znodes were not created by a txn.
    const [first, , third] = a.take()
    const made = [first, third].map(sent =>
      sent?.kind === 'reply' ? decode(jute.CreateResponse, sent.body).path : undefined,
    )
    expect(made).toEqual(['/s-0000000000', '/s-0000000001'])
  })

  test('an empty multi is fine and takes a zxid; one with a read in it is refused whole', () => {
    const world = new PipelineWorld()
    const a = world.cnxn()
    expect(world.call(a, OpCode.multi, multi())).toMatchObject({ err: 0, zxid: 2 })
    const mixed = multi(createPart('/a'), {
      type: OpCode.getData,
      body: { path: '/', watch: false },
    })
    expect(world.call(a, OpCode.multi, mixed)).toMatchObject({ err: -5, zxid: 3 })
    expect(world.create(a, '/a')).toBe('/a')
  })

  test('multiRead answers each part by itself', () => {
    const world = new PipelineWorld()
    const a = world.cnxn()
    const body = multi(
      { type: OpCode.getChildren, body: { path: '/', watch: false } },
      { type: OpCode.getData, body: { path: '/none', watch: false } },
    )
    const parts = decode(jute.MultiResponse, world.call(a, OpCode.multiRead, body).body)
    expect(parts).toMatchObject([
      { type: OpCode.getChildren, body: { children: ['zookeeper'] } },
      { type: OpCode.error, body: { err: ErrorCode.noNode } },
    ])
  })
})

describe('sessions', () => {
  test('closeSession deletes its ephemerals in one txn, outstanding ones too', () => {
    const world = new PipelineWorld()
    const [a, b] = [world.cnxn(), world.cnxn()]
    world.create(a, '/e1', CreateMode.ephemeral)
    world.request(a, 1, OpCode.create, create('/e2', CreateMode.ephemeral))
    world.request(a, 2, OpCode.delete, remove('/e1'))
    world.request(a, 3, OpCode.closeSession)
    world.request(b, 1, OpCode.create, create('/e2'))
    world.sync()
    expect(a.words()).toEqual(['1:0', '2:0', '3:0', 'closed'])
    expect(b.words()).toEqual(['1:0'])
    expect(world.logged.find(({ txn }) => txn.type === OpCode.closeSession)?.txn.body).toEqual({
      paths2Delete: ['/e2'],
    })
    expect(world.closedSessions).toEqual([a.sessionId])
    expect(world.sessions.get(a.sessionId)).toBeUndefined()
  })

  test('a write of a connection that lost its session to another is refused and closed', () => {
    const world = new PipelineWorld()
    const a = world.cnxn()
    const stranger = new FakeCnxn(a.session, a.queue)
    a.session.owner = a
    world.request(stranger, 1, OpCode.create, create('/a'))
    world.sync()
    expect(stranger.words()).toEqual(['1:-118', 'closed'])
  })
})
