/** Watches of every kind: which events come, to whom, in which order, before which reply. */
import { afterAll, beforeAll, describe, it } from 'vitest'
import {
  acl,
  addWatch,
  auth,
  checkWatches,
  closeSession,
  create,
  create2,
  del,
  exists,
  getAcl,
  getChildren,
  getChildren2,
  getData,
  multi,
  multiRead,
  OPEN,
  ping,
  removeWatches,
  setAcl,
  setData,
  setWatches,
  sync,
} from './differential/operations.ts'
import type { Operation } from './differential/operations.ts'
import { compare, startPair, type Pair } from './differential/pair.ts'

let pair: Pair

beforeAll(async () => {
  pair = await startPair('watches')
})

afterAll(() => pair.stop())

/** Everything that can happen to a node and its children. */
function changes(path: string): Operation[] {
  return [
    create(path),
    setData(path),
    setAcl(path, OPEN),
    create(`${path}/c`),
    setData(`${path}/c`),
    create(`${path}/c/d`),
    del(`${path}/c/d`),
    del(`${path}/c`),
    multi(setData(path), create(`${path}/m`), del(`${path}/m`)),
    multi(create(`${path}/m`), setData(`${path}/none`)),
    del(path),
    create2(path),
    del(path),
  ]
}

const READS: readonly (readonly [string, (path: string) => Operation])[] = [
  ['exists', path => exists(path, true)],
  ['getData', path => getData(path, true)],
  ['getChildren', path => getChildren(path, true)],
  ['getChildren2', path => getChildren2(path, true)],
]

describe('one-shot watches', () => {
  it('fire alike for every change, to the watcher itself and to others', async () => {
    await compare(pair, async side => {
      const a = await side.connect('a')
      const b = await side.connect('b')
      await a.do(create('/one'))
      for (const [name, read] of READS) {
        for (const again of [true, false]) {
          const path = `/one/${name}-${again}`
          await a.do(read(path))
          await b.do(read(path), read(path))
          for (const change of changes(path)) {
            await a.do(change)
            await b.do(again ? read(path) : ping())
            if (again) await a.do(read(path))
          }
          await a.do(checkWatches(path, 3), removeWatches(path, 3), checkWatches(path, 3))
          await b.do(removeWatches(path, 3))
        }
      }
    })
  })

  it('of data and children on one node give one event at its end', async () => {
    await compare(pair, async side => {
      const a = await side.connect('a')
      const b = await side.connect('b')
      await a.do(create('/dup'), create('/dup/x'))
      await b.do(exists('/dup/x', true), getData('/dup/x', true), getChildren('/dup/x', true))
      await b.do(getChildren('/dup', true), multiRead(getData('/dup', true)))
      await a.do(getChildren2('/dup/x', true), del('/dup/x'), ping())
      await b.do(ping(), exists('/dup/x', true), getData('/dup/x', true))
      await b.do(getChildren('/dup/x', true))
      await a.do(create('/dup/x'), setData('/dup/x'))
      await b.do(ping(), getData('/dup', true), setData('/dup'), getData('/dup'))
    })
  })

  it('come before the replies that a pipeline gets behind the change', async () => {
    await compare(pair, async side => {
      const a = await side.connect('a')
      const set = setData('/pipe')
      await a.pipeline(create('/pipe'), getData('/pipe', true), set, getData('/pipe', true), set)
      await a.pipeline(exists('/pipe/x', true), create('/pipe/x'), del('/pipe/x'), exists('/pipe'))
      await a.pipeline(getChildren('/pipe', true), ping(), create('/pipe/y'), sync('/pipe'), ping())
      await a.pipeline(getAcl('/pipe'), create('/pipe/y'), getData('/none', true), set, ping())
      await a.pipeline(exists('/pipe', true), set, closeSession(), getData('/pipe'), ping())
    })
  })

  it('of a closing session and of its ephemerals end alike', async () => {
    await compare(pair, async side => {
      const a = await side.connect('a')
      const b = await side.connect('b')
      await a.do(create('/end'), create('/end/e', { flags: 1 }), getData('/end/e', true))
      await b.do(getData('/end/e', true), getChildren('/end', true), getChildren('/end/e', true))
      await b.do(exists('/end/e', true), addWatch('/end', 1))
      await a.do(closeSession())
      await a.untilClosed()
      await b.do(ping(), exists('/end'), closeSession())
      await b.untilClosed()
    })
  })
})

describe('persistent watches', () => {
  it('fire alike in both modes, beside one-shot ones and each other', async () => {
    await compare(pair, async side => {
      const a = await side.connect('a')
      await a.do(create('/keep'))
      const modes = [[0], [1], [0, 1], [1, 0], [0, 0]]
      for (const [at, list] of modes.entries()) {
        const path = `/keep/${at}`
        const b = await side.connect(`b${at}`)
        for (const mode of list) await b.do(addWatch(path, mode))
        if (at % 2 === 0) await b.do(exists(path, true))
        for (const change of changes(path)) {
          await a.do(change)
          await b.do(ping())
        }
        await b.do(...[1, 2, 3, 4, 5].flatMap(type => checkWatches(path, type)))
        await b.do(removeWatches(path, 4), removeWatches(path, 5), removeWatches(path, 3))
        await a.do(create(path), create(`${path}/x`), del(`${path}/x`), del(path))
        await b.do(ping(), closeSession())
      }
      await a.do(addWatch('/', 1), create('/keep/deep'), create('/keep/deep/er'), setData('/'))
      await a.do(addWatch('', 0), addWatch('no path', 1), addWatch('/keep/', 0), addWatch('/x', 7))
      await a.do(addWatch('/x', -1), setData('/keep'), ping())
    })
  })

  it('are removed and checked with the same errors', async () => {
    await compare(pair, async side => {
      const a = await side.connect('a')
      await a.do(create('/rm'))
      const kinds: readonly (readonly [string, Operation])[] = [
        ['none', ping()],
        ['data', getData('/rm', true)],
        ['child', getChildren('/rm', true)],
        ['persistent', addWatch('/rm', 0)],
        ['recursive', addWatch('/rm', 1)],
      ]
      for (const [at, [, first]] of kinds.entries()) {
        for (const [, second] of kinds.slice(at)) {
          for (let type = 0; type <= 6; type++) {
            const left = [1, 2, 3, 4, 5].map(rest => removeWatches('/rm', rest))
            const asked = [checkWatches('/rm', type), removeWatches('/rm', type)]
            const changed = [setData('/rm'), create('/rm/c'), del('/rm/c')]
            await a.pipeline(first, second, ...asked, ...changed, ...asked, ...left)
          }
        }
      }
      await a.do(checkWatches('/none', 3), removeWatches('bad', 3), removeWatches('', -1))
    })
  })
})

describe('events', () => {
  it('of nodes that a connection may not read are withheld alike', async () => {
    await compare(pair, async side => {
      const a = await side.connect('a')
      const owner = await side.connect('owner')
      await owner.do(auth('digest', 'o:o'), create('/secret'), addWatch('/secret', 1))
      await a.do(addWatch('/secret', 1), exists('/secret/x', true), getChildren('/secret', true))
      const own = [acl(31, 'auth', '')]
      await owner.do(create('/secret/x', { acl: own }), setData('/secret/x'))
      await a.do(ping(), exists('/secret/x', true), exists('/secret', true), ping())
      await owner.do(setAcl('/secret', own), setData('/secret'), create('/secret/y'))
      await a.do(ping(), exists('/secret'), exists('/secret/y', true), addWatch('/secret/x', 0))
      await owner.do(setData('/secret/y'), setData('/secret/x'), del('/secret/x'), del('/secret/y'))
      await a.do(ping())
      await owner.do(del('/secret'))
      await a.do(ping())
    })
  })
})

describe('setWatches', () => {
  it('catches up before its reply, and re-arms the rest', async () => {
    await compare(pair, async side => {
      const a = await side.connect('a')
      await a.do(create('/set'), create('/set/same'), create('/set/gone'), create('/set/data'))
      const past = (await a.do(create('/set/child')))?.zxid ?? 0
      await a.do(del('/set/gone'), setData('/set/data'), create('/set/child/x'), create('/set/new'))
      await a.do(setAcl('/set/same', OPEN))
      const paths = ['/set/same', '/set/gone', '/set/data', '/set/child', '/set/new', '/none']
      for (const kind of ['data', 'exist', 'child', 'persistent', 'recursive'] as const) {
        const b = await side.connect(`b-${kind}`)
        await b.do(setWatches(past, { [kind]: paths }))
        for (const path of paths) await b.do(...[1, 2, 3, 4, 5].map(t => checkWatches(path, t)))
        await a.do(setData('/set/same'), setData('/set/data'), create('/set/gone'))
        await a.do(create('/set/child/y'), del('/set/child/y'), del('/set/gone'), ping())
        await b.do(ping(), setWatches(past, {}), setWatches(2 ** 40, { [kind]: paths }))
        await b.do(setWatches(past, { data: paths, exist: paths, child: paths, persistent: paths }))
        await b.do(setWatches(0, { data: paths, exist: paths, child: paths }))
        await b.do(setWatches(-1, { child: ['bad'], exist: ['', '/'], data: ['/'] }), ping())
        await b.do(setData('/set/data'), ping(), closeSession())
      }
    })
  })
})
