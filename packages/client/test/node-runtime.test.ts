/** The same driver on real sockets of the loopback. */
import { GetDataResponse } from '@baton/jute'
import { createNodeRuntime } from '@baton/runtime/node'
import { afterEach, expect, test } from 'vitest'
import { ZooKeeper } from '../src/index.ts'
import type { SessionState } from '../src/index.ts'
import { FakeServer } from './fake-server.ts'
import { reply, STAT } from './wire.ts'

const runtime = createNodeRuntime()
const undo: (() => unknown)[] = []

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

interface Stage {
  readonly server: FakeServer
  readonly zk: ZooKeeper
  readonly states: SessionState[]
  reached(state: SessionState): Promise<void>
}

async function stage(timeoutMs = 6_000): Promise<Stage> {
  const server = new FakeServer()
  server.timeoutMs = timeoutMs
  const { port } = await server.listen(runtime.network, { host: '127.0.0.1', port: 0 })
  undo.push(() => server.stop())
  const states: SessionState[] = []
  let wake = (): void => {}
  const zk = new ZooKeeper({
    runtime,
    connectString: `127.0.0.1:${port}`,
    sessionTimeoutMs: 6_000,
    closeTimeoutMs: 500,
    onState: state => {
      states.push(state)
      wake()
    },
  })
  undo.push(() => zk.close())
  const reached = async (state: SessionState): Promise<void> => {
    while (states.at(-1) !== state) await new Promise<void>(resolve => (wake = resolve))
  }
  return { server, zk, states, reached }
}

test('a thousand requests in one turn come back in order', async () => {
  const { server, zk } = await stage()
  server.onRequest = ({ xid, link }) => {
    const body = [GetDataResponse, { data: Buffer.from(`${xid}`), stat: STAT }] as const
    link.send(reply(xid, { body, zxid: xid }))
  }
  const asked = Array.from({ length: 1_000 }, () => zk.getData('/a'))
  const found = (await Promise.all(asked)).map(({ data }) => Buffer.from(data ?? []).toString())
  expect(found).toEqual(asked.map((_, i) => `${i + 1}`))
})

test('a link that breaks is taken up again, and the session is the same', async () => {
  const { server, zk, states, reached } = await stage()
  await reached('connected')
  const id = zk.session?.id
  server.cut()
  await reached('disconnected')
  await reached('connected')
  expect(states).toEqual(['connected', 'disconnected', 'connected'])
  expect(zk.session?.id).toBe(id)
})

test('a turn of the event loop longer than the time-out is no silence', async () => {
  const { zk, states, reached } = await stage(300)
  await reached('connected')
  for (let i = 0; i < 3; i++) {
    const untilMs = runtime.clock.now() + 400
    while (runtime.clock.now() < untilMs);
    await zk.ping()
  }
  expect(states).toEqual(['connected'])
})

test('detaching frees the program: nothing of the client stays behind', async () => {
  const { server, zk, reached } = await stage()
  await reached('connected')
  const session = zk.detach()
  await reached('closed')
  expect(session?.id).toBe(zk.session?.id)
  expect(server.log).not.toContain('closeSession')
  await expect(zk.exists('/')).rejects.toThrow('the client has ended (closed); make a new one')
})
