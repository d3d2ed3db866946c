import { afterEach, describe, expect, test } from 'vitest'
import { createNodeRuntime } from '@baton/runtime/node'
import type { Address, CloseCause, Connection } from '@baton/runtime'
import { implement, IpcClient, IpcServer, ServiceException } from '../../src/ipc/index.ts'
import { HAServiceProtocol } from '../../src/protocol/index.ts'

const runtime = createNodeRuntime()
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function server(): Promise<Address> {
  const server = new IpcServer(runtime, { address: { host: '127.0.0.1', port: 0 } })
  server.register(HAServiceProtocol.name, {
    getServiceStatus: implement(HAServiceProtocol.getServiceStatus, () => ({
      state: 'standby' as const,
      readyToBecomeActive: true,
    })),
    monitorHealth: implement(HAServiceProtocol.monitorHealth, () => {
      throw new ServiceException('org.apache.hadoop.ha.HealthCheckFailedException', 'no space')
    }),
  })
  closers.push(() => server.close())
  return server.listen()
}

function client(): IpcClient {
  const client = new IpcClient(runtime, { user: 'hdfs' })
  closers.push(() => client.close())
  return client
}

describe('client and server of Hadoop RPC over real sockets', () => {
  test('a call gets its answer, an error keeps its Java class', async () => {
    const address = await server()
    const caller = client()
    const options = { rpcTimeoutMs: 5_000 }
    expect(await caller.call(address, HAServiceProtocol.getServiceStatus, {}, options)).toEqual({
      state: 'standby',
      readyToBecomeActive: true,
    })
    await expect(
      caller.call(address, HAServiceProtocol.monitorHealth, {}, options),
    ).rejects.toMatchObject({
      className: 'org.apache.hadoop.ha.HealthCheckFailedException',
      message: 'no space',
      errorDetail: 1,
      fatal: false,
    })
  })

  test('the end of a link is known at once, and fails the call that waits', async () => {
    const links: Connection[] = []
    const listener = await runtime.network.listen({ host: '127.0.0.1', port: 0 }, link => {
      link.onData = () => {}
      links.push(link)
    })
    closers.push(() => listener.close())
    const caller = client()
    for (const [end, kind] of [
      [(link: Connection) => link.close(), 'end'],
      [(link: Connection) => link.destroy(), 'reset'],
    ] as const) {
      const options = { connectTimeoutMs: 5_000 }
      const connection = await caller.open(listener.address, HAServiceProtocol.name, options)
      const ended = new Promise<CloseCause>(resolve => {
        connection.onClose = resolve
      })
      const { monitorHealth } = HAServiceProtocol
      const call = connection.call(monitorHealth, {}, { rpcTimeoutMs: 60_000 })
      call.catch(() => {})
      while (links.length === 0) await new Promise(setImmediate)
      for (const link of links.splice(0)) end(link)
      expect((await ended).kind).toBe(kind)
      await expect(call).rejects.toMatchObject({ code: kind === 'end' ? 'closed' : 'reset' })
    }
  })

  test('an address where nothing listens is refused at once', async () => {
    const probe = await runtime.network.listen({ host: '127.0.0.1', port: 0 }, () => {})
    await probe.close()
    await expect(
      client().call(probe.address, HAServiceProtocol.monitorHealth, {}, { rpcTimeoutMs: 0 }),
    ).rejects.toMatchObject({ code: 'refused', address: probe.address })
  })
})
