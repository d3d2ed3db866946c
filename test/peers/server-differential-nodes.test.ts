/** Znodes, their stats, every error of a write, multi: beside Apache ZooKeeper, byte by byte. */
import { CreateMode } from '@baton/jute'
import { afterAll, beforeAll, describe, it } from 'vitest'
import {
  acl,
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
  getEphemerals,
  multi,
  multiRead,
  OPEN,
  ping,
  reconfig,
  setAcl,
  setData,
  sync,
} from './differential/operations.ts'
import { compare, startPair, type Pair } from './differential/pair.ts'

let pair: Pair

beforeAll(async () => {
  pair = await startPair('nodes')
})

afterAll(() => pair.stop())

describe('a fresh tree', () => {
  it('holds the same nodes with the same stats', async () => {
    await compare(pair, async side => {
      const a = await side.connect('a')
      for (const path of ['/', '', '/zookeeper', '/zookeeper/quota', '/zookeeper/config']) {
        await a.do(exists(path), getData(path), getAcl(path), getChildren2(path))
        await a.do(getAllChildrenNumber(path), getChildren(path), ping())
      }
      await a.do(closeSession())
      await a.untilClosed()
    })
  })
})

describe('create', () => {
  it('answers alike in every mode, with a stat after every step', async () => {
    await compare(pair, async side => {
      const a = await side.connect('a')
      await a.do(create('/modes'), create2('/modes2'), exists('/modes'), exists('/modes2'))
      for (let flags = -1; flags <= 8; flags++) {
        await a.do(create(`/modes/c${flags}-`, { flags }), exists('/modes'))
        await a.do(create2(`/modes/d${flags}-`, { flags }), exists('/modes'))
        await a.do(createContainer(`/modes/e${flags}-`, { flags }), exists('/modes'))
        await a.do(createTtl(`/modes/f${flags}-`, { flags, ttl: 1000 }), exists('/modes'))
      }
      await a.do(getChildren2('/modes'), getEphemerals('/modes'), getAllChildrenNumber('/modes'))
      for (let flags = 0; flags <= 6; flags++) {
        for (const letter of 'cdef') await a.do(getData(`/modes/${letter}${flags}-`))
      }
      await a.do(closeSession())
    })
  })

  it('counts sequential names by creates of any kind', async () => {
    await compare(pair, async side => {
      const a = await side.connect('a')
      const flags = CreateMode.persistentSequential
      await a.do(create('/seq'), create('/seq/', { flags }), create('/seq/x-', { flags }))
      await a.do(create('/seq/plain'), create('/seq/x-', { flags }), del('/seq/plain'))
      await a.do(create2('/seq/y', { flags: 3 }), create('/seq/', { flags: 3 }))
      await a.do(create('/seq//', { flags }), create('/seq/a/', { flags }), create('/', { flags }))
      await a.do(create('/seq', { flags }), create('seq', { flags }), create('', { flags }))
      await a.do(create('/seq/./', { flags }), create('/seq/.', { flags }))
      await a.do(setData('/seq/x-0000000001'), exists('/seq'), getChildren2('/seq'))
    })
  })

  it('keeps null apart from empty', async () => {
    await compare(pair, async side => {
      const a = await side.connect('a')
      await a.do(create('/null', { data: null }), create2('/empty', { data: bytes('') }))
      await a.do(getData('/null'), getData('/empty'), exists('/null'), exists('/empty'))
      await a.do(setData('/empty', null), getData('/empty'), setData('/null', ''), getData('/null'))
      await a.do(create('/large', { data: Buffer.alloc(300_000, 7) }), getData('/large'))
      await a.do(create2('/null2', { data: null }), multiRead(getData('/null2'), getData('/null')))
    })
  })
})

describe('errors', () => {
  it('come in the same order of checks', async () => {
    await compare(pair, async side => {
      const a = await side.connect('a')
      const closed = [acl(1, 'world', 'anyone')]
      await a.do(create('/order'), create('/order/closed', { acl: closed }))
      await a.do(create('/order/eph', { flags: 1 }))
      const bad = [acl(31, 'nothing', 'x')]
      for (const path of ['x', '', '/', '/none/x', '/order/closed/x', '/order/eph/x', '/order']) {
        for (const list of [OPEN, bad, null, []]) {
          await a.do(create(path, { acl: list }), create(path, { acl: list, flags: 5 }))
          await a.do(create2(path, { acl: list, flags: 99 }), createContainer(path, { acl: list }))
          await a.do(createTtl(path, { acl: list, flags: 5, ttl: 0 }), create(`${path}/../b`))
          await a.do(create(`${path}/\0`), create(`${path}/\0/b`), create(`${path}//b`))
          await a.do(setAcl(path, list, 7), setAcl(`${path}/`, list), setAcl(path, list, 0))
        }
        await a.do(setData(path, 'x', 9), del(path, 9), deleteContainer(path), del(`${path}/`))
        await a.do(exists(path), getData(path), getAcl(path), getChildren(path))
        await a.do(getChildren2(path), getAllChildrenNumber(path), getEphemerals(path), sync(path))
      }
      await a.do(closeSession())
    })
  })

  it('refuse and take the same paths', async () => {
    await compare(pair, async side => {
      const a = await side.connect('a')
      await a.do(create('/p'))
      const edges = [0, 1, 0x1f, 0x20, 0x7e, 0x7f, 0x9f, 0xa0, 0xd7ff, 0xe000, 0xf8ff, 0xf900]
      const more = [0xffef, 0xfff0, 0xfffd, 0xffff, 0x1f600, 0x3042, 0x200b]
      for (const unit of [...edges, ...more]) {
        const name = String.fromCodePoint(unit)
        for (const path of [`/p/${name}`, `/p/x${name}y`, `/p/q${name}/z`]) {
          await a.do(create(path), exists(path), setData(path), del(path), getChildren(path))
        }
      }
      const odd = '... .x x. .. . a..b ../x ./x x/. x/.. x/ x//y /x'.split(' ')
      for (const name of odd) {
        const path = `/p/${name}`
        await a.do(create(path), exists(path), setData(path), getData(path), getAcl(path))
        await a.do(setAcl(path, OPEN), sync(path), getAllChildrenNumber(path), del(path))
      }
    })
  })

  it('are the same for versions, the root and the system nodes', async () => {
    await compare(pair, async side => {
      const a = await side.connect('a')
      await a.do(create('/v'), create('/v/child'))
      for (const version of [-2, -1, 0, 1, 2, 2 ** 31 - 1, -(2 ** 31)]) {
        await a.do(setData('/v', 'x', version), setAcl('/v', OPEN, version), del('/v', version))
        await a.do(del('/v/none', version), exists('/v'), multi(check('/v', version)))
      }
      for (const path of ['/', '', '/zookeeper', '/zookeeper/quota', '/zookeeper/config']) {
        await a.do(del(path), del(path, 5), deleteContainer(path), setData(path, 'x', 77))
        await a.do(create(path), create(path, { flags: 1 }))
      }
      await a.do(setData('/', 'root'), getData(''), setData('', 'x'), getData('/'))
      await a.do(create('/zookeeper/mine'), exists('/zookeeper'), del('/zookeeper/mine'))
      await a.do(setAcl('/', OPEN, 0), setAcl('/', OPEN, 0), exists('/'), getAcl('/'))
      await a.do(setData('/zookeeper/config', 'x'), setData('/zookeeper/quota', 'q'))
      await a.do(getData('/zookeeper/quota'), reconfig(null), reconfig('server.1=h:1:2;3'))
    })
  })

  it('are the same for containers that clients delete', async () => {
    await compare(pair, async side => {
      const a = await side.connect('a')
      await a.do(create('/box'), createContainer('/box/c', { flags: 4 }), exists('/box/c'))
      await a.do(create('/box/c/x'), deleteContainer('/box/c'), del('/box/c/x'))
      await a.do(deleteContainer('/box/c'), deleteContainer('/box/c'), exists('/box'))
      await a.do(create('/box/e', { flags: 1 }), deleteContainer('/box/e'))
      await a.do(create('/box/p'), deleteContainer('/box/p'), exists('/box/p'), exists('/box'))
      await a.do(create('/box/f', { flags: 4 }), exists('/box/f'), deleteContainer('/box/f'))
      await a.do(deleteContainer('/box/f'), deleteContainer('x'), deleteContainer('/none/x'))
    })
  })
})

describe('multi', () => {
  it('is atomic and shows later parts what earlier ones did', async () => {
    await compare(pair, async side => {
      const a = await side.connect('a')
      await a.do(
        multi(),
        multi(create('/m'), create2('/m/a'), setData('/m/a', 'q'), check('/m/a', 1)),
      )
      await a.do(exists('/m'), getData('/m/a'), multi(create('/m/b'), del('/m/b'), create('/m/b')))
      await a.do(multi(create('/m/s', { flags: 2 }), create('/m/s', { flags: 3 })), exists('/m'))
      await a.do(multi(createContainer('/m/c', { flags: 4 }), create2('/m/c/d')), exists('/m/c'))
      await a.do(multi(createTtl('/m/t', { flags: 5, ttl: 10 }), create('/m/u')), exists('/m/u'))
      await a.do(multi(create('/m/v', { flags: 1 }), create('/m/v/w')), exists('/m/v'))
      await a.do(multi(setData('/m'), setData('/m'), setData('/m', 'z', 2), check('/m', 3)))
      await a.do(multi(del('/m/a'), del('/m/b'), del('/m', 3)), multi(del('/m/a'), del('/m/a')))
      await a.do(exists('/m'), getChildren2('/m'), ping(), getEphemerals('/'))
      await a.do(closeSession())
    })
  })

  it('fails as a whole, and rolls the counters back', async () => {
    await compare(pair, async side => {
      const a = await side.connect('a')
      const read = [acl(1, 'world', 'anyone')]
      await a.do(create('/f'), create('/f/ro', { acl: read }))
      const failures = [
        create('/f'),
        create('/none/x'),
        create('/f/ro/x'),
        create('/f/x', { acl: [] }),
        create('/f/x', { flags: 77 }),
        create('bad'),
        create('/f/\0'),
        setData('/f', 'x', 9),
        setData('/f/ro'),
        setData('/none'),
        setData('bad/'),
        del('/f'),
        del('/'),
        del('/none/x'),
        del('/f/ro', 3),
        check('/f', 3),
        check('/none'),
        check('bad/'),
        createTtl('/f/t', { flags: 5, ttl: 5 }),
      ]
      const before = create('/f/s-', { flags: 2 })
      for (const failure of failures) {
        await a.do(multi(before, failure, create('/f/after')), multi(failure), exists('/f'))
      }
      await a.do(create('/f/s-', { flags: 2 }), getChildren2('/f'))
    })
  })

  it('takes each way to create with each flag', async () => {
    await compare(pair, async side => {
      const a = await side.connect('a')
      await a.do(create('/k'))
      for (let flags = -1; flags <= 8; flags++) {
        const path = `/k/f${flags}`
        await a.do(multi(create(`${path}a`, { flags })), multi(create2(`${path}b`, { flags })))
        await a.do(multi(createContainer(`${path}c`, { flags })))
        for (const ttl of [-1, 0, 1, 2 ** 40]) {
          await a.do(multi(createTtl(`${path}d${ttl}`, { flags, ttl })))
        }
        await a.do(getChildren2('/k'), multi(create('/k'), create(path, { flags })))
      }
    })
  })

  it('takes no operation that is none of its own', async () => {
    await compare(pair, async side => {
      const a = await side.connect('a')
      await a.do(create('/o'), multi(getData('/o')), multi(create('/o/x'), getChildren('/o')))
      await a.do(getChildren('/o'), multi(exists('/o')), ping())
      await a.do(multiRead(getData('/o'), getChildren('/o'), getData('/none')), multiRead())
      await a.do(multiRead(getData('/none'), getData('/o')), multiRead(getChildren('/none')))
      await a.do(multiRead(exists('/o')), ping(), multi(deleteContainer('/o')), ping())
      await a.do(multi(setAcl('/o', OPEN)), ping(), exists('/o'))
    })
  })
})

describe('children', () => {
  it('move cversion, pzxid and numChildren, and their own changes do not', async () => {
    await compare(pair, async side => {
      const a = await side.connect('a')
      await a.do(create('/t'), exists('/t'), create('/t/a'), exists('/t'), create('/t/a/b'))
      await a.do(exists('/t'), setData('/t/a'), exists('/t'), setAcl('/t/a', OPEN), exists('/t'))
      await a.do(exists('/t/a'), del('/t/a'), del('/t/a/b'), exists('/t/a'), exists('/t'))
      await a.do(del('/t/a'), exists('/t'), create('/t/e', { flags: 1 }), exists('/t/e'))
      await a.do(exists('/t'), create('/t/e/x'), create('/t/e/x', { flags: 2 }), exists('/t'))
      await a.do(getAllChildrenNumber('/t'), getAllChildrenNumber('/'), closeSession())
      await a.untilClosed()
      const b = await side.connect('b')
      await b.do(exists('/t'), exists('/t/e'), getChildren2('/t'), del('/t'), exists('/'))
    })
  })

  it('of a session are its ephemerals, and nobody else sees them as theirs', async () => {
    await compare(pair, async side => {
      const a = await side.connect('a')
      const b = await side.connect('b')
      await a.do(create('/g'), create('/g/1', { flags: 1 }), create('/g/2-', { flags: 3 }))
      await b.do(create('/g/3', { flags: 1 }), exists('/g/1'), exists('/g/3'))
      for (const prefix of ['/', '', '/g', '/g/', '/g/1', 'g', '/none', '/g/2-0000000001']) {
        await a.do(getEphemerals(prefix))
        await b.do(getEphemerals(prefix))
      }
      await b.do(del('/g/1'), closeSession())
      await a.do(getEphemerals('/'), getChildren('/g'), closeSession())
    })
  })
})
