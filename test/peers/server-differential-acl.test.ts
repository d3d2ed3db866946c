/** ACLs, authentication, TTLs and containers: beside Apache ZooKeeper. */
import { createHash } from 'node:crypto'
import type { ACL } from '@baton/jute'
import { OpCode } from '@baton/jute'
import { afterAll, beforeAll, describe, it } from 'vitest'
import {
  acl,
  auth,
  bytes,
  check,
  closeSession,
  create,
  create2,
  createContainer,
  createTtl,
  del,
  deleteContainer,
  exists,
  getAcl,
  getAllChildrenNumber,
  getChildren,
  getChildren2,
  getData,
  multi,
  multiRead,
  OPEN,
  ping,
  reconfig,
  setAcl,
  setData,
  whoAmI,
} from './differential/operations.ts'
import { compare, startPair, type Pair } from './differential/pair.ts'

const hash = (text: string): string => createHash('sha1').update(text).digest('base64')
const ANN = `ann:${hash('ann:secret')}`

let pair: Pair

beforeAll(async () => {
  pair = await startPair('acl', [
    `DigestAuthenticationProvider.superDigest=super:${hash('super:root')}`,
    'extendedTypesEnabled=true',
    'reconfigEnabled=true',
  ])
})

afterAll(() => pair.stop())

const LISTS: Readonly<Record<string, readonly ACL[] | null>> = {
  open: OPEN,
  none: null,
  empty: [],
  noPerms: [acl(0, 'world', 'anyone')],
  oddPerms: [acl(255, 'world', 'anyone')],
  someone: [acl(31, 'world', 'someone')],
  unknown: [acl(31, 'kerberos', 'x')],
  noScheme: [acl(31, '', 'anyone')],
  auth: [acl(31, 'auth', '')],
  authId: [acl(5, 'auth', 'ignored')],
  digest: [acl(31, 'digest', ANN)],
  digestPlain: [acl(31, 'digest', 'ann')],
  digestTwo: [acl(31, 'digest', 'a:b:c')],
  digestEmpty: [acl(31, 'digest', '')],
  ip: [acl(31, 'ip', '127.0.0.1')],
  ipNet: [acl(31, 'ip', '127.0.0.0/8')],
  ipOther: [acl(31, 'ip', '10.0.0.0/8')],
  ipBits: [acl(31, 'ip', '127.0.0.1/33')],
  ipMinus: [acl(31, 'ip', '127.0.0.1/-1')],
  ipZero: [acl(31, 'ip', '1.2.3.4/0')],
  ipShort: [acl(31, 'ip', '127.0.0')],
  ipName: [acl(31, 'ip', 'localhost')],
  ipLarge: [acl(31, 'ip', '256.0.0.1')],
  ip6: [acl(31, 'ip', '::1')],
  ip6Net: [acl(31, 'ip', 'fe80::/10')],
  ipSlashes: [acl(31, 'ip', '127.0.0.1/8/8')],
  super: [acl(31, 'super', '')],
  x509: [acl(31, 'x509', 'CN=x')],
  sasl: [acl(31, 'sasl', 'x')],
  twice: [acl(1, 'world', 'anyone'), acl(1, 'world', 'anyone'), acl(31, 'digest', ANN)],
  mixed: [acl(1, 'world', 'anyone'), acl(2, 'world', 'anyone'), acl(16, 'auth', '')],
  lastBad: [acl(31, 'world', 'anyone'), acl(31, 'nothing', 'x')],
  firstGood: [acl(31, 'auth', ''), acl(31, 'digest', ANN)],
}

describe('ACL lists', () => {
  it('are taken, refused and rewritten alike, with and without authentication', async () => {
    await compare(pair, async side => {
      const a = await side.connect('a')
      const b = await side.connect('b')
      await b.do(auth('digest', 'ann:secret'))
      await a.do(create('/lists'))
      for (const [name, list] of Object.entries(LISTS)) {
        await a.do(create(`/lists/a-${name}`, { acl: list }), getAcl(`/lists/a-${name}`))
        await b.do(create(`/lists/b-${name}`, { acl: list }), getAcl(`/lists/b-${name}`))
        await b.do(create(`/lists/c-${name}`), setAcl(`/lists/c-${name}`, list, 0))
        await b.do(getAcl(`/lists/c-${name}`), exists(`/lists/c-${name}`))
        if (list !== null) await a.do(multi(create(`/lists/m-${name}`, { acl: list })))
        await a.do(getAcl(`/lists/b-${name}`), getData(`/lists/b-${name}`))
        await a.do(exists(`/lists/b-${name}`), del(`/lists/b-${name}/x`))
      }
    })
  })
})

describe('permissions', () => {
  it('guard each operation with the same one', async () => {
    await compare(pair, async side => {
      const a = await side.connect('a')
      const owner = await side.connect('owner')
      await owner.do(auth('digest', 'ann:secret'), create('/perms'))
      for (const perms of [0, 1, 2, 4, 8, 16, 3, 5, 17, 30, 31]) {
        const path = `/perms/${perms}`
        const list = [acl(perms, 'world', 'anyone'), acl(31, 'digest', ANN)]
        await owner.do(create(path), create(`${path}/child`), setAcl(path, list))
        await a.do(exists(path), getData(path), getChildren(path), getChildren2(path))
        await a.do(getAcl(path), setData(path), create(`${path}/x`), del(`${path}/child`))
        await a.do(multi(check(path), create2(`${path}/y`)), multiRead(getData(path)))
        await a.do(getAllChildrenNumber(path), multi(check(path, 9)))
        await a.do(setAcl(path, list), exists(`${path}/none`), create(`${path}/..`))
        await owner.do(getAcl(path), exists(path))
      }
    })
  })
})

describe('authentication', () => {
  it('adds up, expands and refuses alike', async () => {
    await compare(pair, async side => {
      const a = await side.connect('a')
      await a.do(whoAmI(), auth('digest', 'ann:secret'), whoAmI(), auth('digest', 'bob:x'))
      await a.do(auth('digest', 'ann:secret'), whoAmI(), auth('digest', 'nobody'), whoAmI())
      await a.do(auth('ip', 'anything'), auth('digest', 'c:d:e'), auth('digest', 'ü:ß'), whoAmI())
      await a.do(create('/creator', { acl: [acl(31, 'auth', '')] }), getAcl('/creator'))
      const b = await side.connect('b')
      await b.do(auth('digest', 'ann:wrong'), getData('/creator'), auth('digest', 'ann:secret'))
      await b.do(getData('/creator'), auth('digest', 'super:root'), whoAmI(), getData('/creator'))
      await b.do(create('/made', { acl: [acl(31, 'auth', '')] }), getAcl('/made'))
      for (const [scheme, data] of [
        ['world', 'anyone'],
        ['auth', ''],
        ['nothing', 'x'],
        ['', ''],
        ['super', ''],
        ['sasl', 'x'],
        ['x509', 'x'],
        ['digest', ''],
        ['digest', ':'],
        ['digest', 'a:'],
        ['digest', ':b'],
        ['ensemble', 'e'],
      ] as const) {
        const c = await side.connect('c')
        await c.do(auth(scheme, data), whoAmI(), ping())
        c.destroy()
      }
    })
  })

  it('as the super user passes every ACL but no other rule', async () => {
    await compare(pair, async side => {
      const a = await side.connect('a')
      await a.do(create('/mine', { acl: [acl(1, 'digest', 'x:y')] }), getAcl('/mine'))
      await a.do(auth('digest', 'super:wrong'), getData('/mine'), auth('digest', 'super:root'))
      await a.do(getData('/mine'), setData('/mine'), create('/mine/x'), getAcl('/mine'))
      await a.do(setAcl('/mine', []), setAcl('/mine', [acl(0, 'world', 'anyone')]), del('/mine', 9))
      await a.do(del('/mine'), del('/mine/x'), setData('/zookeeper/config', 'new'), del('/mine'))
      await a.do(
        getData('/zookeeper/config'),
        del('/zookeeper/config'),
        getAcl('/zookeeper/config'),
      )
      await a.do(reconfig('server.1=h:1:2;3'), ping(), closeSession())
    })
  })

  it('is answered outside of the order of requests', async () => {
    await compare(pair, async side => {
      const a = await side.connect('a')
      a.sendRaw(OpCode.auth, bytes('not a packet'), -4)
      await a.untilClosed()
      const b = await side.connect('b')
      b.sendRaw(OpCode.auth, Buffer.alloc(0), 17)
      await b.untilClosed()
      const c = await side.connect('c')
      c.send(auth('digest', 'x:y'), 99)
      await c.receive()
      c.sendRaw(OpCode.sasl, bytes('\0\0\0\u0001x'), 5)
      await c.receive()
      await c.do(ping())
      c.sendRaw(OpCode.sasl, Buffer.alloc(0), 6)
      await c.receive()
      await c.do(ping())
    })
  })
})

describe('extended types', () => {
  it('are taken and shown alike', async () => {
    await compare(pair, async side => {
      const a = await side.connect('a')
      await a.do(create('/ttl'))
      for (let flags = 0; flags <= 7; flags++) {
        for (const ttl of [0, 1, 5_000_000, 2 ** 40 - 1, 2 ** 40]) {
          const path = `/ttl/${flags}-${ttl}-`
          await a.do(createTtl(path, { flags, ttl }), exists(path))
          await a.do(multi(createTtl(`${path}m`, { flags, ttl })), exists(`${path}m`))
        }
        await a.do(create(`/ttl/c${flags}`, { flags }), exists(`/ttl/c${flags}`))
        await a.do(create2(`/ttl/d${flags}`, { flags }), exists(`/ttl/d${flags}`))
        await a.do(createContainer(`/ttl/e${flags}`, { flags }), exists(`/ttl/e${flags}`))
        await a.do(multi(create(`/ttl/m${flags}`, { flags })), exists(`/ttl/m${flags}`))
      }
      const path = '/ttl/5-5000000-'
      await a.do(setData(path), create(`${path}/x`), exists(path), deleteContainer(path))
      await a.do(create(`${path}/e`, { flags: 1 }), del(`${path}/x`), getChildren2(path))
      await a.do(del(`${path}/e`), deleteContainer(path), getChildren2('/ttl'), closeSession())
    })
  })
})
