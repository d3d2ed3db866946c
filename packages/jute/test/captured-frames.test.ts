/** Frames of a Java controller and an Apache ZooKeeper 3.8, as they went over the wire. */
import { describe, expect, test } from 'vitest'
import * as jute from '../src/index.ts'
import { encode, frame, OpCode, Reader, Writer } from '../src/index.ts'
import type { AnyType } from '../src/index.ts'

const LOCK = '/hadoop-ha/mycluster/ActiveStandbyElectorLock'
const CRUMB = '/hadoop-ha/mycluster/ActiveBreadCrumb'
const lockHex = Buffer.from(LOCK).toString('hex')
const crumbHex = Buffer.from(CRUMB).toString('hex')
const node = '0a096d79636c757374657212036e6e311a096c6f63616c686f737420ef8c0128838d01'
const acl = jute.OPEN_ACL_UNSAFE

type Part = readonly [AnyType, unknown]
const request = (xid: number, type: number): Part => [jute.RequestHeader, { xid, type }]
const reply = (xid: number, zxid: number, err = 0): Part => [jute.ReplyHeader, { xid, zxid, err }]

const emptyStat = { version: 0, cversion: 0, aversion: 0, numChildren: 0 }
const rootStat = {
  ...{ czxid: 5, mzxid: 5, ctime: 0x1a203f447d5, mtime: 0x1a203f447d5 },
  ...emptyStat,
  ...{ ephemeralOwner: 0n, dataLength: 0, pzxid: 5 },
}

/** Frame in hex, and its records in order. */
const captured: readonly (readonly [string, string, readonly Part[]])[] = [
  [
    'connect request',
    '0000002d000000000000000000000000000027100000000000000000000000100000000000000000000000' +
      '000000000000',
    [
      [
        jute.ConnectRequest,
        {
          ...{ protocolVersion: 0, lastZxidSeen: 0, timeOut: 10_000, sessionId: 0n },
          passwd: Buffer.alloc(16),
        },
      ],
      [jute.boolean, false],
    ],
  ],
  [
    'connect response',
    '000000250000000000002710010000111c52000100000010efcea5e6d92b91950fbd23217e2aa27500',
    [
      [
        jute.ConnectResponse,
        {
          ...{ protocolVersion: 0, timeOut: 10_000, sessionId: 0x010000111c520001n },
          passwd: Buffer.from('efcea5e6d92b91950fbd23217e2aa275', 'hex'),
        },
      ],
      [jute.boolean, false],
    ],
  ],
  [
    'exists',
    `0000003a00000005000000030000002d${lockHex}01`,
    [request(5, OpCode.exists), [jute.PathAndWatchRequest, { path: LOCK, watch: true }]],
  ],
  [
    'exists reply, no node',
    '00000010000000010000000000000003ffffff9b',
    [reply(1, 3, jute.ErrorCode.noNode)],
  ],
  [
    'exists reply',
    '000000540000000100000000000000070000000000000000000000050000000000000005000001a203f447d5' +
      '000001a203f447d50000000000000000000000000000000000000000000000000000000000000000' +
      '00000005',
    [reply(1, 7), [jute.StatResponse, { stat: rootStat }]],
  ],
  [
    'create of an ephemeral',
    `0000007f00000002000000010000002d${lockHex}00000023${node}` +
      '000000010000001f00000005776f726c6400000006616e796f6e6500000001',
    [
      request(2, OpCode.create),
      [
        jute.CreateRequest,
        { path: LOCK, data: Buffer.from(node, 'hex'), acl, flags: jute.CreateMode.ephemeral },
      ],
    ],
  ],
  [
    'create reply',
    `000000390000000400000000000000090000000000000025${crumbHex}`,
    [reply(4, 9), [jute.CreateResponse, { path: CRUMB }]],
  ],
  [
    'create reply, exists already',
    '0000001000000002000000000000000bffffff92',
    [reply(2, 11, jute.ErrorCode.nodeExists)],
  ],
  [
    'getData reply',
    `0000007b00000006000000000000000b0000000000000023${node}00000000000000090000000000000009` +
      '000001a203f44e8d000001a203f44e8d00000000000000000000000000000000000000000000002300000000' +
      '0000000000000009',
    [
      reply(6, 11),
      [
        jute.GetDataResponse,
        {
          data: Buffer.from(node, 'hex'),
          stat: {
            ...rootStat,
            ...{ czxid: 9, mzxid: 9, pzxid: 9, dataLength: 35 },
            ...{ ctime: 0x1a203f44e8d, mtime: 0x1a203f44e8d },
          },
        },
      ],
    ],
  ],
  [
    'delete',
    `00000035000000070000000200000025${crumbHex}00000000`,
    [request(7, OpCode.delete), [jute.DeleteRequest, { path: CRUMB, version: 0 }]],
  ],
  ['ping', '00000008fffffffe0000000b', [request(jute.Xid.ping, OpCode.ping)]],
  ['ping reply', '00000010fffffffe000000000000000900000000', [reply(jute.Xid.ping, 9)]],
  [
    'watch event',
    `00000049ffffffffffffffffffffffff0000000000000002000000030000002d${lockHex}`,
    [
      reply(jute.Xid.notification, -1),
      [
        jute.WatcherEvent,
        {
          type: jute.EventType.nodeDeleted,
          state: jute.KeeperState.syncConnected,
          path: LOCK,
        },
      ],
    ],
  ],
  ['close', '0000000800000004fffffff5', [request(4, OpCode.closeSession)]],
]

describe.each(captured)('%s', (_name, hex, parts) => {
  const bytes = Buffer.from(hex, 'hex')

  test('is written byte for byte', () => {
    const writer = new Writer()
    for (const [type, value] of parts) type.write(writer, value)
    expect(frame(writer.finish()).toString('hex')).toBe(hex)
  })

  test('is read to the last byte', () => {
    const reader = new Reader(bytes, 4)
    for (const [type, value] of parts) expect(type.read(reader)).toEqual(value)
    expect(reader.remaining).toBe(0)
  })
})

test('a Stat has 68 bytes, the one in files 60', () => {
  expect(encode(jute.Stat, rootStat)).toHaveLength(68)
  expect(encode(jute.StatPersisted, rootStat)).toHaveLength(60)
})
