/** The driver's own duties, on a network and a clock moved by hand. */
import { ErrorCode } from '@baton/jute'
import type { Clock, CloseCause, Connection, ConnectOptions } from '@baton/runtime'
import { silentLogger } from '@baton/runtime'
import { expect, test } from 'vitest'
import { ZooKeeper } from '../src/index.ts'
import type { SessionState } from '../src/index.ts'
import { plainRandom } from './core-bench.ts'
import { grant, reply } from './wire.ts'

const address = { host: 'zk1', port: 2181 }
const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

class HandConnection implements Connection {
  readonly remote = address
  readonly local = address
  readonly queuedBytes = 0
  sentCount = 0
  ended: string | undefined
  onData: (bytes: Uint8Array) => void = () => {}
  onDrain = (): void => {}
  onClose: (cause: CloseCause) => void = () => {}

  send(): boolean {
    this.sentCount++
    return true
  }

  pause(): void {}

  resume(): void {}

  close(): void {
    this.ended = 'closed'
  }

  destroy(): void {
    this.ended = 'destroyed'
  }
}

interface Attempt {
  readonly options: ConnectOptions
  accept(): HandConnection
}

class HandRuntime {
  readonly attempts: Attempt[] = []
  readonly timers: { atMs: number; run: () => void }[] = []
  nowMs = 0
  readonly random = plainRandom
  readonly logged: string[] = []
  readonly logger = {
    ...silentLogger,
    info: (_fields: object, text: string) => void this.logged.push(text),
  }
  readonly clock: Clock = {
    now: () => this.nowMs,
    wallTime: () => this.nowMs,
    after: (delayMs, run) => {
      const timer = { atMs: this.nowMs + delayMs, run }
      this.timers.push(timer)
      return () => void this.timers.splice(this.timers.indexOf(timer) >>> 0, 1)
    },
    every: () => () => {},
  }
  readonly network = {
    connect: (_to: unknown, options: ConnectOptions): Promise<Connection> => {
      return new Promise(resolve => {
        const accept = (): HandConnection => {
          const connection = new HandConnection()
          resolve(connection)
          return connection
        }
        this.attempts.push({ options, accept })
      })
    },
    listen: () => Promise.reject(new Error('a client never listens')),
    resolve: () => Promise.resolve([]),
    reverse: () => Promise.resolve(''),
  }

  ring(atMs: number): void {
    this.nowMs = atMs
    for (const timer of this.timers.splice(0)) {
      if (timer.atMs <= atMs) timer.run()
      else this.timers.push(timer)
    }
  }
}

function start(states: SessionState[] = []): { runtime: HandRuntime; zk: ZooKeeper } {
  const runtime = new HandRuntime()
  const onState = (state: SessionState): void => void states.push(state)
  const options = { connectString: 'zk1:2181', sessionTimeoutMs: 6_000, onState }
  return { runtime, zk: new ZooKeeper({ runtime, ...options }) }
}

test('a link that comes after its attempt was given up is destroyed, unheard', async () => {
  const { runtime, zk } = start()
  runtime.ring(6_000)
  runtime.ring(6_010)
  expect(runtime.attempts[0]?.options.signal?.aborted).toBe(true)
  const late = runtime.attempts[0]?.accept()
  await turn()
  expect([late?.ended, late?.sentCount]).toEqual(['destroyed', 0])
  late?.onData(grant())
  expect(zk.state).toBe('connecting')
})

test('a reply function that throws surfaces, and the calls behind it still come', async () => {
  const { runtime, zk } = start()
  const link = runtime.attempts[0]?.accept()
  await turn()
  link?.onData(grant())
  const calls: string[] = []
  zk.submit({ kind: 'delete', path: '/1' }, () => {
    throw new Error('mine')
  })
  zk.submit({ kind: 'delete', path: '/2' }, error => calls.push(error?.codeName ?? 'ok'))
  const bytes = Buffer.concat([reply(1), reply(2, { err: ErrorCode.notEmpty })])
  expect(() => link?.onData(bytes)).toThrow('mine')
  expect(calls).toEqual([])
  await turn()
  expect(calls).toEqual(['notEmpty'])
})

test('a reply never comes from inside the call that asked', async () => {
  const { zk } = start()
  const calls: string[] = []
  zk.submit({ kind: 'delete', path: 'wrong' }, error => calls.push(error?.codeName ?? 'ok'))
  expect(calls).toEqual([])
  await turn()
  expect(calls).toEqual(['badArguments'])
})

test('a link left in peace is flushed, a broken one is destroyed', async () => {
  for (const [leave, ended] of [
    [(zk: ZooKeeper) => void zk.detach(), 'closed'],
    [(_zk: ZooKeeper, link: HandConnection) => link.onData(Buffer.alloc(4, 0xff)), 'destroyed'],
  ] as const) {
    const { runtime, zk } = start()
    const link = runtime.attempts[0]?.accept() as HandConnection
    await turn()
    link.onData(grant())
    leave(zk, link)
    expect(link.ended).toBe(ended)
  }
})

test('the log tells a session left standing from one that was closed', async () => {
  const { runtime, zk } = start()
  const link = runtime.attempts[0]?.accept()
  await turn()
  link?.onData(grant())
  zk.detach()
  await turn()
  expect(runtime.logged).toEqual(['session connected', 'connection dropped, the session lives on'])
  const never = start()
  never.zk.detach()
  await turn()
  expect(never.runtime.logged).toEqual(['session closed'])
})

test('requests do not arm a timer each', async () => {
  const { runtime, zk } = start()
  const link = runtime.attempts[0]?.accept()
  await turn()
  link?.onData(grant())
  for (let i = 0; i < 100; i++) zk.submit({ kind: 'delete', path: '/a' }, () => {})
  expect(runtime.timers.length).toBe(1)
  zk.detach()
  expect(runtime.timers.length).toBe(0)
})

test('an option that cannot be is refused at once', () => {
  const runtime = new HandRuntime()
  const make = (sessionTimeoutMs: number, connectString = 'a:1') => {
    return () => new ZooKeeper({ runtime, connectString, sessionTimeoutMs })
  }
  expect(make(0)).toThrow('sessionTimeoutMs is 0; expected a number of milliseconds above 0')
  expect(make(1_000, '')).toThrow('names no server')
})
