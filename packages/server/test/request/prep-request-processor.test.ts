import * as jute from '@baton/jute'
import { CreateMode, ErrorCode, OpCode } from '@baton/jute'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  create,
  multi,
  path,
  PipelineWorld,
  read,
  remove,
  setData,
  type FakeCnxn,
  type Sent,
} from '../support/pipeline-world.ts'

const open = jute.OPEN_ACL_UNSAFE
const readOnly = jute.READ_ACL_UNSAFE

describe('create', () => {
  test.each<[string, number, number, string]>([
    ['/zz/../b', 0, ErrorCode.noNode, 'the parent is looked up before the path is validated'],
    ['zz', 0, ErrorCode.badArguments, 'no slash'],
    ['', 0, ErrorCode.badArguments, 'nothing'],
    ['/', 0, ErrorCode.nodeExists, 'the root'],
    ['/a\0b', 0, ErrorCode.badArguments, 'a NUL'],
    ['/a/', 0, ErrorCode.noNode, 'a slash at the end of what would be a child of a missing node'],
    ['/./x', 0, ErrorCode.noNode, 'a dot as the parent'],
    ['/..', 0, ErrorCode.badArguments, 'two dots'],
    ['/ok', 9, ErrorCode.badArguments, 'a flag that does not exist'],
    ['/ok', CreateMode.persistentWithTtl, ErrorCode.unimplemented, 'TTL without extended types'],
  ])('of %j with flags %d is answered %d: %s', (name, flags, code) => {
    const world = new PipelineWorld()
    expect(world.create(world.cnxn(), name, flags)).toBe(code)
  })

  test('takes its number from the count of creates under the parent, of any kind', () => {
    const world = new PipelineWorld()
    const a = world.cnxn()
    world.create(a, '/p')
    world.create(a, '/p/plain')
    world.call(a, OpCode.delete, remove('/p/plain'))
    const sequential = CreateMode.persistentSequential
    expect(world.create(a, '/p/s', sequential)).toBe('/p/s0000000001')
    expect(world.create(a, '/p/', sequential)).toBe('/p/0000000002')
  })

  test('goes on below zero when the counter has wrapped', () => {
    const world = new PipelineWorld()
    const a = world.cnxn()
    world.create(a, '/p')
    const header = { clientId: 0n, cxid: 0, zxid: 3, time: 0, type: OpCode.create }
    const body = {
      path: '/p/x',
      data: null,
      acl: open,
      ephemeral: false,
      parentCVersion: 2 ** 31 - 1,
    }
    world.tree.processTxn({ ...header, zxid: world.tree.lastProcessedZxid }, { type: 1, body })
    const sequential = CreateMode.persistentSequential
    expect(world.create(a, '/p/s', sequential)).toBe('/p/s2147483647')
    expect(world.create(a, '/p/s', sequential)).toBe('/p/s-2147483648')
  })

  test('under an ephemeral is refused', () => {
    const world = new PipelineWorld()
    const a = world.cnxn()
    world.create(a, '/e', CreateMode.ephemeral)
    expect(world.create(a, '/e/x')).toBe(ErrorCode.noChildrenForEphemerals)
  })

  test("checks the ACL list before the parent, and the parent's permission before the name", () => {
    const world = new PipelineWorld()
    const a = world.cnxn()
    expect(world.create(a, '/none/x', 0, [])).toBe(ErrorCode.invalidACL)
    expect(world.create(a, '/x', 0, null)).toBe(ErrorCode.invalidACL)
    world.create(a, '/r', 0, readOnly)
    expect(world.create(a, '/r/..')).toBe(ErrorCode.noAuth)
  })

  test('with a time to live needs extended types, its own operation and a sane number', () => {
    const world = new PipelineWorld({ extendedTypes: true })
    const a = world.cnxn()
    const flags = CreateMode.persistentWithTtl
    const ttl = (name: string, ttlMs: number) =>
      world.call(
        a,
        OpCode.createTTL,
        jute.encode(jute.CreateTTLRequest, {
          path: name,
          data: null,
          acl: open,
          flags,
          ttl: ttlMs,
        }),
      ).err
    expect(ttl('/t', 1000)).toBe(ErrorCode.ok)
    expect(world.tree.get('/t')?.kind).toBe('ttl')
    expect(ttl('/u', 0)).toBe(ErrorCode.badArguments)
    expect(ttl('/u', 2 ** 40)).toBe(ErrorCode.badArguments)
    expect(world.create(a, '/u', flags)).toBe(ErrorCode.badArguments)
  })
})

describe('delete', () => {
  test('checks the permission on the parent before it looks for the node', () => {
    const world = new PipelineWorld()
    const a = world.cnxn()
    world.create(a, '/r', 0, readOnly)
    expect(world.call(a, OpCode.delete, remove('/r/none')).err).toBe(ErrorCode.noAuth)
  })

  test.each(['', '/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config', 'zz'])(
    'of %j is refused',
    name => {
      const world = new PipelineWorld()
      const reply = world.call(world.cnxn(), OpCode.delete, remove(name))
      expect(reply.err).toBe(ErrorCode.badArguments)
    },
  )

  test('sees children that are created by a write not yet applied', () => {
    const world = new PipelineWorld()
    const a = world.cnxn()
    world.create(a, '/p')
    world.request(a, 1, OpCode.create, create('/p/c'))
    world.request(a, 2, OpCode.delete, remove('/p'))
    world.request(a, 3, OpCode.delete, remove('/p/c'))
    world.request(a, 4, OpCode.delete, remove('/p'))
    world.sync()
    expect(a.words()).toEqual(['1:0', '2:-111', '3:0', '4:0'])
  })

  test('of a container by a client needs the permission that delete needs', () => {
    const world = new PipelineWorld()
    const a = world.cnxn()
    world.create(a, '/r')
    world.create(a, '/r/c')
    const setAcl = { path: '/r', acl: readOnly, version: -1 }
    world.call(a, OpCode.setACL, jute.encode(jute.SetACLRequest, setAcl))
    expect(world.call(a, OpCode.deleteContainer, path('/r/c')).err).toBe(ErrorCode.noAuth)
  })
})

describe('a multi, as ZooKeeper reads its list,', () => {
  const createPart = (flags: number, acl: readonly jute.ACL[] | null = open) =>
    ({ type: OpCode.create, body: { path: '/m', data: null, acl, flags } }) as const

  test.each([
    ['a flag that does not exist', createPart(9)],
    ['a TTL flag without a TTL', createPart(CreateMode.persistentWithTtl)],
    ['no ACL list', createPart(0, null)],
    ['a read', { type: OpCode.getData, body: { path: '/m', watch: false } }],
  ] as const)('is spoiled as a whole by %s, even behind a part that fails', (_, spoiler) => {
    const world = new PipelineWorld()
    const a = world.cnxn()
    const failing = { type: OpCode.delete, body: { path: '/none', version: -1 } } as const
    const reply = world.call(a, OpCode.multi, multi(failing, spoiler))
    expect(reply.err).toBe(ErrorCode.marshallingError)
  })

  test('makes a container of what has the container flag', () => {
    const world = new PipelineWorld()
    const a = world.cnxn()
    world.call(a, OpCode.multi, multi(createPart(CreateMode.container)))
    expect(world.tree.get('/m')?.kind).toBe('container')
  })

  test('takes a createTTL without a TTL mode for a plain create, which alone is refused', () => {
    const world = new PipelineWorld({ extendedTypes: true })
    const a = world.cnxn()
    const body = { path: '/m', data: null, acl: open, flags: 0, ttl: 5 }
    const alone = world.call(a, OpCode.createTTL, jute.encode(jute.CreateTTLRequest, body))
    expect(alone.err).toBe(ErrorCode.badArguments)
    world.call(a, OpCode.multi, multi({ type: OpCode.createTTL, body }))
    expect(world.tree.get('/m')?.kind).toBe('persistent')
  })
})

test('skipACL=yes lets everyone do everything', () => {
  const world = new PipelineWorld({ skipAcl: true })
  const a = world.cnxn()
  world.create(a, '/r', 0, [{ perms: 0, id: { scheme: 'world', id: 'anyone' } }])
  expect(world.create(a, '/r/x')).toBe('/r/x')
  expect(world.call(a, OpCode.getData, read('/r')).err).toBe(ErrorCode.ok)
})

/** A write as a random script names it: which session, what, where. */
interface Step {
  readonly session: number
  readonly type: number
  readonly body: Buffer
  readonly sync: boolean
}

const names = fc.constantFrom('/a', '/b', '/a/x', '/a/y', '/a/x/z', '/none/q')
const versions = fc.constantFrom(-1, -1, 0, 1, 2)
const flags = fc.constantFrom(0, 0, CreateMode.ephemeral, CreateMode.persistentSequential)
const part: fc.Arbitrary<jute.MultiRequestOp> = fc.oneof(
  fc
    .record({ path: names, flags })
    .map(made => ({ type: OpCode.create, body: { ...made, data: null, acl: open } }) as const),
  fc
    .record({ path: names, version: versions })
    .map(body => ({ type: OpCode.delete, body }) as const),
  fc
    .record({ path: names, version: versions })
    .map(body => ({ type: OpCode.check, body }) as const),
)
const write: fc.Arbitrary<readonly [number, Buffer]> = fc.oneof(
  fc.tuple(names, flags).map(([name, flag]) => [OpCode.create2, create(name, flag)] as const),
  fc.tuple(names, versions).map(([name, v]) => [OpCode.delete, remove(name, v)] as const),
  fc.tuple(names, versions).map(([name, v]) => [OpCode.setData, setData(name, 'd', v)] as const),
  fc.array(part, { maxLength: 4 }).map(parts => [OpCode.multi, multi(...parts)] as const),
)
const script: fc.Arbitrary<Step[]> = fc.array(
  fc
    .record({ session: fc.nat(2), write, sync: fc.boolean() })
    .map(({ session, write: [type, body], sync }) => ({ session, type, body, sync })),
  { maxLength: 40 },
)

function play(steps: readonly Step[], syncAlways: boolean): { sent: Sent[][]; tree: unknown } {
  const world = new PipelineWorld()
  const cnxns: FakeCnxn[] = [world.cnxn(), world.cnxn(), world.cnxn()]
  steps.forEach((step, at) => {
    const cnxn = cnxns[step.session]
    if (cnxn === undefined) return
    world.request(cnxn, at, step.type, step.body)
    if (step.sync || syncAlways) world.sync()
  })
  const [leaver] = cnxns
  if (leaver !== undefined) world.request(leaver, 1000, OpCode.closeSession)
  world.sync()
  const paths = ['/', '/a', '/b', '/a/x', '/a/y', '/a/x/z']
  const tree = paths.map(name => world.tree.get(name)?.stat())
  return { sent: cnxns.map(cnxn => cnxn.take().map(timeless)), tree }
}

/** The zxid of a reply is that of what was applied last, which the batches decide. */
function timeless(sent: Sent): Sent {
  return sent.kind === 'reply' ? { ...sent, zxid: 0 } : sent
}

test('a verdict against outstanding changes is the one against the applied tree', () => {
  fc.assert(
    fc.property(script, steps => {
      expect(play(steps, false)).toEqual(play(steps, true))
    }),
    { numRuns: 200 },
  )
})
