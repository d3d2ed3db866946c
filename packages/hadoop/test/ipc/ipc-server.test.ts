import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { implement } from '../../src/ipc/index.ts'
import { DelimitedReader } from '../../src/ipc/delimited.ts'
import { decodeResponseHeader, encodeCall } from '../../src/ipc/rpc-messages.ts'
import { HAServiceProtocol, ZKFCProtocol } from '../../src/protocol/index.ts'
import { CAPTURED_DIALOGUES, CAPTURED_REFUSALS } from './captured-dialogues.ts'
import { fromHex, settled, type FakeLink } from './fake-link.ts'
import { registerRecorded, serve } from './serve-link.ts'

const BOTH = [HAServiceProtocol.name, ZKFCProtocol.name]

function dialogue(name: string): Uint8Array {
  const found = CAPTURED_DIALOGUES.find(entry => entry.name === name)
  if (found === undefined) throw new Error(`no dialogue ${name}`)
  return fromHex(found.client.join(''))
}

function errorOf(link: FakeLink) {
  const answer = Buffer.concat(link.sent)
  const reader = new DelimitedReader(answer.subarray(4))
  const header = decodeResponseHeader(reader.next('response header'))
  expect(reader.atEnd).toBe(true)
  return header
}

describe('a server answers recorded clients byte for byte', () => {
  for (const { name, client, server: expected, serverEnds } of CAPTURED_DIALOGUES) {
    test(name, async () => {
      const { server, link: connect } = await serve()
      registerRecorded(server, BOTH)
      const link = connect()
      link.onData(fromHex(client.join('')))
      await settled()
      expect(link.sentHex).toBe(expected)
      expect(link.closed !== undefined).toBe(serverEnds)
    })

    test(`${name}, a byte at a time`, async () => {
      const { server, link: connect } = await serve()
      registerRecorded(server, BOTH)
      const link = connect()
      for (const byte of fromHex(client.join(''))) link.onData(new Uint8Array([byte]))
      await settled()
      expect(link.sentHex).toBe(expected)
    })
  }
})

describe('a server refuses in Java’s words', () => {
  for (const refusal of CAPTURED_REFUSALS) {
    test(refusal.name, async () => {
      const { server, link: connect } = await serve()
      const ofNameNode = refusal.name.endsWith('NameNode')
      registerRecorded(server, [ofNameNode ? HAServiceProtocol.name : ZKFCProtocol.name])
      const link = connect()
      link.onData(fromHex(refusal.client.join('')))
      await settled()
      const { exceptionClassName, errorMsg, errorDetail, status } = errorOf(link)
      expect({ exceptionClassName, errorMsg, errorDetail, status }).toEqual({
        exceptionClassName: refusal.className,
        errorMsg: refusal.message,
        errorDetail: refusal.detail,
        status: 1,
      })
      expect(link.closed).toBeUndefined()
    })
  }

  test('a context before the SASL negotiation ended is refused', async () => {
    const { link: connect } = await serve()
    const link = connect()
    const context = dialogue('a second context').subarray(7, 87)
    link.onData(fromHex('687270630900df'))
    link.onData(context)
    expect(errorOf(link)).toMatchObject({
      callId: 0xffff_fffd,
      status: 2,
      errorDetail: 12,
      errorMsg: 'Connection header sent during SASL negotiation',
    })
    expect(link.closed).toBeDefined()
  })

  test.each([
    ['an unknown state', '021000', 'Client sent unsupported state SUCCESS'],
    ['INITIATE', '021002', 'Client mechanism is malformed'],
  ])('SASL with %s is refused as by a Java controller', async (_, body, message) => {
    const { link: connect } = await serve()
    const link = connect()
    link.onData(fromHex('687270630900df'))
    link.onData(fromHex(`0000000e0a08021000184122002801${body}`))
    expect(errorOf(link)).toMatchObject({
      callId: 0xffff_ffdf,
      errorDetail: 15,
      exceptionClassName: 'javax.security.sasl.SaslException',
      errorMsg: message,
    })
  })

  const ANSWERED_13 = { errorDetail: 13, status: 2, callId: 0xffff_ffff }
  test.each([
    ['a frame of garbage', '00000005' + '04ffffffff', ANSWERED_13],
    ['an empty frame', '00000000', ANSWERED_13],
    ['a header without client id', '000000080608021000180a00', ANSWERED_13],
    [
      'an out of band call nobody knows',
      '0000001b1a08021000180d2210000102030405060708090a0b0c0d0e0f2800',
      { errorDetail: 12, errorMsg: 'Unknown out of band call #-7' },
    ],
    [
      'an operation that is not FINAL',
      '0000001b1a08021001180a2210000102030405060708090a0b0c0d0e0f2800',
      {
        errorDetail: 12,
        errorMsg: 'IPC Server does not implement rpc header operationRPC_CONTINUATION_PACKET',
      },
    ],
    [
      'a kind that no version had',
      '0000001b1a08091000180a2210000102030405060708090a0b0c0d0e0f2800',
      { errorDetail: 12, errorMsg: ' IPC Server: No rpc kind in rpcRequestHeader' },
    ],
  ])('%s is answered FATAL and ends the connection', async (_, frame, expected) => {
    const { link: connect } = await serve()
    const link = connect()
    link.onData(dialogue('a ping, then a call').subarray(0, 87))
    link.onData(fromHex(frame))
    expect(errorOf(link)).toMatchObject(expected)
    expect(link.closed).toBeDefined()
  })

  test('versions 3 to 8 get the old answer, 2 the oldest, others none', async () => {
    const heads = new Map<number, string>()
    for (const version of [8, 3, 2, 1, 0, 0x80]) {
      const { link: connect } = await serve()
      const link = connect()
      link.onData(new Uint8Array([0x68, 0x72, 0x70, 0x63, version, 0, 0]))
      heads.set(version, link.sentHex.slice(0, 18))
      expect(link.closed).toBeDefined()
    }
    expect([...heads.values()]).toEqual([
      'ffffffffffffffff00',
      'ffffffffffffffff00',
      '000000000100000029',
      '',
      '',
      '',
    ])
  })
})

describe('a server keeps its bounds', () => {
  const opening = dialogue('a ping, then a call').subarray(0, 87)
  const clientId = new Uint8Array(16)
  const call = (callId: number): Uint8Array =>
    encodeCall({
      callId,
      clientId,
      retryCount: 0,
      callerContext: undefined,
      protocol: HAServiceProtocol.name,
      methodName: 'monitorHealth',
      request: new Uint8Array(0),
    })

  test('a frame beyond the limit ends the connection before a byte of it is kept', async () => {
    const { link: connect } = await serve({ requestBytesMax: 100 })
    const link = connect()
    link.onData(opening)
    link.onData(fromHex('00000065'))
    expect(link.closed?.reason).toContain('101 bytes')
    expect(link.sent).toEqual([])
  })

  test('calls beyond the bound wait, and run when others are done', async () => {
    const started: (() => void)[] = []
    const { server, link: connect } = await serve({ callsInFlightMax: 3, callsPerConnectionMax: 2 })
    server.register(HAServiceProtocol.name, {
      monitorHealth: implement(
        HAServiceProtocol.monitorHealth,
        () => new Promise(resolve => started.push(() => resolve({}))),
      ),
    })
    const links = [connect(), connect()]
    for (const link of links) {
      link.onData(opening)
      for (let id = 0; id < 5; id += 1) link.onData(call(id))
    }
    await settled()
    expect(started.length).toBe(3)
    expect(links.map(link => link.paused)).toEqual([true, true])
    for (let done = 0; done < 10; done += 1) {
      started[done]?.()
      await settled()
      expect(started.length).toBeLessThanOrEqual(done + 1 + 3)
    }
    expect(links.map(link => link.sent.length)).toEqual([5, 5])
    expect(links.map(link => link.paused)).toEqual([false, false])
  })

  test('answers leave in the order in which the calls end', async () => {
    const ends: (() => void)[] = []
    const { server, link: connect } = await serve()
    server.register(HAServiceProtocol.name, {
      monitorHealth: implement(
        HAServiceProtocol.monitorHealth,
        () => new Promise(resolve => ends.push(() => resolve({}))),
      ),
    })
    const link = connect()
    link.onData(opening)
    link.onData(call(7))
    link.onData(call(8))
    await settled()
    ends[1]?.()
    await settled()
    ends[0]?.()
    await settled()
    const ids = link.sent.map(
      bytes => decodeResponseHeader(new DelimitedReader(bytes.subarray(4)).next('header')).callId,
    )
    expect(ids).toEqual([8, 7])
  })

  test('a peer that does not read is read no more, and reset beyond the bound', async () => {
    const { server, link: connect } = await serve({ answerBytesMax: 1_000 })
    registerRecorded(server, BOTH)
    const link = connect()
    link.accepts = false
    link.queuedBytes = 500
    link.onData(opening)
    link.onData(call(1))
    await settled()
    expect(link.paused).toBe(true)
    link.onDrain()
    expect(link.paused).toBe(false)
    link.queuedBytes = 1_001
    link.onData(call(2))
    await settled()
    expect(link.closed?.reason).toContain('does not read')
  })

  test('a mute connection ends; an idle one only above the threshold', async () => {
    const options = { maxIdleMs: 20_000, idleThresholdCount: 1, handshakeTimeoutMs: 5_000 }
    const { server, clock, link: connect } = await serve(options)
    const mute = connect()
    const idle = connect()
    const young = connect()
    idle.onData(opening)
    young.onData(opening)
    clock.advance(10_000)
    expect([mute, idle, young].map(link => link.closed?.reason)).toEqual([
      'handshake too slow',
      undefined,
      undefined,
    ])
    young.onData(call(1))
    clock.advance(10_000)
    expect([idle, young].map(link => link.closed?.reason)).toEqual(['idle', undefined])
    expect(server.connectionCount).toBe(1)
  })

  test('one connection too many is closed at once', async () => {
    const { link: connect } = await serve({ connectionsMax: 1 })
    const first = connect()
    expect(connect().closed).toBeDefined()
    expect(first.closed).toBeUndefined()
  })
})

describe('garbage never crashes a server', () => {
  test('any bytes, after any part of an honest opening', async () => {
    const honest = dialogue('a ping, then a call')
    const { server, link: connect } = await serve({ requestBytesMax: 64 * 1024 })
    registerRecorded(server, BOTH)
    const run = fc.asyncProperty(
      fc.nat(honest.length),
      fc.uint8Array({ maxLength: 300 }),
      async (kept, garbage) => {
        const link = connect()
        link.onData(honest.slice(0, kept))
        link.onData(garbage)
        await settled()
        link.end({ kind: 'end' })
      },
    )
    await fc.assert(run, { numRuns: 400 })
    expect(server.connectionCount).toBe(0)
  })

  test('an honest conversation with one byte changed', async () => {
    const honest = dialogue('a ping, then a call')
    for (let at = 0; at < honest.length; at += 1) {
      const { server, link: connect } = await serve()
      registerRecorded(server, BOTH)
      const link = connect()
      const bent = honest.slice()
      bent[at] = (bent[at] ?? 0) ^ 0x41
      link.onData(bent)
      await settled()
      if (link.closed === undefined) link.end({ kind: 'reset' })
      expect(server.connectionCount).toBe(0)
    }
  })
})
