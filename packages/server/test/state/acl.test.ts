import { createHash } from 'node:crypto'
import { CREATOR_ALL_ACL, OPEN_ACL_UNSAFE } from '@baton/jute'
import type { ACL } from '@baton/jute'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AclCache } from '../../src/state/acl-cache.ts'
import {
  authenticate,
  digestId,
  fixupAcl,
  ipId,
  maskAcl,
  permits,
  SUPER_ID,
  whoAmI,
} from '../../src/state/acl.ts'
import { sha1 } from '../../src/state/sha1.ts'

const READ = 1
const WRITE = 2
const acl = (perms: number, scheme: string, id: string): ACL => ({ perms, id: { scheme, id } })
const bob = { scheme: 'digest', id: digestId('bob:secret') }
const local = ipId('127.0.0.1')

test('SHA-1 is the one everybody else computes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), input => {
      expect(sha1(input).equals(createHash('sha1').update(input).digest())).toBe(true)
    }),
    { numRuns: 200 },
  )
})

test('the digest id is what ZooKeeper makes of user and password', () => {
  expect(bob.id).toBe('bob:fyVmFCwVbTJYrznoSu1koqYEYF0=')
})

describe('permits', () => {
  test('an empty list is open, and super may do everything', () => {
    expect(permits([], WRITE, [])).toBe(true)
    expect(permits([acl(READ, 'digest', 'x:y')], WRITE, [SUPER_ID])).toBe(true)
  })

  test('world:anyone holds for everyone, but only with the bits it names', () => {
    expect(permits([acl(READ, 'world', 'anyone')], READ, [])).toBe(true)
    expect(permits([acl(READ, 'world', 'anyone')], WRITE, [])).toBe(false)
    expect(permits([acl(READ, 'world', 'else')], READ, [local])).toBe(false)
  })

  test('a digest id must be the same, an unknown scheme never holds', () => {
    expect(permits([acl(READ, 'digest', bob.id)], READ, [local, bob])).toBe(true)
    expect(permits([acl(READ, 'digest', 'bob:x')], READ, [bob])).toBe(false)
    expect(
      permits([acl(READ, 'constructor', 'x')], READ, [{ scheme: 'constructor', id: 'x' }]),
    ).toBe(false)
  })

  test.each([
    ['127.0.0.1', '127.0.0.1', true],
    ['127.0.0.1', '127.0.0.0/8', true],
    ['128.0.0.1', '127.0.0.0/8', false],
    ['10.1.2.255', '10.1.2.128/25', true],
    ['10.1.2.127', '10.1.2.128/25', false],
    ['10.1.2.3', '0.0.0.0/0', true],
    ['::1', '127.0.0.1', false],
    ['2001:db8::1', '2001:db8::/32', true],
    ['2001:db9::1', '2001:db8::/32', false],
    ['::1', '0:0:0:0:0:0:0:1', true],
  ])('ip %s is in %s: %s', (own, named, expected) => {
    expect(permits([acl(READ, 'ip', named)], READ, [ipId(own)])).toBe(expected)
  })
})

describe('fixupAcl', () => {
  test('auth becomes every identity of the connection, but not its address', () => {
    expect(fixupAcl(CREATOR_ALL_ACL, [local, bob])).toEqual([{ perms: 31, id: bob }])
    expect(fixupAcl(CREATOR_ALL_ACL, [local])).toBeUndefined()
    expect(fixupAcl(CREATOR_ALL_ACL, [SUPER_ID])).toBeUndefined()
  })

  test('duplicates go', () => {
    expect(fixupAcl([...OPEN_ACL_UNSAFE, ...OPEN_ACL_UNSAFE], [])).toEqual(OPEN_ACL_UNSAFE)
  })

  test.each([
    ['null', null],
    ['empty', []],
    ['unknown scheme', [acl(1, 'nobody', 'x')]],
    ['world:somebody', [acl(1, 'world', 'somebody')]],
    ['super by name', [acl(31, 'super', '')]],
    ['digest without a colon', [acl(1, 'digest', 'bob')]],
    ['digest with two', [acl(1, 'digest', 'a:b:c')]],
    ['an address out of range', [acl(1, 'ip', '1.2.3.400')]],
    ['too many bits', [acl(1, 'ip', '1.2.3.4/33')]],
    ['a broken v6', [acl(1, 'ip', '1::2::3')]],
    ['one bad among good', [...OPEN_ACL_UNSAFE, acl(1, 'nobody', 'x')]],
  ])('%s is refused', (_, list) => {
    expect(fixupAcl(list, [bob])).toBeUndefined()
  })
})

test('masking hides the hash of digest ids and nothing else', () => {
  expect(maskAcl([acl(1, 'digest', 'bob:hash'), acl(2, 'world', 'anyone')])).toEqual([
    acl(1, 'digest', 'bob:x'),
    acl(2, 'world', 'anyone'),
  ])
})

test('authenticating gives the digest id, and super where its digest is configured', () => {
  expect(authenticate('digest', Buffer.from('bob:secret'))).toEqual([bob])
  expect(authenticate('digest', Buffer.from('bob:secret'), bob.id)).toEqual([SUPER_ID, bob])
  expect(authenticate('kerberos', Buffer.from('x'))).toBeUndefined()
  expect(whoAmI([local, bob])).toEqual([
    { authScheme: 'ip', user: '127.0.0.1' },
    { authScheme: 'digest', user: 'bob' },
  ])
})

test('a v4 address in v6 clothes is the v4 address', () => {
  expect(ipId('::ffff:10.0.0.7')).toEqual({ scheme: 'ip', id: '10.0.0.7' })
  expect(ipId('::1').id).toBe('::1')
})

describe('the cache of lists', () => {
  test('equal lists share an entry, which goes with its last use', () => {
    const cache = new AclCache()
    const one = cache.acquire([acl(1, 'world', 'anyone')])
    const two = cache.acquire([acl(1, 'world', 'anyone')])
    expect(two).toBe(one)
    cache.release(one)
    expect(cache.size).toBe(1)
    cache.release(two)
    expect(cache.size).toBe(0)
    expect(cache.acquire([acl(1, 'world', 'anyone')]).id).toBe(2)
    expect(cache.acquire(null).id).toBe(-1)
  })

  test('a number that no table told yet lets nobody in', () => {
    const cache = new AclCache()
    const unknown = cache.acquireById(7)
    expect(permits(unknown.list, 31, [bob])).toBe(false)
    expect(cache.acquire([acl(1, 'world', 'anyone')]).id).toBe(8)
    expect(cache.size).toBe(1)
    cache.release(unknown)
    expect(cache.size).toBe(1)
  })
})
