/** Sessions, hostile bytes and four-letter words: beside Apache ZooKeeper. */
import { frame } from '@baton/jute'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  bytes,
  closeSession,
  create,
  exists,
  getChildren,
  getData,
  getEphemerals,
  ping,
  setData,
  sync,
  whoAmI,
} from './differential/operations.ts'
import { compare, startPair, type Pair } from './differential/pair.ts'
import { Side } from './differential/side.ts'

const TICK_MS = 300

let pair: Pair

beforeAll(async () => {
  pair = await startPair('sessions', [`tickTime=${TICK_MS}`])
})

afterAll(() => pair.stop())

describe('a connect request', () => {
  it('has its time-out clamped and its version and flags answered', async () => {
    await compare(pair, async side => {
      for (const timeoutMs of [
        -1,
        0,
        1,
        599,
        600,
        601,
        3_599_999,
        3_600_000,
        3_600_001,
        2 ** 31 - 1,
      ]) {
        const a = await side.connect('a', { timeoutMs })
        await a.do(ping(), closeSession())
        await a.untilClosed()
      }
      for (const protocolVersion of [-1, 1, 77]) {
        await (await side.connect('v', { protocolVersion })).do(ping(), closeSession())
      }
      for (const readOnly of [true, false, 'absent'] as const) {
        await (await side.connect('r', { readOnly })).do(ping(), closeSession())
      }
      for (const trailing of [bytes('x'), Buffer.alloc(5000)]) {
        await (await side.connect('t', { trailing })).do(ping(), closeSession())
      }
      for (const password of [null, Buffer.alloc(0), Buffer.alloc(5, 1), Buffer.alloc(40)]) {
        await (await side.connect('p', { password })).do(ping(), closeSession())
      }
    })
  })

  it('may have requests behind it', async () => {
    await compare(pair, async side => {
      const early = [create('/early'), getData('/early', true), setData('/early'), ping()]
      const a = await side.connect('a', { early })
      await a.do(whoAmI(), closeSession())
      await a.untilClosed()
    })
  })

  it('of a client that has seen more than the server is not answered', async () => {
    await compare(pair, async side => {
      const first = await side.connect('first')
      await first.do(create('/seen'), ping())
      await side.connect('same', { lastZxidSeen: first.lastZxid })
      await side.connect('ahead', { lastZxidSeen: first.lastZxid + 100 })
      const { sessionId: session, password } = first
      await side.connect('again', { session, password, lastZxidSeen: 2 ** 40 })
      await first.do(ping(), closeSession())
    })
  })

  it('re-attaches a session, and only with its password', async () => {
    await compare(pair, async side => {
      const a = await side.connect('a')
      await a.do(create('/again', { flags: 1 }), getData('/again', true))
      const { sessionId: session, password } = a
      a.destroy()
      const b = await side.connect('b', { session, password, timeoutMs: 7777 })
      await b.do(getEphemerals('/'), setData('/again'), ping(), getData('/again', true))
      const c = await side.connect('c', { session, password, readOnly: 'absent' })
      await b.untilClosed()
      await c.do(setData('/again'), ping(), exists('/again'))
      c.destroy()
      for (const wrong of [Buffer.alloc(16), Buffer.alloc(16, 7), Buffer.alloc(3), null]) {
        await (await side.connect('wrong', { session, password: wrong })).untilClosed()
      }
      await (await side.connect('none', { session: 12345n, password })).untilClosed()
      await (await side.connect('minus', { session: -5n, readOnly: 'absent' })).untilClosed()
      const d = await side.connect('d', { session, password })
      await d.do(getEphemerals('/'), closeSession())
      await d.untilClosed()
      await (await side.connect('late', { session, password })).untilClosed()
    })
  })

  it('for an expired session is told so, and its ephemerals are gone', async () => {
    await compare(pair, async side => {
      const other = await side.connect('other')
      const a = await side.connect('a', { timeoutMs: 2 * TICK_MS })
      await a.do(create('/short', { flags: 1 }))
      await other.do(exists('/short', true), getChildren('/', true))
      const { sessionId: session, password } = a
      a.destroy()
      // An event is what ends the wait; quiet pings are not part of the transcript.
      for (let i = 0; i < 40 && !side.lines.some(line => line.includes('event')); i++) {
        await sleep(TICK_MS / 3)
        const count = side.lines.length
        await other.do(ping())
        const quiet = !side.lines.slice(count).some(line => line.includes('event'))
        if (quiet) side.lines.length = count
      }
      await (await side.connect('b', { session, password })).untilClosed()
      await other.do(exists('/short'), closeSession())
    })
  })
})

describe('a session', () => {
  it('ends with its closeSession, and what came behind that is dropped', async () => {
    await compare(pair, async side => {
      const a = await side.connect('a')
      await a.do(create('/last', { flags: 1 }))
      const begin = side.lines.length
      a.send(closeSession())
      a.send(create('/behind'))
      a.send(ping())
      await a.untilClosed()
      // With requests behind it ZooKeeper's reply and close race each other; only the end is sure.
      expect(side.lines.splice(begin).at(-1)).toBe('a < closed')
    })
    // What was dropped has taken a zxid in ZooKeeper, or not: zxids are counted from here again.
    await compare(pair, async side => {
      const b = await side.connect('b')
      await b.do(exists('/last'), exists('/behind'), sync('/'), sync('bad'), sync(''))
      b.send(closeSession(), 4711)
      await b.untilClosed()
    })
  })

  it('gets every xid back, also odd and repeated ones', async () => {
    await compare(pair, async side => {
      const a = await side.connect('a')
      for (const xid of [0, 7, 7, 6, -3, 2 ** 31 - 1, -(2 ** 31)]) {
        a.send(exists('/zookeeper'), xid)
        await a.receive()
        a.send(create('/zookeeper'), xid)
        await a.receive()
      }
      a.send(ping(), 12)
      await a.receive()
      await a.do(ping())
    })
  })
})

/** Sends a frame and shows what becomes of the connection. */
async function probe(side: Side, type: number, body: Uint8Array): Promise<void> {
  const a = await side.connect('a')
  a.sendRaw(type, body)
  a.send(ping())
  for (let i = 0; i < 2; i++) if ((await a.receive()) === undefined) break
  a.destroy()
}

const KNOWN_READS = [3, 4, 6, 8, 12, 17, 18, 22, 101, 103, 104, 105, 106]
const KNOWN_WRITES = [1, 2, 5, 7, 14, 15, 19, 20, 21]

describe('operations that do not exist or are not for clients', () => {
  it.each([0, 10, 13, 23, 99, 108, 1000, -1, -2, -12, -(2 ** 31)])('%d', async type => {
    for (const body of [Buffer.alloc(0), bytes('\0\0\0\u0002/x\0\0\0\0')]) {
      await compare(pair, async side => {
        const a = await side.connect('a')
        a.sendRaw(type, body)
        await a.untilClosed()
      })
    }
  })
})

describe('bodies that cannot be read', () => {
  it.each([...KNOWN_READS, ...KNOWN_WRITES, 9])('of operation %d', async type => {
    const bodies = [
      Buffer.alloc(0),
      Buffer.from('000000', 'hex'),
      Buffer.from('00000002', 'hex'),
      Buffer.from('0000000200', 'hex'),
      Buffer.from('fffffffe2f', 'hex'),
      Buffer.from('7fffffff2f', 'hex'),
      Buffer.from('000000022f78', 'hex'),
    ]
    for (const body of bodies) await compare(pair, side => probe(side, type, body))
  })

  it('of a read with more bytes than it needs', async () => {
    await compare(pair, async side => {
      for (const type of [3, 4, 6, 8, 12, 9]) {
        await probe(side, type, Buffer.from('000000022f7800ffffffff', 'hex'))
      }
    })
  })
})

describe('hostile frames', () => {
  const cases: readonly (readonly [string, Buffer])[] = [
    ['a negative length', Buffer.from('ffffffff', 'hex')],
    ['the smallest length', Buffer.from('80000000', 'hex')],
    ['a huge length', Buffer.from('7fffffff00', 'hex')],
    ['one byte above jute.maxbuffer', Buffer.from('00100000', 'hex')],
    ['an empty frame', Buffer.from('00000000', 'hex')],
    ['a frame of half a header', frame(Buffer.alloc(4))],
    ['a connect request cut short', frame(Buffer.alloc(20))],
    ['a connect request with a lying password', frame(Buffer.alloc(24, 0x7f))],
    ['a word that is none', Buffer.from('haha')],
  ]
  it.each(cases)('%s instead of a connect request', async (_, hostile) => {
    await compare(pair, async side => {
      const a = await side.open('a')
      a.write(hostile)
      await a.connectResponse()
    })
  })
  it.each(cases)('%s behind one', async (_, hostile) => {
    await compare(pair, async side => {
      const a = await side.connect('a')
      a.write(hostile)
      await a.untilClosed()
    })
  })

  it('as large as is allowed are taken', async () => {
    await compare(pair, async side => {
      const a = await side.connect('a')
      const overhead = 8 + 4 + 4 + 4 + 4 + 4 + 5 + 4 + 6 + 4
      const data = Buffer.alloc(0xfffff - overhead - '/big'.length, 1)
      await a.do(create('/big', { data }), exists('/big'))
      await a.do(create('/big2', { data: Buffer.alloc(0xfffff, 1) }))
    })
  })
})

/** Numbers and names that differ from run to run. */
function shapeOf(text: string): string {
  return (
    text
      .replace(/^(Zookeeper version: |zk_version\t).*$/gm, '$1…')
      .replace(/^(zk_\w+\t)[-\d.E]+$/gm, '$1…')
      .replace(/\d+(\.\d+)?\/\d+(\.\d+)?\/\d+(\.\d+)?/g, 'a/b/c')
      .replace(/^(Received|Sent|Zxid|clientPort|dataDir|dataLogDir)(: |=).*/gm, '$1')
      // Baton does not measure directories while a client waits: a difference on purpose.
      .replace(/^(dataDirSize|dataLogSize)=\d+\n/gm, '')
      .replace(/^ \/[\d.]+:\d+\[\d+\]\(.*\)$/gm, ' /client')
  )
}

describe('four-letter words', () => {
  it('are answered alike', async () => {
    await compare(
      pair,
      async side => {
        const a = await side.connect('a')
        await a.do(create('/words'), exists('/words', true))
        const refused = ['cons', 'dump', 'envi', 'wchs', 'wchc', 'wchp', 'dirs', 'crst', 'srst']
        for (const word of ['ruok', 'srvr', 'stat', 'isro', 'conf', ...refused, 'hash', 'gtmk']) {
          side.log(`${word}: ${shapeOf(await side.word(word))}`)
        }
        side.log(`telnet: ${await side.word(Buffer.from('fff4fffd', 'hex'))}`)
        side.log(`ruok and more: ${await side.word('ruok and more')}`)
        side.log(`with a line end: ${await side.word('ruok\n')}`)
      },
      [
        {
          why: "telnet's interrupt is no word that a whitelist could name",
          apache: 'telnet: telnet close is not executed because it is not in the whitelist.\n',
          baton: 'telnet: ',
        },
      ],
    )
  })

  it('mntr has no key that ZooKeeper has not, and those that monitors read', async () => {
    const keys = await Promise.all(
      [pair.apache, pair.baton].map(async ({ port }) => {
        const text = await new Side(port).word('mntr')
        return text.split('\n').map(line => line.split('\t')[0] ?? '')
      }),
    )
    const [apache = [], baton = []] = keys
    expect(baton.filter(key => !apache.includes(key))).toEqual([])
    for (const key of ['version', 'server_state', 'avg_latency', 'znode_count', 'watch_count']) {
      expect(baton).toContain(`zk_${key}`)
    }
  })
})
