/** Where our server answers other than Apache ZooKeeper, and means to: each row of its README. */
import { OpCode } from '@baton/jute'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  acl,
  create,
  createTtl,
  deleteContainer,
  getData,
  multi,
  multiRead,
  ping,
  setAcl,
} from './differential/operations.ts'
import { run, startPair, type Pair, type Script } from './differential/pair.ts'

let pair: Pair

beforeAll(async () => {
  pair = await startPair('on-purpose')
})

afterAll(() => pair.stop())

/** What the lines matching `about` are on each side. */
async function answers(
  about: RegExp,
  script: Script,
): Promise<{ apache: string[]; baton: string[] }> {
  const [apache, baton] = await Promise.all([
    run(pair.apache.port, script),
    run(pair.baton.port, script),
  ])
  const pick = (lines: readonly string[]): string[] => lines.filter(line => about.test(line))
  return { apache: pick(apache.lines), baton: pick(baton.lines) }
}

describe('on purpose', () => {
  it('a wrong password does not close the connection that has the session', async () => {
    const found = await answers(/^owner < (?!version)/, async side => {
      const owner = await side.connect('owner')
      const thief = await side.connect('thief', { session: owner.sessionId })
      await thief.untilClosed()
      await owner.do(ping())
    })
    expect(found).toEqual({ apache: ['owner < closed'], baton: ['owner < reply -2 zxid +1 err 0'] })
  })

  it('deleteContainer needs the permission that delete needs', async () => {
    const found = await answers(/^a < reply 4 /, async side => {
      const a = await side.connect('a')
      await a.do(create('/locked'), create('/locked/box'))
      await a.do(setAcl('/locked', [acl(1, 'world', 'anyone')]), deleteContainer('/locked/box'))
    })
    expect(found).toEqual({
      apache: ['a < reply 4 zxid +5 err 0'],
      baton: ['a < reply 4 zxid +5 err -102'],
    })
  })

  it('createSession is no request of a client', async () => {
    const found = await answers(/^a </, async side => {
      const a = await side.connect('a')
      a.sendRaw(OpCode.createSession, Buffer.from('00001388', 'hex'))
      await a.receive()
    })
    expect(found.baton[1]).toBe('a < reply 1 zxid -1 err -6')
    expect(found.apache[1]).not.toBe(found.baton[1])
  })

  it('a multiRead with a write in it has no body', async () => {
    const found = await answers(/^a < reply 1 /, async side => {
      const a = await side.connect('a')
      await a.do(multiRead(create('/no')), ping())
    })
    expect(found.baton).toEqual(['a < reply 1 zxid +1 err -5'])
    expect(found.apache[0]).toMatch(/^a < reply 1 zxid \+1 err -5/)
  })

  it('a multi whose create has no ACL list takes a zxid, like any refused write', async () => {
    const found = await answers(/^a < reply 1 /, async side => {
      await (await side.connect('a')).do(multi(create('/no', { acl: null })))
    })
    expect(found).toEqual({
      apache: ['a < reply 1 zxid +1 err -5'],
      baton: ['a < reply 1 zxid +2 err -5'],
    })
  })

  it('a createTTL without TTL mode and TTL is refused, and the server goes on', async () => {
    const found = await answers(/^a < /, async side => {
      const a = await side.connect('a')
      await a.do(createTtl('/no', { flags: 0, ttl: -1 }), getData('/no'), ping())
    })
    expect(found.baton.slice(1)).toEqual([
      'a < reply 1 zxid +2 err -8',
      'a < reply 2 zxid +2 err -101',
      'a < reply -2 zxid +2 err 0',
    ])
    // ZooKeeper logs a txn that it cannot apply and stops serving: nothing may follow this test.
    expect(found.apache.slice(1).join()).toMatch(/^a < (closed|silent)$/)
  })
})
