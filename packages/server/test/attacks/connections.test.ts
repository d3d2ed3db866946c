/** Connections that end, stall or ask for much at a bad moment. */
import { AuthPacket, encode, ErrorCode, OpCode } from '@baton/jute'
import { expect, test } from 'vitest'
import { create, read, setData } from '../support/pipeline-world.ts'
import { withServer, type ServerWorld } from '../support/server-world.ts'

async function counter(world: ServerWorld, name: string): Promise<number> {
  const line = (await world.word('mntr')).split('\n').find(row => row.startsWith(`zk_${name}\t`))
  return Number(line?.split('\t')[1])
}

function slowSync(world: ServerWorld, ms: number): void {
  world.sim.host('server').disk.setLatency({ minMs: 1, maxMs: 1, syncMinMs: ms, syncMaxMs: ms })
}

test('a read that waited for a write leaves no watch for a connection that is gone', () =>
  withServer(async world => {
    const stays = await world.session()
    slowSync(world, 500)
    const client = await world.session()
    client.send(OpCode.create, create('/a'))
    client.send(OpCode.getData, read('/a', true))
    client.send(OpCode.exists, read('/none', true))
    client.send(OpCode.getChildren, read('/a', true))
    await world.sleep(100)
    client.close()
    await world.sleep(3000)
    expect((await stays.call(OpCode.exists, read('/a'))).err).toBe(ErrorCode.ok)
    expect(await counter(world, 'watch_count')).toBe(0)
  }))

test('large writes that wait for a slow disk are bounded by bytes, and all are answered', () =>
  withServer(async world => {
    const client = await world.session({ timeoutMs: 20_000 })
    slowSync(world, 10_000)
    const data = 'x'.repeat(1_000_000)
    for (let xid = 1; xid <= 200; xid++) client.send(OpCode.setData, setData('/', data), xid)
    await world.sleep(5000)
    expect(await counter(world, 'outstanding_requests')).toBeGreaterThan(20)
    expect(await counter(world, 'outstanding_requests')).toBeLessThan(100)
    slowSync(world, 10)
    for (let xid = 1; xid <= 200; xid++) expect(await client.reply()).toMatchObject({ xid, err: 0 })
  }))

test('large reads that waited for a write are answered, however much they come to', () =>
  withServer(
    async world => {
      const client = await world.session()
      await client.call(OpCode.setData, setData('/', 'x'.repeat(100_000)))
      slowSync(world, 1000)
      client.send(OpCode.create, create('/a'), 1)
      for (let xid = 2; xid <= 60; xid++) client.send(OpCode.getData, read('/'), xid)
      for (let xid = 1; xid <= 60; xid++) expect((await client.reply()).xid).toBe(xid)
    },
    { config: 'baton.server.outputQueueBytesMax=1048576' },
  ))

test('a session is not expired while its server, held up by the disk, does not read it', () =>
  withServer(
    async world => {
      const [client, gone] = [await world.session(), await world.session()]
      slowSync(world, 30_000)
      const stop = world.client.clock.every(1000, () => client.send(OpCode.ping, undefined, -2))
      for (let xid = 1; xid <= 4; xid++) client.send(OpCode.setData, setData('/', 'x'), xid)
      for (let xid = 1; xid <= 4; xid++) gone.send(OpCode.setData, setData('/', 'y'), xid)
      await world.sleep(25_000)
      slowSync(world, 10)
      gone.close()
      const xids: number[] = []
      while (xids.length < 4) {
        const { xid } = await client.reply()
        if (xid > 0) xids.push(xid)
      }
      expect(xids).toEqual([1, 2, 3, 4])
      expect(await counter(world, 'stale_sessions_expired')).toBe(0)
      await world.sleep(12_000)
      expect(await counter(world, 'stale_sessions_expired')).toBe(1)
      stop()
    },
    { config: 'globalOutstandingLimit=2' },
  ))

test('a connection cannot gather identities without end', () =>
  withServer(async world => {
    const client = await world.session()
    for (let i = 0; i < 300; i++) {
      const packet = { type: 0, scheme: 'digest', auth: Buffer.from(`user${i}:p`) }
      client.send(OpCode.auth, encode(AuthPacket, packet), -4)
    }
    const codes: number[] = []
    for (let reply = await client.replyOrEnd(); reply; reply = await client.replyOrEnd()) {
      codes.push(reply.err)
    }
    // Its address is the first of 256.
    expect(codes.indexOf(ErrorCode.authFailed)).toBe(255)
    expect(codes.length).toBe(256)
  }))

test.each([OpCode.exists, OpCode.getData, OpCode.getChildren])(
  'a connection that ends takes its watches along (operation %d)',
  operation =>
    withServer(async world => {
      const client = await world.session()
      await client.call(operation, read('/', true))
      expect(await counter(world, 'watch_count')).toBe(1)
      client.close()
      await world.sleep(100)
      expect(await counter(world, 'watch_count')).toBe(0)
    }),
)
