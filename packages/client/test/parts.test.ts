/** The small parts: paths, connect strings, server order, queues, hashes. */
import { createHash } from 'node:crypto'
import { errorRows } from '@baton/jute'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseConnectString } from '../src/connect-string.ts'
import { digestId } from '../src/digest.ts'
import { Fifo } from '../src/fifo.ts'
import { HostProvider } from '../src/host-provider.ts'
import { ZooKeeperError } from '../src/index.ts'
import { Chroot, pathProblem } from '../src/paths.ts'
import { RequestQueue } from '../src/request-queue.ts'
import { sha1 } from '../src/sha1.ts'

describe('a path', () => {
  test('is any that a server takes', () => {
    const fine = ['/', '/a', '/a/b', '/...', '/.x', '/a b', '/\u00e4\ud7ff\uffef', '/a.b/c-']
    for (const path of fine) expect([path, pathProblem(path)]).toEqual([path, undefined])
  })

  test('is refused with the reason', () => {
    const wrong: readonly (readonly [string, string])[] = [
      ['', 'is empty'],
      ['a', 'does not begin with /'],
      ['/a/', 'ends with /'],
      ['//', 'ends with /'],
      ['/a//b', 'has an empty segment'],
      ['/a/../b', 'has the relative segment ".."'],
      ['/a\u0000', 'has a forbidden character at position 2'],
      ['/\u0085', 'has a forbidden character at position 1'],
      ['/\ue000', 'has a forbidden character at position 1'],
      ['/\ufff0', 'has a forbidden character at position 1'],
    ]
    for (const [path, reason] of wrong) expect(pathProblem(path)).toBe(reason)
  })

  test('below a chroot comes back as it went', () => {
    const segments = fc.array(fc.stringMatching(/^[a-z]{1,3}$/), { maxLength: 4 })
    fc.assert(
      fc.property(segments, names => {
        const path = `/${names.join('/')}`
        for (const prefix of ['', '/a', '/a/b']) {
          const chroot = new Chroot(prefix)
          expect(chroot.toClient(chroot.toServer(path))).toBe(path)
        }
      }),
    )
    expect(new Chroot('/a').covers('/ab')).toBe(false)
  })
})

describe('a connect string', () => {
  test('names servers and a chroot', () => {
    expect(parseConnectString('a:1, b ,[::1]:3/x/y')).toEqual({
      servers: [
        { host: 'a', port: 1 },
        { host: 'b', port: 2181 },
        { host: '::1', port: 3 },
      ],
      chroot: '/x/y',
    })
    expect(parseConnectString('a:1/').chroot).toBe('')
  })

  test('that is wrong is refused, naming the part', () => {
    for (const [text, words] of [
      ['', 'names no server'],
      [',', 'names no server'],
      ['a:99999', 'port 99999'],
      ['a:x', '"a:x" is not host:port'],
      ['a:1/x/', 'chroot "/x/" ends with /'],
    ] as const) {
      expect(() => parseConnectString(text)).toThrow(words)
    }
  })
})

describe('the order of servers', () => {
  const servers = ['a', 'b', 'c', 'd'].map(host => ({ host, port: 1 }))

  test('holds each once, and is chosen by chance', () => {
    const orders = new Set<string>()
    for (let seed = 0; seed < 40; seed++) {
      let state = seed
      const int = (below: number): number => (state = (state * 75 + 74) % 65_537) % below
      const hosts = new HostProvider(servers, { int, bytes: () => new Uint8Array() })
      const order = servers.map(() => hosts.next().host)
      expect(order.toSorted()).toEqual(['a', 'b', 'c', 'd'])
      orders.add(order.join(''))
    }
    expect(orders.size).toBeGreaterThan(5)
  })

  test('pauses between half and the whole of the step', () => {
    const pause = (share: (below: number) => number): number | undefined =>
      new HostProvider(servers.slice(0, 1), { int: share, bytes: () => new Uint8Array() }).failed()
    expect([pause(() => 0), pause(below => below - 1)]).toEqual([50, 100])
  })
})

test('a fifo gives back what it was given, in order, through any mix of pushes and takes', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 300 }), steps => {
      const fifo = new Fifo<number>()
      const twin: number[] = []
      steps.forEach((step, i) => {
        if (step === 0) expect(fifo.shift()).toBe(twin.shift())
        else for (let n = 0; n < step; n++) twin.push((fifo.push(i), i))
        expect([fifo.length, fifo.peek()]).toEqual([twin.length, twin[0]])
      })
      expect(fifo.takeAll()).toEqual(twin)
    }),
  )
  const long = new Fifo<number>()
  for (let i = 0; i < 5_000; i++) long.push(i)
  for (let i = 0; i < 5_000; i++) expect(long.shift()).toBe(i)
})

test('request ids stay positive and start again after the largest', () => {
  const queue = new RequestQueue(1, 1, 0x7ffffffe)
  expect([queue.nextXid(), queue.nextXid()]).toEqual([0x7fffffff, 1])
})

test('sha1 is the one of the standard', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
      const expected = createHash('sha1').update(bytes).digest('hex')
      expect(Buffer.from(sha1(bytes)).toString('hex')).toBe(expected)
    }),
  )
})

test('a digest id is the one that ZooKeeper makes', () => {
  expect(digestId('super:test')).toBe('super:D/InIHSb7yEEbrWz8b9l71RjZJU=')
  expect(() => digestId('nobody')).toThrow('there is no colon')
})

test('every error speaks: what was asked, of which path, what happened, by which server', () => {
  for (const [name, code] of errorRows) {
    const context = { operation: 'getData', path: '/a', server: 's:1' }
    const { message, codeName } = new ZooKeeperError(code, context)
    expect(codeName).toBe(name)
    expect(message).toMatch(/^getData \/a: .*, server s:1$/)
    expect(message).toContain(name)
  }
})
