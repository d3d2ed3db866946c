/** Data directories: what one server wrote and was killed over, the other goes on with. */
import * as jute from '@baton/jute'
import { afterEach, describe, expect, it } from 'vitest'
import { join } from 'node:path'
import { Teardown, until } from '../harness/child.ts'
import { temporaryDirectory } from '../harness/paths.ts'
import { startCoordination } from '../harness/zookeeper.ts'
import type { CoordinationKind } from '../harness/zookeeper.ts'
import {
  acl,
  auth,
  create,
  createContainer,
  createTtl,
  del,
  getAcl,
  getChildren2,
  getData,
  getEphemerals,
  multi,
  ping,
  setAcl,
  setData,
} from './differential/operations.ts'
import type { Operation } from './differential/operations.ts'
import { Side } from './differential/side.ts'
import type { Link } from './differential/side.ts'

const teardown = new Teardown()

afterEach(() => teardown.run())

/** Small logs and many snapshots, so that a start has several of both to put together. */
const EXTRA = ['snapCount=40', 'preAllocSize=64', 'extendedTypesEnabled=true']

async function start(kind: CoordinationKind, directory: string) {
  const server = await startCoordination(kind, directory, { extra: EXTRA })
  teardown.child(server.child)
  const side = new Side(server.port)
  await until('a server that serves', async () => (await side.word('srvr')).includes('Mode:'), {
    withinMs: 20_000,
    watch: [server.child],
  })
  return { server, side }
}

/** Writes of every kind; what is left has every kind of node, null data, ACLs, deep children. */
async function populate(a: Link, root: string): Promise<void> {
  await a.do(auth('digest', 'ann:secret'), create(root), create(`${root}/null`, { data: null }))
  await a.do(create(`${root}/empty`, { data: Buffer.alloc(0) }), createContainer(`${root}/box`))
  await a.do(createContainer(`${root}/box2`, { flags: 4 }), create(`${root}/e`, { flags: 1 }))
  await a.do(
    createTtl(`${root}/ttl`, { flags: 5, ttl: 3_600_000 }),
    create(`${root}/e2`, { flags: 3 }),
  )
  await a.do(create(`${root}/acl`, { acl: [acl(31, 'auth', ''), acl(1, 'ip', '127.0.0.1')] }))
  for (let i = 0; i < 30; i++) await a.pipeline(...round(root, i))
  const umlauts = `${root}/ä-\u3042`
  await a.do(create(umlauts), setData(umlauts, 'ü'), create(`${root}/large`, { data: large }))
}

function round(root: string, i: number): Operation[] {
  const made = [create(`${root}/box2/s-`, { flags: 2 }), setData(`${root}/empty`, `${i}`)]
  if (i % 3 === 0) made.push(del(`${root}/box2/s-${`${i}`.padStart(10, '0')}`))
  if (i % 7 === 0) made.push(setAcl(`${root}/null`, [acl(i % 32, 'world', 'anyone')]))
  if (i % 5 === 0) made.push(del(`${root}/none`), setData(`${root}/empty`, 'x', 999))
  if (i % 10 !== 0) return made
  const parts = [create(`${root}/m${i}`), setData(root, `${i}`), create(`${root}/m${i}/x`)]
  return [...made, multi(...parts), multi(create(`${root}/f${i}`), del('/none'))]
}

const large = Buffer.alloc(100_000, 'large')

/** Every node with all there is to know of it, as bytes; asked as the super user would see it. */
async function dump(side: Side, a: Link): Promise<string[]> {
  const zxid = /Zxid: (\S+)/.exec(await side.word('srvr'))?.[1]
  const lines: string[] = [`zxid ${zxid}`]
  const pending = ['/']
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const answers = []
    for (const operation of [getData(path), getAcl(path)]) {
      answers.push(await a.do(operation))
    }
    const children = await a.do(getChildren2(path))
    lines.push(`${path} ${answers.map(r => `${r?.err} ${r?.body.toString('hex')}`).join(' | ')}`)
    if (children?.err !== 0) continue
    for (const name of jute.decode(jute.GetChildren2Response, children.body).children) {
      pending.push(path === '/' ? `/${name}` : `${path}/${name}`)
    }
  }
  return lines.sort()
}

/** A chain of servers over one directory, each killed without warning before the next. */
async function chain(kinds: readonly CoordinationKind[]): Promise<void> {
  const directory = temporaryDirectory('differential-files')
  teardown.add(() => directory.remove())
  const home = join(directory.path, 'server')
  let session: { session: bigint; password: Uint8Array; timeoutMs: number } | undefined
  let before: string[] = []
  for (const [at, kind] of kinds.entries()) {
    const { server, side } = await start(kind, home)
    const a = await side.connect('a', session ?? { timeoutMs: 40_000 })
    expect(a.sessionId).not.toBe(0n)
    await a.do(auth('digest', 'ann:secret'))
    if (session !== undefined) {
      expect(a.sessionId).toBe(session.session)
      expect(await dump(side, a), `${kind} on what ${kinds[at - 1]} left`).toEqual(before)
      const last = `/${kinds[at - 1]}${at - 1}`
      const made = await a.do(create(`${last}/box2/s-`, { flags: 2 }))
      expect(made?.body.subarray(4).toString()).toBe(`${last}/box2/s-0000000030`)
      const own = await a.do(getEphemerals('/'))
      expect(own?.body.readInt32BE(0), 'ephemerals of the session').toBe(2 * at)
    }
    await populate(a, `/${kind}${at}`)
    await a.do(ping())
    session = { session: a.sessionId, password: a.password, timeoutMs: 40_000 }
    before = await dump(side, a)
    expect(side.lines.filter(line => /silent|not a /.test(line))).toEqual([])
    await server.child.kill()
    a.destroy()
    side.end()
  }
}

describe('a data directory, after kill -9,', () => {
  it('goes from Apache ZooKeeper to Baton and back', async () => {
    await chain(['apache', 'baton', 'apache'])
  })

  it('goes from Baton to Apache ZooKeeper and back', async () => {
    await chain(['baton', 'apache', 'baton'])
  })
})
