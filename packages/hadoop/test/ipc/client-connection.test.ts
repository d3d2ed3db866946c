import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ClientConnection } from '../../src/ipc/client-connection.ts'
import { encodeError, encodeSuccess, type CallIdentity } from '../../src/ipc/rpc-messages.ts'
import { HAServiceProtocol, ZKFCProtocol } from '../../src/protocol/index.ts'
import { FakeLink, fromHex, ManualClock, settled, toHex } from './fake-link.ts'

const CLIENT_ID = fromHex('dfbb12ee34654ea09b42aabf1866f4f1')
const NONE = { rpcTimeoutMs: 0 }
const STATUS = HAServiceProtocol.getServiceStatus
const HEALTH = HAServiceProtocol.monitorHealth

interface Setup {
  readonly protocol?: string
  readonly clientId?: Uint8Array
  readonly callerContext?: string
  readonly pingIntervalMs?: number
  readonly responseBytesMax?: number
  readonly firstCallId?: number
}

function connect(setup: Setup = {}) {
  const link = new FakeLink()
  const clock = new ManualClock()
  let callId = setup.firstCallId ?? 0
  const connection = new ClientConnection(link, {
    clock,
    clientId: setup.clientId ?? CLIENT_ID,
    user: 'hdfs',
    protocol: setup.protocol ?? HAServiceProtocol.name,
    callerContext: setup.callerContext,
    pingIntervalMs: setup.pingIntervalMs ?? 60_000,
    responseBytesMax: setup.responseBytesMax ?? 1_000_000,
    nextCallId: () => callId++,
  })
  return { link, clock, connection }
}

const identity = (callId: number): CallIdentity => ({
  callId,
  clientId: CLIENT_ID,
  retryCount: 0,
})
const OK = fromHex('08021001')

describe('a client sends what a recorded Java client sent', () => {
  test('health monitor: header, context and first call in one write', async () => {
    const { link, connection } = connect()
    const first = connection.call(STATUS, {}, NONE)
    await settled()
    expect(link.sent.length).toBe(1)
    expect(link.sentHex).toBe(
      '68727063090000' +
        '0000004c1a0802100018052210dfbb12ee34654ea09b42aabf1866f4f128013012060a0468646673' +
        '1a266f72672e6170616368652e6861646f6f702e68612e48415365727669636550726f746f636f6c' +
        '000000591a0802100018002210dfbb12ee34654ea09b42aabf1866f4f128003c0a10676574536572' +
        '7669636553746174757312266f72672e6170616368652e6861646f6f702e68612e48415365727669' +
        '636550726f746f636f6c180100',
    )
    link.onData(fromHex('000000201a0800100018093a10dfbb12ee34654ea09b42aabf1866f4f140000408021001'))
    expect(await first).toEqual({ state: 'standby', readyToBecomeActive: true })
    link.sent.length = 0
    const second = connection.call(HEALTH, {}, NONE)
    await settled()
    expect(link.sentHex).toBe(
      '000000561a0802100018022210dfbb12ee34654ea09b42aabf1866f4f12800390a0d6d6f6e69746f' +
        '724865616c746812266f72672e6170616368652e6861646f6f702e68612e48415365727669636550' +
        '726f746f636f6c180100',
    )
    link.onData(fromHex('0000001c1a0801100018093a10dfbb12ee34654ea09b42aabf1866f4f1400000'))
    expect(await second).toEqual({})
  })

  test('controller to controller: caller context, call ids with gaps, cedeActive(-1)', async () => {
    const clientId = fromHex('7e17f611d3c54a80bee232a990910a58')
    const setup = { protocol: ZKFCProtocol.name, clientId, callerContext: 'CLI', firstCallId: 36 }
    const { link, connection } = connect(setup)
    const cede = connection.call(ZKFCProtocol.cedeActive, { millisToCede: -1 }, NONE)
    await settled()
    expect(link.sentHex).toBe(
      '68727063090000' +
        '0000004e2108021000180522107e17f611d3c54a80bee232a990910a5828013a050a03434c49' +
        '2b12060a04686466731a216f72672e6170616368652e6861646f6f702e68612e5a4b464350726f746f636f6c' +
        '0000005b2108021000184822107e17f611d3c54a80bee232a990910a5828003a050a03434c49' +
        '310a0a6365646541637469766512216f72672e6170616368652e6861646f6f702e68612e5a4b4643' +
        '50726f746f636f6c18010608ffffffff0f',
    )
    link.onData(fromHex('0000001c1a0824100018093a107e17f611d3c54a80bee232a990910a58400000'))
    expect(await cede).toEqual({})
  })

  test('a ping, when a call has heard nothing for the interval', async () => {
    const { link, clock, connection } = connect({ pingIntervalMs: 1_000 })
    const call = connection.call(STATUS, {}, NONE)
    await settled()
    link.sent.length = 0
    clock.advance(999)
    expect(link.sent).toEqual([])
    clock.advance(1)
    expect(link.sentHex).toBe('0000001b1a0802100018072210dfbb12ee34654ea09b42aabf1866f4f12801')
    clock.advance(600)
    link.onData(new Uint8Array([0])) // half of something is a sign of life
    clock.advance(900)
    expect(link.sent.length).toBe(1)
    link.onData(encodeSuccess(identity(0), OK).subarray(1))
    await call
    clock.advance(10_000)
    expect(link.sent.length).toBe(1)
    expect(clock.timerCount).toBe(0)
  })
})

describe('answers', () => {
  test('come in any order and in any pieces', async () => {
    const whole = Buffer.concat([2, 0, 1].map(id => encodeSuccess(identity(id), OK)))
    for (let cut = 0; cut <= whole.length; cut += 1) {
      const { link, connection } = connect()
      const calls = [0, 1, 2].map(() => connection.call(STATUS, {}, NONE))
      await settled()
      link.onData(new Uint8Array(whole.subarray(0, cut)))
      link.onData(new Uint8Array(whole.subarray(cut)))
      const statuses = await Promise.all(calls)
      expect(statuses.map(({ state }) => state)).toEqual(['standby', 'standby', 'standby'])
    }
  })

  test('an error fails its own call, a FATAL one all of them, and the connection', async () => {
    const { link, connection } = connect()
    const error = { className: 'java.io.IOException', message: 'why\n\tat a.b.c', detail: 1 }
    const calls = [0, 1, 2].map(() => connection.call(STATUS, {}, NONE).catch((e: unknown) => e))
    await settled()
    link.onData(encodeError(identity(1), 1, error))
    expect(await calls[1]).toMatchObject({
      className: 'java.io.IOException',
      message: 'why\n\tat a.b.c',
      shortMessage: 'why',
      errorDetail: 1,
      fatal: false,
    })
    const fatal = { callId: -1, clientId: new Uint8Array(0), retryCount: -1 }
    link.onData(encodeError(fatal, 2, { ...error, detail: 14 }))
    for (const index of [0, 2]) {
      expect(await calls[index]).toMatchObject({ fatal: true, errorDetail: 14 })
    }
    expect(link.closed?.kind).toBe('local')
    await expect(connection.call(STATUS, {}, NONE)).rejects.toMatchObject({ fatal: true })
  })

  test.each([
    ['bytes after the message', encodeSuccess(identity(0), OK), 1],
    [
      'bytes after an error',
      encodeError(identity(0), 1, { className: 'x', message: 'y', detail: 1 }),
      1,
    ],
  ])('%s are refused', async (_, frame, extra) => {
    const { link, connection } = connect()
    const call = connection.call(STATUS, {}, NONE)
    call.catch(() => {})
    await settled()
    const longer = new Uint8Array([...frame, ...new Uint8Array(extra)])
    new DataView(longer.buffer).setInt32(0, longer.length - 4)
    link.onData(longer)
    await expect(call).rejects.toMatchObject({ code: 'protocol' })
    expect(link.closed).toBeDefined()
  })

  test.each([
    ['nobody asked for', encodeSuccess(identity(7), OK), 'protocol'],
    [
      'to another client',
      encodeSuccess({ ...identity(0), clientId: new Uint8Array(16) }, OK),
      'protocol',
    ],
    [
      'with a status no version has',
      encodeError(identity(0), 5, { className: 'x', message: '', detail: 1 }),
      'protocol',
    ],
    ['of a negative length', fromHex('ffffffff'), 'protocol'],
    ['of no length', fromHex('00000000'), 'protocol'],
    ['larger than the limit', fromHex('000f4241'), 'tooLarge'],
    ['in HTTP', new TextEncoder().encode('HTTP/1.1 400 Bad Request\r\n\r\n'), 'tooLarge'],
  ])('an answer %s ends the connection', async (_, frame, code) => {
    const { link, connection } = connect()
    const call = connection.call(STATUS, {}, NONE)
    call.catch(() => {})
    await settled()
    link.onData(frame)
    await expect(call).rejects.toMatchObject({ code })
    expect(link.closed).toBeDefined()
  })

  test('a broken message fails its call only', async () => {
    const { link, connection } = connect()
    const call = connection.call(STATUS, {}, NONE)
    await settled()
    link.onData(encodeSuccess(identity(0), new Uint8Array(0)))
    await expect(call).rejects.toMatchObject({ code: 'protocol' })
    expect(link.closed).toBeUndefined()
  })

  test('any bytes: the calls end, nothing is thrown', async () => {
    const honest = encodeSuccess(identity(0), OK)
    const run = fc.asyncProperty(
      fc.nat(honest.length),
      fc.uint8Array({ maxLength: 200 }),
      async (kept, garbage) => {
        const { link, clock, connection } = connect()
        const outcomes = [0, 1].map(() => connection.call(STATUS, {}, NONE).then(String, String))
        await settled()
        link.onData(honest.slice(0, kept))
        link.onData(garbage)
        link.end({ kind: 'end' })
        await Promise.all(outcomes)
        expect(clock.timerCount).toBe(0)
      },
    )
    await fc.assert(run, { numRuns: 300 })
  })
})

describe('silence and endings', () => {
  test('a call without answer fails alone, and its late answer is dropped', async () => {
    const { link, clock, connection } = connect()
    const slow = connection.call(STATUS, {}, { rpcTimeoutMs: 500 })
    slow.catch(() => {})
    const patient = connection.call(STATUS, {}, { rpcTimeoutMs: 5_000 })
    await settled()
    clock.advance(500)
    await expect(slow).rejects.toMatchObject({ code: 'timeout' })
    link.onData(encodeSuccess(identity(0), OK))
    link.onData(encodeSuccess(identity(1), OK))
    expect((await patient).state).toBe('standby')
    expect(clock.timerCount).toBe(0)
  })

  test.each([
    ['end', 'closed'],
    ['reset', 'reset'],
  ] as const)('the peer’s %s fails every call and is told at once', async (kind, code) => {
    const { link, clock, connection } = connect()
    const seen: string[] = []
    connection.onClose = cause => seen.push(cause.kind)
    const call = connection.call(STATUS, {}, { rpcTimeoutMs: 500 })
    call.catch(() => {})
    await settled()
    link.end({ kind })
    expect(seen).toEqual([kind])
    await expect(call).rejects.toMatchObject({ code })
    await expect(connection.call(STATUS, {}, NONE)).rejects.toMatchObject({ code: 'closed' })
    expect(clock.timerCount).toBe(0)
  })

  test('an end before anybody listened is told as soon as somebody does', () => {
    const { link, connection } = connect()
    link.end({ kind: 'reset' })
    const seen: string[] = []
    connection.onClose = cause => seen.push(cause.kind)
    expect(seen).toEqual(['reset'])
  })

  test('an aborted call ends at once; one aborted before is never sent', async () => {
    const { link, connection } = connect()
    const controller = new AbortController()
    const call = connection.call(STATUS, {}, { ...NONE, signal: controller.signal })
    call.catch(() => {})
    await settled()
    const sentCount = link.sent.length
    controller.abort()
    await expect(call).rejects.toMatchObject({ code: 'aborted' })
    const late = connection.call(STATUS, {}, { ...NONE, signal: controller.signal })
    await expect(late).rejects.toMatchObject({ code: 'aborted' })
    expect(link.sent.length).toBe(sentCount)
    expect(toHex(link.sent[0] ?? new Uint8Array(0)).startsWith('68727063')).toBe(true)
  })
})
