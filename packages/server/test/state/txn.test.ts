import { JuteError, OpCode, OPEN_ACL_UNSAFE } from '@baton/jute'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DigestSum } from '../../src/state/digest.ts'
import { decodeTxn, encodeTxn } from '../../src/state/txn.ts'
import type { Txn } from '../../src/state/txn.ts'
import { bytes } from './txn-maker.ts'

const acl = OPEN_ACL_UNSAFE
const path = '/p'
const create = { path, data: bytes('d'), acl, ephemeral: true, parentCVersion: 3 }
const everyKind: readonly Txn[] = [
  { type: OpCode.create, body: create },
  { type: OpCode.create2, body: { ...create, data: null, acl: null } },
  { type: OpCode.createContainer, body: { path, data: null, acl, parentCVersion: 1 } },
  { type: OpCode.createTTL, body: { path, data: null, acl, parentCVersion: 1, ttl: 2 ** 40 - 1 } },
  { type: OpCode.delete, body: { path } },
  { type: OpCode.deleteContainer, body: { path } },
  { type: OpCode.setData, body: { path, data: bytes(''), version: 7 } },
  { type: OpCode.reconfig, body: { path, data: null, version: -1 } },
  { type: OpCode.setACL, body: { path, acl, version: 2 } },
  { type: OpCode.createSession, body: { timeOut: 9 } },
  { type: OpCode.closeSession, body: { paths2Delete: ['/a', '/ü'] } },
  { type: OpCode.error, body: { err: -110 } },
  {
    type: OpCode.multi,
    body: [
      { type: OpCode.check, body: { path, version: 2 } },
      { type: OpCode.create, body: create },
      { type: OpCode.error, body: { err: -2 } },
    ],
  },
]

function encoded(txn: Txn, digest?: DigestSum): Buffer {
  const header = { clientId: -3n, cxid: 2, zxid: 0x1_0000_0001, time: 1_700_000_000_000 }
  return encodeTxn({ ...header, type: txn.type }, txn, digest)
}

test.each(everyKind)('a txn of type $type reads as it was written, with its digest', txn => {
  const digest = new DigestSum().add(-1).add(-1)
  const read = decodeTxn(encoded(txn, digest))
  expect(read.txn).toEqual(txn)
  expect(read.header).toMatchObject({ clientId: -3n, zxid: 0x1_0000_0001, type: txn.type })
  expect(read.digest).toEqual({ version: 2, treeDigest: 0x1_ffff_fffen })
  expect(decodeTxn(encoded(txn)).digest).toBeUndefined()
})

test('older shapes are read: a create without the parent version, a bare closeSession', () => {
  const txn: Txn = { type: OpCode.create, body: create }
  const old = encoded(txn).subarray(0, -4)
  expect(decodeTxn(old).txn.body).toMatchObject({ path, parentCVersion: -1 })
  const bare: Txn = { type: OpCode.closeSession, body: undefined }
  expect(decodeTxn(encoded(bare)).txn).toEqual(bare)
})

test('any bytes are a txn or a JuteError', () => {
  const whole = everyKind.map(txn => encoded(txn, new DigestSum()))
  const outcome = { read: 0, refused: 0 }
  const check = (input: Uint8Array): void => {
    try {
      decodeTxn(input)
      outcome.read++
    } catch (error) {
      expect(error).toBeInstanceOf(JuteError)
      outcome.refused++
    }
  }
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 120 }),
      fc.constantFrom(...whole),
      fc.nat(),
      (junk, txn, at) => {
        check(junk)
        const damaged = Buffer.from(txn)
        damaged.set(junk.subarray(0, 3), at % (damaged.length - 3))
        check(damaged)
        check(damaged.subarray(0, at % damaged.length))
      },
    ),
    { numRuns: 1000 },
  )
  expect(outcome.read).toBeGreaterThan(100)
  expect(outcome.refused).toBeGreaterThan(1000)
})

test('a digest sum wraps at 64 bits, both ways', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer()), { maxLength: 50 }), steps => {
      const sum = new DigestSum()
      let expected = 0n
      for (const [isAdd, crc] of steps) {
        const value = BigInt(crc >>> 0)
        if (isAdd) sum.add(crc)
        else sum.subtract(crc)
        expected = BigInt.asIntN(64, isAdd ? expected + value : expected - value)
      }
      expect(sum.toBigInt()).toBe(expected)
      expect(sum.copy().equals(sum)).toBe(true)
    }),
  )
})
