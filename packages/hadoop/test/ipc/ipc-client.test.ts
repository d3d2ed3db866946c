import { describe, expect, test } from 'vitest'
import { NetworkError, silentLogger } from '@baton/runtime'
import type { Address, ConnectOptions, Network } from '@baton/runtime'
import { IpcClient, type IpcClientOptions } from '../../src/ipc/index.ts'
import { HAServiceProtocol } from '../../src/protocol/index.ts'
import { FakeLink, fromHex, ManualClock, settled } from './fake-link.ts'

const ADDRESS: Address = { host: 'nn1', port: 8020 }
const STATUS = HAServiceProtocol.getServiceStatus

type Outcome = 'link' | 'never' | 'ECONNREFUSED' | 'ETIMEDOUT' | 'ENOTFOUND' | 'EHOSTUNREACH'

/** A client whose connects end as the test says, one outcome after the other. */
function world(outcomes: Outcome[], options: Partial<IpcClientOptions> = {}) {
  const links: FakeLink[] = []
  const connects: ConnectOptions[] = []
  const clock = new ManualClock()
  const network: Network = {
    listen: () => Promise.reject(new Error('a client does not listen')),
    connect: (address, connectOptions) => {
      connects.push(connectOptions)
      const outcome = outcomes.shift() ?? 'link'
      if (outcome === 'link') {
        const link = new FakeLink()
        links.push(link)
        return Promise.resolve(link)
      }
      if (outcome !== 'never') {
        return Promise.reject(new NetworkError(outcome, address, `could not connect: ${outcome}`))
      }
      return new Promise((_, reject) => {
        connectOptions.signal?.addEventListener('abort', () =>
          reject(new NetworkError('ABORTED', address, 'aborted')),
        )
      })
    },
    resolve: async host => [host],
    reverse: async ip => ip,
  }
  const random = { int: () => 0, bytes: (count: number) => new Uint8Array(count) }
  const client = new IpcClient(
    { clock, random, network, logger: silentLogger },
    { user: 'hdfs', ...options },
  )
  return { client, clock, links, connects }
}

function answer(link: FakeLink | undefined, callId: number): void {
  const id = callId.toString(16).padStart(2, '0')
  const body = `0a08${id}100018093a0040000408021001`
  link?.onData(fromHex((body.length / 2).toString(16).padStart(8, '0') + body))
}

const code = (error: unknown): unknown => (error as { code?: unknown }).code

describe('connecting', () => {
  test.each([
    ['ECONNREFUSED', 'refused'],
    ['ETIMEDOUT', 'connectTimeout'],
    ['ENOTFOUND', 'unknownHost'],
    ['EHOSTUNREACH', 'unreachable'],
  ] as const)('%s is reported at once as %s, without a retry', async (found, expected) => {
    const { client, connects, clock } = world([found])
    const call = client.call(ADDRESS, STATUS, {}, { rpcTimeoutMs: 0 })
    await expect(call).rejects.toMatchObject({ code: expected, address: ADDRESS })
    expect(connects.length).toBe(1)
    expect(clock.timerCount).toBe(0)
  })

  test('refusals and time-outs are counted apart, with the wait between tries', async () => {
    const { client, clock, connects } = world([
      'ECONNREFUSED',
      'ETIMEDOUT',
      'ECONNREFUSED',
      'ETIMEDOUT',
      'ECONNREFUSED',
    ])
    const call = client
      .call(
        ADDRESS,
        STATUS,
        {},
        {
          rpcTimeoutMs: 0,
          connectRetries: 2,
          connectRetriesOnTimeouts: 5,
          retryIntervalMs: 300,
          connectTimeoutMs: 77,
        },
      )
      .catch(code)
    for (let tries = 1; tries <= 5; tries += 1) {
      await settled()
      expect(connects.length).toBe(tries)
      clock.advance(299)
      await settled()
      expect(connects.length).toBe(tries)
      clock.advance(1)
    }
    expect(await call).toBe('refused')
    expect(connects.map(({ timeoutMs }) => timeoutMs)).toEqual([77, 77, 77, 77, 77])
  })

  test('an unknown host is not tried again', async () => {
    const { client, connects } = world(['ENOTFOUND'])
    const options = { rpcTimeoutMs: 0, connectRetries: 5 }
    expect(await client.call(ADDRESS, STATUS, {}, options).catch(code)).toBe('unknownHost')
    expect(connects.length).toBe(1)
  })

  test('calls at one time share one connect, and the last that gives up ends it', async () => {
    const { client, connects } = world(['never'])
    const aborts = [new AbortController(), new AbortController()]
    const calls = aborts.map(({ signal }) =>
      client.call(ADDRESS, STATUS, {}, { rpcTimeoutMs: 0, signal }).catch(code),
    )
    await settled()
    expect(connects.length).toBe(1)
    aborts[0]?.abort()
    expect(await calls[0]).toBe('aborted')
    expect(connects[0]?.signal?.aborted).toBe(false)
    aborts[1]?.abort()
    expect(await calls[1]).toBe('aborted')
    await settled()
    expect(connects[0]?.signal?.aborted).toBe(true)
  })

  test('an abort ends the wait between two tries', async () => {
    const { client, clock, connects } = world(['ECONNREFUSED'])
    const { signal, abort } = abortable()
    const options = { rpcTimeoutMs: 0, connectRetries: 9, signal }
    const call = client.call(ADDRESS, STATUS, {}, options).catch(code)
    await settled()
    abort()
    expect(await call).toBe('aborted')
    await settled()
    expect(clock.timerCount).toBe(0)
    expect(connects.length).toBe(1)
  })
})

function abortable() {
  const controller = new AbortController()
  return { signal: controller.signal, abort: () => controller.abort() }
}

describe('the pool', () => {
  test('one connection serves call after call, until it idles too long', async () => {
    const { client, clock, links } = world([], { maxIdleMs: 1_000 })
    for (let callId = 0; callId < 3; callId += 1) {
      const call = client.call(ADDRESS, STATUS, {}, { rpcTimeoutMs: 5_000 })
      await settled()
      answer(links[0], callId)
      expect(await call).toEqual({ state: 'standby', readyToBecomeActive: true })
      clock.advance(999)
    }
    expect(links[0]?.closed).toBeUndefined()
    clock.advance(1)
    expect(links[0]?.closed).toBeDefined()
    expect(clock.timerCount).toBe(0)
    const again = client.call(ADDRESS, STATUS, {}, { rpcTimeoutMs: 5_000 })
    await settled()
    answer(links[1], 3)
    expect((await again).state).toBe('standby')
  })

  test('a waiting call keeps its connection however long it takes', async () => {
    const { client, clock, links } = world([], { maxIdleMs: 1_000 })
    const call = client.call(ADDRESS, STATUS, {}, { rpcTimeoutMs: 0 })
    await settled()
    clock.advance(50_000)
    answer(links[0], 0)
    expect((await call).state).toBe('standby')
  })

  test('a connection that ended is replaced at the next call', async () => {
    const { client, links } = world([])
    const first = client.call(ADDRESS, STATUS, {}, { rpcTimeoutMs: 0 }).catch(code)
    await settled()
    links[0]?.end({ kind: 'reset' })
    expect(await first).toBe('reset')
    const second = client.call(ADDRESS, STATUS, {}, { rpcTimeoutMs: 0 })
    await settled()
    answer(links[1], 1)
    expect((await second).state).toBe('standby')
  })

  test('after a time-out new calls get a new link, older ones may still be answered', async () => {
    const { client, clock, links } = world([])
    const patient = client.call(ADDRESS, STATUS, {}, { rpcTimeoutMs: 60_000 })
    const hasty = client.call(ADDRESS, STATUS, {}, { rpcTimeoutMs: 100 }).catch(code)
    await settled()
    clock.advance(100)
    expect(await hasty).toBe('timeout')
    const next = client.call(ADDRESS, STATUS, {}, { rpcTimeoutMs: 60_000 })
    await settled()
    answer(links[1], 2)
    expect((await next).state).toBe('standby')
    answer(links[0], 0)
    expect((await patient).state).toBe('standby')
    await settled()
    expect(links[0]?.closed).toBeDefined()
    expect(links[1]?.closed).toBeUndefined()
  })

  test('a dedicated connection is never closed for idling, and tells its end', async () => {
    const { client, clock, links } = world([], { maxIdleMs: 10 })
    const connection = await client.open(ADDRESS, HAServiceProtocol.name, {
      connectTimeoutMs: 1_000,
    })
    const seen: string[] = []
    connection.onClose = cause => seen.push(cause.kind)
    clock.advance(100_000)
    expect(links[0]?.closed).toBeUndefined()
    expect(links[0]?.sent).toEqual([])
    links[0]?.end({ kind: 'end' })
    expect(seen).toEqual(['end'])
  })

  test('close ends links, waiting calls and connects; nothing is left running', async () => {
    const { client, clock, links, connects } = world(['link', 'link', 'never'])
    const dedicated = await client.open(ADDRESS, HAServiceProtocol.name, { connectTimeoutMs: 1 })
    const pooled = client.call(ADDRESS, STATUS, {}, { rpcTimeoutMs: 5_000 }).catch(code)
    await settled()
    const other = { host: 'nn2', port: 8020 }
    const connecting = client.call(other, STATUS, {}, { rpcTimeoutMs: 5_000 }).catch(code)
    await settled()
    expect(connects.length).toBe(3)
    client.close()
    expect(await pooled).toBe('closed')
    expect(await connecting).toBe('aborted')
    expect(links.map(link => link.closed?.kind)).toEqual(['local', 'local'])
    expect(dedicated.remote).toEqual({ host: '127.0.0.1', port: 18031 })
    const late = client.call(ADDRESS, STATUS, {}, { rpcTimeoutMs: 0 }).catch(code)
    expect(await late).toBe('closed')
    expect(clock.timerCount).toBe(0)
  })
})
