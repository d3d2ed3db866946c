import { decode, ErrorCode, OpCode, READ_ACL_UNSAFE, Stat, Writer } from '@baton/jute'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DataTree } from '../../src/state/data-tree.ts'
import { DigestSum, nodeDigest } from '../../src/state/digest.ts'
import { baseName, parentPath } from '../../src/state/path.ts'
import { CONTAINER_OWNER } from '../../src/state/znode.ts'
import { bytes, dump, TxnMaker } from './txn-maker.ts'

/** The digest from the definition: every node anew. */
function digestFromScratch(tree: DataTree): DigestSum {
  const sum = new DigestSum()
  const visit = (path: string): void => {
    const node = tree.get(path)
    if (node === undefined) throw new Error(`${path} is missing`)
    sum.add(nodeDigest(path, node.data, node.persistedStat()))
    for (const name of node.childNames()) visit(`${path === '/' ? '' : path}/${name}`)
  }
  visit('/')
  return sum
}

describe('a fresh tree', () => {
  const tree = new DataTree()

  test('has the nodes, the counts and the digest of a fresh ZooKeeper', () => {
    expect(tree.nodeCount).toBe(5)
    expect(tree.approximateDataSizeBytes).toBe(44)
    expect(tree.digest.toBigInt()).toBe(0x51c6d660n)
    expect(tree.allChildrenNumber('/')).toBe(3)
    expect(tree.allChildrenNumber('/zookeeper')).toBe(2)
    expect(tree.get('/zookeeper/config')?.acl.list).toEqual(READ_ACL_UNSAFE)
    expect(tree.get('/zookeeper/config')?.aversion).toBe(-1)
    expect(tree.get('')).toBe(tree.get('/'))
  })

  test('shows the cversion of /zookeeper as -2, as ZooKeeper does', () => {
    expect(tree.get('/zookeeper')?.stat().cversion).toBe(-2)
  })
})

test('cversion counts creates and deletes for clients, only creates for sequential names', () => {
  const maker = new TxnMaker()
  maker.create('/p')
  maker.create('/p/a')
  maker.create('/p/b')
  maker.delete('/p/a')
  maker.setData('/p/b', bytes('x'))
  const node = maker.tree.get('/p')
  expect(node?.stat()).toMatchObject({ cversion: 3, numChildren: 1, pzxid: 4, mzxid: 1 })
  expect(node?.cversion).toBe(2)
})

test('the counter of a parent goes on around the ring of ints', () => {
  const maker = new TxnMaker()
  maker.create('/p')
  maker.create('/p/a', null, { parentCVersion: 2_147_483_647 })
  expect(maker.tree.get('/p')?.cversion).toBe(2_147_483_647)
  maker.create('/p/b', null, { parentCVersion: -2_147_483_648 })
  expect(maker.tree.get('/p')?.cversion).toBe(-2_147_483_648)
})

test('null data stays null and is not empty data', () => {
  const maker = new TxnMaker()
  maker.create('/null', null)
  maker.create('/empty', bytes(''))
  const [none, empty] = [maker.tree.get('/null'), maker.tree.get('/empty')]
  expect([none?.data, none?.dataLength]).toEqual([null, 0])
  expect([empty?.data?.length, empty?.dataLength]).toEqual([0, 0])
  const writer = new Writer()
  none?.writeData(writer)
  empty?.writeData(writer)
  expect(writer.finish().toString('hex')).toBe('ffffffff00000000')
  maker.setData('/empty', null)
  expect(maker.tree.get('/empty')?.data).toBeNull()
})

test('what the tree keeps does not change with the buffer it was given', () => {
  const maker = new TxnMaker()
  const data = bytes('before')
  maker.create('/a', data)
  data.fill(0)
  expect(Buffer.from(maker.tree.get('/a')?.data ?? []).toString()).toBe('before')
})

test('container and TTL nodes belong to nobody as clients see it', () => {
  const maker = new TxnMaker(undefined, { extendedTypes: true })
  const body = { data: null, acl: null, parentCVersion: -1 }
  const created = maker.apply({ type: OpCode.createContainer, body: { ...body, path: '/box' } })
  maker.apply({ type: OpCode.createTTL, body: { ...body, path: '/ttl', ttl: 5000 } })
  const { tree } = maker
  expect([...tree.containers(), ...tree.ttls()]).toEqual(['/box', '/ttl'])
  expect(tree.get('/box')?.ephemeralOwner).toBe(CONTAINER_OWNER)
  expect(BigInt.asUintN(64, tree.get('/ttl')?.ephemeralOwner ?? 0n)).toBe(0xff00_0000_0000_1388n)
  expect(decode(Stat, created.stat ?? bytes('')).ephemeralOwner).toBe(0n)
  expect(tree.get('/ttl')?.stat().ephemeralOwner).toBe(0n)
  maker.delete('/box')
  expect([...tree.containers()]).toEqual([])
  const plain = new TxnMaker(undefined, { extendedTypes: false })
  plain.apply({ type: OpCode.createTTL, body: { ...body, path: '/ttl', ttl: 5000 } })
  expect(plain.tree.get('/ttl')?.kind).toBe('ephemeral')
})

test('a closed session takes its ephemerals with it, those the txn forgot as well', () => {
  const maker = new TxnMaker()
  maker.create('/mine', null, { session: 7n })
  maker.create('/mine2', null, { session: 7n })
  maker.create('/other', null, { session: 8n })
  expect(maker.tree.ephemerals(7n)).toEqual(['/mine', '/mine2'])
  expect(maker.tree.ephemeralsCount).toBe(3)
  maker.apply({ type: OpCode.closeSession, body: { paths2Delete: ['/mine'] } }, 7n)
  expect(maker.tree.ephemerals(7n)).toEqual([])
  expect([...maker.tree.ephemeralSessions()]).toEqual([8n])
  maker.apply({ type: OpCode.closeSession, body: undefined }, 8n)
  expect(maker.tree.nodeCount).toBe(5)
})

test('in a multi each result holds the stat as it was at that step', () => {
  const maker = new TxnMaker()
  const result = maker.apply({
    type: OpCode.multi,
    body: [
      maker.createTxn('/m', bytes('1')),
      { type: OpCode.setData, body: { path: '/m', data: bytes('22'), version: 1 } },
      { type: OpCode.check, body: { path: '/m', version: 1 } },
    ],
  })
  const stats = result.parts?.map(part => part.stat && decode(Stat, part.stat))
  expect(stats?.map(stat => stat?.version)).toEqual([0, 1, undefined])
  expect(stats?.map(stat => stat?.dataLength)).toEqual([1, 2, undefined])
})

test('moving all nodes together changes nothing that can be seen', () => {
  const maker = new TxnMaker()
  for (let i = 0; i < 50; i++) maker.create(`/n${i}`, Buffer.alloc(100, i))
  const { tree } = maker
  // Each write of another size leaves its old room idle, several megabytes in all.
  for (let i = 0; i < 4000; i++) maker.setData(`/n${i % 50}`, Buffer.alloc(2000 + (i % 7), i % 50))
  expect(tree.digest.equals(digestFromScratch(tree))).toBe(true)
  for (let i = 0; i < 50; i++) {
    expect(Buffer.from(tree.get(`/n${i}`)?.data ?? []).every(byte => byte === i)).toBe(true)
  }
})

interface ModelNode {
  readonly data: string | null
  readonly czxid: number
  readonly mzxid: number
  readonly pzxid: number
  readonly version: number
  readonly aversion: number
  readonly changes: number
  readonly owner: bigint
}

const segments = ['a', 'b']
const anyPath = fc
  .array(fc.constantFrom(...segments), { minLength: 1, maxLength: 3 })
  .map(parts => `/${parts.join('/')}`)
const anyCommand = fc.record({
  kind: fc.constantFrom('create', 'create', 'create', 'ephemeral', 'delete', 'set', 'acl', 'close'),
  path: anyPath,
  data: fc.option(fc.string({ maxLength: 9 })),
  session: fc.bigInt(1n, 3n),
})

/** A plain map from path to what a node is: no tree, no cleverness. */
class Model {
  readonly nodes = new Map<string, ModelNode>()
  readonly #root: ModelNode = {
    data: '',
    czxid: 0,
    mzxid: 0,
    pzxid: 0,
    version: 0,
    aversion: 0,
    changes: -1,
    owner: 0n,
  }
  constructor() {
    this.nodes.set('/', this.#root)
  }
  children(path: string): string[] {
    const inside = [...this.nodes.keys()].filter(
      other => other !== '/' && parentPath(other) === path,
    )
    return inside.map(baseName).sort()
  }
  change(path: string, change: Partial<ModelNode>): void {
    this.nodes.set(path, { ...(this.nodes.get(path) ?? this.#root), ...change })
  }
  create(path: string, data: string | null, zxid: number, owner: bigint): void {
    this.nodes.set(path, {
      ...this.#root,
      ...{ data, czxid: zxid, mzxid: zxid, pzxid: zxid, owner, changes: 0 },
    })
    this.#touchParent(path, zxid)
  }
  delete(path: string, zxid: number): void {
    this.nodes.delete(path)
    this.#touchParent(path, zxid)
  }
  #touchParent(path: string, zxid: number): void {
    const above = parentPath(path)
    const changes = (this.nodes.get(above)?.changes ?? 0) + 1
    this.change(above, { pzxid: zxid, changes })
  }
}

type Command = typeof anyCommand extends fc.Arbitrary<infer T> ? T : never

/** Runs one command where it is legal; returns what it was, for the histogram. */
function run(maker: TxnMaker, model: Model, command: Command): string {
  const { kind, path, data, session } = command
  const there = model.nodes.get(path)
  const bytesOf = data === null ? null : Buffer.from(data)
  if (kind === 'create' || kind === 'ephemeral') {
    const parent = model.nodes.get(parentPath(path))
    if (there !== undefined || parent === undefined || parent.owner !== 0n) return 'skipped'
    const owner = kind === 'ephemeral' ? session : 0n
    maker.create(path, bytesOf, owner === 0n ? {} : { session })
    model.create(path, data, maker.zxid, owner)
  } else if (kind === 'close') {
    const owned = [...model.nodes].filter(([, node]) => node.owner === session)
    maker.closeSession(session)
    for (const [name] of owned) model.delete(name, maker.zxid)
    return owned.length > 0 ? 'close with ephemerals' : 'close'
  } else if (there === undefined) {
    return 'skipped'
  } else if (kind === 'delete') {
    if (model.children(path).length > 0) return 'skipped'
    maker.delete(path)
    model.delete(path, maker.zxid)
  } else if (kind === 'set') {
    maker.setData(path, bytesOf)
    model.change(path, { data, mzxid: maker.zxid, version: there.version + 1 })
  } else {
    maker.setAcl(path, READ_ACL_UNSAFE)
    model.change(path, { aversion: there.aversion + 1 })
  }
  return kind
}

function compare(tree: DataTree, model: Model): void {
  expect(tree.nodeCount).toBe(model.nodes.size + 4)
  for (const [path, expected] of model.nodes) {
    const node = tree.get(path)
    expect(node, path).toBeDefined()
    if (node === undefined) return
    const names = model.children(path)
    if (path === '/') names.push('zookeeper')
    expect([...node.childNames()].sort(), path).toEqual(names.sort())
    expect(node.data === null ? null : Buffer.from(node.data).toString(), path).toBe(expected.data)
    const { czxid, mzxid, pzxid, version, aversion } = expected
    const [cversion, ephemeralOwner] = [expected.changes, expected.owner]
    const counts = { numChildren: names.length, dataLength: Buffer.byteLength(expected.data ?? '') }
    const stat = { czxid, mzxid, pzxid, version, aversion, cversion, ephemeralOwner, ...counts }
    expect(node.stat(), path).toMatchObject(stat)
    const writer = new Writer()
    node.writeStat(writer)
    expect(decode(Stat, writer.finish()), path).toEqual(node.stat())
  }
}

test('the tree is a plain map with counters, whatever happens to it', () => {
  const histogram: Record<string, number> = {}
  fc.assert(
    fc.property(fc.array(anyCommand, { minLength: 20, maxLength: 80 }), commands => {
      const maker = new TxnMaker()
      const model = new Model()
      for (const command of commands) {
        const done = run(maker, model, command)
        histogram[done] = (histogram[done] ?? 0) + 1
      }
      compare(maker.tree, model)
      expect(maker.tree.digest.equals(digestFromScratch(maker.tree))).toBe(true)
    }),
    { numRuns: 120 },
  )
  for (const kind of ['create', 'ephemeral', 'delete', 'set', 'acl', 'close with ephemerals']) {
    expect(histogram[kind], `${kind} happened: ${JSON.stringify(histogram)}`).toBeGreaterThan(20)
  }
})

test('applying again from anywhere in the past ends in the same tree', () => {
  let replayed = 0
  fc.assert(
    fc.property(
      fc.array(anyCommand, { minLength: 20, maxLength: 80 }),
      fc.nat(),
      (commands, cut) => {
        const maker = new TxnMaker()
        const model = new Model()
        for (const command of commands) run(maker, model, command)
        const before = dump(maker.tree)
        const digest = maker.tree.digest.copy()
        const nodes = maker.tree.nodeCount
        const { lastProcessedZxid } = maker.tree
        for (const { header, txn } of maker.made.slice(cut % (maker.made.length + 1))) {
          maker.tree.processTxn(header, txn)
          replayed++
        }
        expect(dump(maker.tree)).toBe(before)
        expect(maker.tree.digest.equals(digest)).toBe(true)
        expect([maker.tree.nodeCount, maker.tree.lastProcessedZxid]).toEqual([
          nodes,
          lastProcessedZxid,
        ])
      },
    ),
    { numRuns: 120 },
  )
  expect(replayed).toBeGreaterThan(500)
})

test('a txn for what is not there says so and changes nothing', () => {
  const maker = new TxnMaker()
  const before = dump(maker.tree)
  expect(maker.create('/x/y').error).toBe(ErrorCode.noNode)
  expect(maker.delete('/x/y').error).toBe(ErrorCode.noNode)
  expect(maker.setData('/x', null).error).toBe(ErrorCode.noNode)
  expect(maker.setAcl('/x', READ_ACL_UNSAFE).error).toBe(ErrorCode.noNode)
  expect(maker.delete('/').error).toBe(ErrorCode.badArguments)
  expect(dump(maker.tree)).toBe(before)
})
