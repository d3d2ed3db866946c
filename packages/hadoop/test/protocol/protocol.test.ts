import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decodeActiveNodeInfo,
  encodeActiveNodeInfo,
  HAServiceProtocol,
  ProtocolError,
  REQUEST_SOURCES,
  SERVICE_STATES,
  ZKFCProtocol,
} from '../../src/protocol/index.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))

/** Recorded content of ActiveStandbyElectorLock, and the example of Hadoop's own documentation. */
const ZNODES = [
  {
    content: '0a096d79636c757374657212036e6e311a096c6f63616c686f737420ef8c0128838d01',
    info: {
      nameserviceId: 'mycluster',
      namenodeId: 'nn1',
      hostname: 'localhost',
      port: 18031,
      zkfcPort: 18051,
    },
  },
  {
    content:
      '0a096d79636c757374657212036e6e311a146d616368696e65312e6578616d706c652e636f6d20d43e28d33e',
    info: {
      nameserviceId: 'mycluster',
      namenodeId: 'nn1',
      hostname: 'machine1.example.com',
      port: 8020,
      zkfcPort: 8019,
    },
  },
]

describe('ActiveNodeInfo', () => {
  test.each(ZNODES)('has the bytes Java writes for $info.hostname', ({ content, info }) => {
    expect(hex(encodeActiveNodeInfo(info))).toBe(content)
    expect(decodeActiveNodeInfo(bytes(content))).toEqual(info)
  })

  test('keeps fields with the default value, as Java does for required ones', () => {
    const info = { nameserviceId: '', namenodeId: '', hostname: '', port: 0, zkfcPort: 0 }
    expect(hex(encodeActiveNodeInfo(info))).toBe('0a0012001a0020002800')
  })

  test('tolerates fields it does not know and drops them', () => {
    for (const { content, info } of ZNODES) {
      expect(decodeActiveNodeInfo(bytes(`${content}3203616263`))).toEqual(info)
    }
  })

  test('names every required field that is missing', () => {
    expect(() => decodeActiveNodeInfo(bytes('12036e6e31'))).toThrow(
      new ProtocolError('Message missing required fields: nameserviceId, hostname, port, zkfcPort'),
    )
  })

  test('comes back as it was, for any values', () => {
    const port = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
    const text = fc.string({ unit: 'grapheme' })
    const infos = fc.record({
      nameserviceId: text,
      namenodeId: text,
      hostname: text,
      port,
      zkfcPort: port,
    })
    fc.assert(
      fc.property(infos, info => {
        expect(decodeActiveNodeInfo(encodeActiveNodeInfo(info))).toEqual(info)
      }),
    )
  })

  test('any bytes give a value or a ProtocolError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), garbage => {
        try {
          decodeActiveNodeInfo(garbage)
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError)
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('cedeActive carries a Java int in an unsigned field', () => {
  test.each([
    [-1, '08ffffffff0f'],
    [10_000, '08904e'],
    [0, '0800'],
    [-(2 ** 31), '088080808008'],
  ])('%i', (millisToCede, content) => {
    const { encodeRequest, decodeRequest } = ZKFCProtocol.cedeActive
    expect(hex(encodeRequest({ millisToCede }))).toBe(content)
    expect(decodeRequest(bytes(content))).toEqual({ millisToCede })
  })
})

describe('HAServiceProtocol', () => {
  test.each(REQUEST_SOURCES.map((source, number) => [source, number] as const))(
    'a transition asked for by %s',
    (source, number) => {
      const { encodeRequest, decodeRequest } = HAServiceProtocol.transitionToActive
      expect(hex(encodeRequest({ source }))).toBe(`0a02080${number}`)
      expect(decodeRequest(encodeRequest({ source }))).toEqual({ source })
    },
  )

  test('an unknown source or state is a missing field, as for Java’s parser', () => {
    expect(() => HAServiceProtocol.transitionToActive.decodeRequest(bytes('0a020807'))).toThrow(
      'Message missing required fields: reqInfo.reqSource',
    )
    expect(() => HAServiceProtocol.transitionToActive.decodeRequest(bytes('0a00'))).toThrow(
      'Message missing required fields: reqInfo.reqSource',
    )
    expect(() => HAServiceProtocol.getServiceStatus.decodeResponse(bytes('0809'))).toThrow(
      'Message missing required fields: state',
    )
  })

  test('status: ready, and not ready with the reason', () => {
    const { encodeResponse, decodeResponse } = HAServiceProtocol.getServiceStatus
    expect(decodeResponse(bytes('08021001'))).toEqual({
      state: 'standby',
      readyToBecomeActive: true,
    })
    const notReady = {
      state: 'observer',
      readyToBecomeActive: false,
      notReadyReason: 'State is observer',
    } as const
    expect(hex(encodeResponse(notReady))).toBe('080310001a115374617465206973206f62736572766572')
    for (const state of SERVICE_STATES) {
      const status = { state, readyToBecomeActive: state === 'active' }
      expect(decodeResponse(encodeResponse(status))).toEqual(status)
    }
  })
})
