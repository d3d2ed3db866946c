import { formatAddress, parseAddress, sameAddress } from '@baton/runtime'
import fc from 'fast-check'
import { expect, test } from 'vitest'

test('host:port, brackets around IPv6, and a default port are understood', () => {
  expect(parseAddress(' nn1.example.com:8020 ')).toEqual({ host: 'nn1.example.com', port: 8020 })
  expect(parseAddress('[::1]:2181')).toEqual({ host: '::1', port: 2181 })
  expect(parseAddress('zk1', 2181)).toEqual({ host: 'zk1', port: 2181 })
})

test('what is no address is refused in plain words', () => {
  expect(() => parseAddress('nn1')).toThrow('"nn1" names no port: expected host:port')
  expect(() => parseAddress('nn1:65536')).toThrow('out of range 0-65535')
  for (const text of ['', ':1', 'a b:1', 'a:b', '::1:2181', '[::1']) {
    expect(() => parseAddress(text), text).toThrow(RangeError)
  }
})

test('a formatted address parses back to itself', () => {
  const host = fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6())
  fc.assert(
    fc.property(host, fc.integer({ min: 0, max: 65_535 }), (name, port) => {
      const address = { host: name, port }
      expect(sameAddress(parseAddress(formatAddress(address)), address)).toBe(true)
    }),
  )
})
