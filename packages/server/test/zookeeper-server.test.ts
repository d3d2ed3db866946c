import * as jute from '@baton/jute'
import { CreateMode, decode, ErrorCode, OpCode } from '@baton/jute'
import { describe, expect, test } from 'vitest'
import { create, path, read, remove, setData } from './support/pipeline-world.ts'
import type { RawClient } from './support/raw-client.ts'
import { withServer } from './support/server-world.ts'

async function exists(client: RawClient, name: string): Promise<number> {
  return (await client.call(OpCode.exists, read(name))).err
}

describe('a client', () => {
  test('connects, creates and reads; zxids start at 1 with its session', () =>
    withServer(async world => {
      const client = await world.session()
      expect(client.sessionId >> 56n).toBe(1n)
      const made = await client.call(OpCode.create, create('/a'))
      expect(made).toMatchObject({ xid: 1, zxid: 2, err: 0 })
      const got = await client.call(OpCode.getData, read('/a'))
      expect(decode(jute.GetDataResponse, got.body)).toMatchObject({
        data: Buffer.from('x'),
        stat: { czxid: 2, mzxid: 2, version: 0, numChildren: 0, dataLength: 1 },
      })
      expect(await client.call(OpCode.ping, undefined, -2)).toMatchObject({ xid: -2, zxid: 2 })
    }))

  test('of before 3.4 gets a response without the read-only byte', () =>
    withServer(async world => {
      const client = await world.open()
      expect(await client.connect({ readOnlyByte: false })).toBe(36)
      expect(await (await world.open()).connect()).toBe(37)
    }))

  test('may pipeline requests behind its connect request', () =>
    withServer(async world => {
      const client = await world.open()
      const connected = client.connect()
      client.send(OpCode.create, create('/a'), 1)
      client.send(OpCode.exists, read('/a'), 2)
      await connected
      expect(await client.reply()).toMatchObject({ xid: 1, err: 0 })
      expect(await client.reply()).toMatchObject({ xid: 2, err: 0 })
    }))

  test('may send its bytes one at a time', () =>
    withServer(async world => {
      const client = await world.open()
      const bytes = client.connection.send.bind(client.connection)
      client.connection.send = chunk => {
        for (const byte of chunk) bytes(Uint8Array.of(byte))
        return true
      }
      await client.connect()
      expect((await client.call(OpCode.create, create('/a'))).err).toBe(0)
    }))

  test('gets its replies in the order of its requests', () =>
    withServer(async world => {
      const client = await world.session()
      for (let xid = 1; xid <= 300; xid++) {
        if (xid % 3 === 0) client.send(OpCode.getData, read('/'), xid)
        else client.send(OpCode.create, create('/n-', CreateMode.persistentSequential), xid)
      }
      for (let xid = 1; xid <= 300; xid++) expect((await client.reply()).xid).toBe(xid)
    }))

  test('that closes its session gets a reply, then the end; what follows is dropped', () =>
    withServer(async world => {
      const client = await world.session()
      await client.call(OpCode.create, create('/e', CreateMode.ephemeral))
      client.send(OpCode.closeSession, undefined, 8)
      client.send(OpCode.create, create('/late'), 9)
      expect(await client.reply()).toMatchObject({ xid: 8, err: 0 })
      expect(await client.replyOrEnd()).toBeUndefined()
      const other = await world.session()
      expect(await exists(other, '/e')).toBe(ErrorCode.noNode)
      expect(await exists(other, '/late')).toBe(ErrorCode.noNode)
    }))

  test('that has seen a zxid ahead of the server is closed without an answer', () =>
    withServer(async world => {
      const client = await world.open()
      expect(await client.connect({ lastZxidSeen: 1000 })).toBe(0)
    }))
})

describe('a session', () => {
  test('time-out is clamped between 2 and 20 ticks', () =>
    withServer(async world => {
      expect((await world.session({ timeoutMs: 1 })).timeoutMs).toBe(2000)
      expect((await world.session({ timeoutMs: 9_000_000 })).timeoutMs).toBe(20_000)
      expect((await world.session({ timeoutMs: -5 })).timeoutMs).toBe(2000)
    }))

  test('is found again with its password, and its old connection is closed', () =>
    withServer(async world => {
      const first = await world.session()
      await first.call(OpCode.create, create('/e', CreateMode.ephemeral))
      const second = await world.session({ sessionId: first.sessionId, password: first.password })
      expect(second.sessionId).toBe(first.sessionId)
      await first.whenClosed()
      expect(await exists(second, '/e')).toBe(ErrorCode.ok)
    }))

  test('with a wrong password is answered as expired, and its owner is not disturbed', () =>
    withServer(async world => {
      const owner = await world.session()
      const thief = await world.open()
      await thief.connect({ sessionId: owner.sessionId, password: Buffer.alloc(16, 1) })
      expect([thief.timeoutMs, thief.sessionId]).toEqual([0, 0n])
      expect(thief.password).toEqual(Buffer.alloc(16))
      await thief.whenClosed()
      expect(await exists(owner, '/')).toBe(ErrorCode.ok)
    }))

  test('that nobody knows is answered as expired', () =>
    withServer(async world => {
      const client = await world.session({ sessionId: 0x1234n, password: Buffer.alloc(16, 1) })
      expect(client.timeoutMs).toBe(0)
      await client.whenClosed()
    }))

  test('expires after its time-out and at most one tick more; its ephemerals go', () =>
    withServer(async world => {
      const watcher = await world.session({ timeoutMs: 20_000 })
      const silent = await world.session({ timeoutMs: 4000 })
      await silent.call(OpCode.create, create('/e', CreateMode.ephemeral))
      const begun = world.client.clock.now()
      await watcher.call(OpCode.exists, read('/e', true))
      const event = await watcher.reply()
      expect(event).toMatchObject({ xid: -1, err: 0 })
      const tookMs = world.client.clock.now() - begun
      expect(tookMs).toBeGreaterThanOrEqual(3900)
      expect(tookMs).toBeLessThanOrEqual(5200)
      await silent.whenClosed()
      const again = await world.session(silent)
      expect(again.timeoutMs).toBe(0)
    }))

  test('lives on while it pings', () =>
    withServer(async world => {
      const client = await world.session({ timeoutMs: 4000 })
      for (let i = 0; i < 10; i++) {
        await world.sleep(2000)
        await client.call(OpCode.ping, undefined, -2)
      }
      expect(await exists(client, '/')).toBe(ErrorCode.ok)
    }))

  test('is not expired because the server itself was stopped for a while', () =>
    withServer(async world => {
      const client = await world.session({ timeoutMs: 4000 })
      world.server?.pause()
      client.send(OpCode.ping, undefined, -2)
      await world.sleep(30_000)
      world.server?.resume()
      expect((await client.reply()).xid).toBe(-2)
      expect(await exists(client, '/')).toBe(ErrorCode.ok)
    }))

  test('survives a kill of the server, with its ephemerals, and is found again', () =>
    withServer(async world => {
      const client = await world.session()
      await client.call(OpCode.create, create('/e', CreateMode.ephemeral))
      world.kill()
      await client.whenClosed()
      await world.start()
      const again = await world.session(client)
      expect(again.sessionId).toBe(client.sessionId)
      expect(await exists(again, '/e')).toBe(ErrorCode.ok)
      const fresh = await world.session()
      expect(fresh.sessionId).not.toBe(client.sessionId)
    }))
})

describe('a connection', () => {
  test('without a connect request is closed after the session-less time-out', () =>
    withServer(async world => {
      const begun = world.client.clock.now()
      const client = await world.open()
      await client.whenClosed()
      expect(world.client.clock.now() - begun).toBeGreaterThanOrEqual(9_900)
    }))

  test('beyond maxClientCnxns of one address is closed', () =>
    withServer(
      async world => {
        const first = await world.session()
        await world.session()
        const third = await world.open()
        await third.whenClosed()
        expect(await exists(first, '/')).toBe(ErrorCode.ok)
      },
      { config: 'maxClientCnxns=2' },
    ))

  test('with a frame above the limit, or below zero, is closed', () =>
    withServer(async world => {
      for (const length of [0x100000, 0x7fffffff, -1, -2147483648]) {
        const client = await world.session()
        const bytes = Buffer.alloc(4)
        bytes.writeInt32BE(length)
        client.raw(bytes)
        await client.whenClosed()
      }
      expect(await exists(await world.session(), '/')).toBe(ErrorCode.ok)
    }))

  test('is read no further while too much is outstanding, and loses nothing', () =>
    withServer(
      async world => {
        const client = await world.session()
        for (let xid = 1; xid <= 500; xid++) client.send(OpCode.setData, setData('/', 'x'), xid)
        for (let xid = 1; xid <= 500; xid++) {
          expect(await client.reply()).toMatchObject({ xid, err: 0 })
        }
      },
      { config: 'globalOutstandingLimit=10' },
    ))

  test('that does not read its replies is not allowed to fill the memory', () =>
    withServer(async world => {
      const client = await world.session()
      const data = 'x'.repeat(500_000)
      await client.call(OpCode.setData, setData('/', data))
      client.connection.pause()
      for (let xid = 100; xid < 200; xid++) client.send(OpCode.getData, read('/'), xid)
      await world.sleep(5000)
      client.connection.resume()
      for (let xid = 100; xid < 200; xid++) expect((await client.reply()).xid).toBe(xid)
    }))

  test('that authenticates wrongly is told so and closed', () =>
    withServer(async world => {
      const client = await world.session()
      const packet = { type: 0, scheme: 'none-such', auth: Buffer.from('u:p') }
      const reply = await client.call(OpCode.auth, jute.encode(jute.AuthPacket, packet), -4)
      expect(reply).toMatchObject({ xid: -4, zxid: 0, err: ErrorCode.authFailed })
      await client.whenClosed()
    }))

  test('gains the id it authenticated with, and may then do what the ACL keeps from others', () =>
    withServer(async world => {
      const [owner, other] = [await world.session(), await world.session()]
      const packet = { type: 0, scheme: 'digest', auth: Buffer.from('u:p') }
      const auth = jute.encode(jute.AuthPacket, packet)
      expect(await owner.call(OpCode.auth, auth, -4)).toMatchObject({ zxid: 0, err: 0 })
      await owner.call(OpCode.create, create('/mine', 0, jute.CREATOR_ALL_ACL))
      expect((await other.call(OpCode.getData, read('/mine'))).err).toBe(ErrorCode.noAuth)
      expect((await other.call(OpCode.getACL, path('/mine'))).err).toBe(ErrorCode.noAuth)
      await other.call(OpCode.auth, auth, -4)
      expect((await other.call(OpCode.getData, read('/mine'))).err).toBe(ErrorCode.ok)
    }))
})

describe('the disk', () => {
  test('keeps every acknowledged write over a power loss', () =>
    withServer(async world => {
      const client = await world.session()
      for (let i = 0; i < 20; i++) {
        expect((await client.call(OpCode.create, create(`/n${i}`))).err).toBe(0)
      }
      for (let i = 20; i < 40; i++) client.send(OpCode.create, create(`/n${i}`))
      world.sim.host('server').crash()
      world.sim.host('server').restart()
      await world.start()
      expect(world.startError).toBeUndefined()
      const after = await world.session()
      for (let i = 0; i < 20; i++) expect(await exists(after, `/n${i}`)).toBe(ErrorCode.ok)
    }))

  test.each(['ENOSPC', 'EIO'])('that fails with %s stops the server; nothing is answered', code =>
    withServer(async world => {
      const client = await world.session()
      await client.call(OpCode.create, create('/kept'))
      world.sim.host('server').disk.fail({ code, kinds: ['sync'] })
      client.send(OpCode.create, create('/lost'))
      expect(await client.replyOrEnd()).toBeUndefined()
      await world.sleep(1000)
      expect(world.end?.error?.message).toContain(code)
    }),
  )

  test('is refused to a second server', () =>
    withServer(async world => {
      const first = world.server
      await world.start()
      expect(world.startError?.message).toContain('locked')
      expect(first?.alive).toBe(true)
    }))

  test('is closed by stop, and the sessions live on', () =>
    withServer(async world => {
      const client = await world.session()
      await client.call(OpCode.create, create('/e', CreateMode.ephemeral))
      await world.zk?.stop()
      expect(world.end).toEqual({ error: undefined })
      await world.start()
      expect(await exists(await world.session(client), '/e')).toBe(ErrorCode.ok)
    }))
})

describe('containers', () => {
  test('are deleted once they had a child and have none any more', () =>
    withServer(
      async world => {
        const client = await world.session({ timeoutMs: 20_000 })
        const container = create('/c', CreateMode.container)
        await client.call(OpCode.createContainer, container)
        await client.call(OpCode.createContainer, create('/unused', CreateMode.container))
        await client.call(OpCode.create, create('/c/child'))
        await world.sleep(3000)
        expect(await exists(client, '/c')).toBe(ErrorCode.ok)
        await client.call(OpCode.delete, remove('/c/child'))
        await world.sleep(3000)
        expect(await exists(client, '/c')).toBe(ErrorCode.noNode)
        expect(await exists(client, '/unused')).toBe(ErrorCode.ok)
      },
      { config: 'znode.container.checkIntervalMs=1000' },
    ))
})

test('a TTL znode goes once it was not written to for its time, not before', () =>
  withServer(
    async world => {
      const client = await world.session({ timeoutMs: 20_000 })
      const made = { path: '/t', data: null, acl: jute.OPEN_ACL_UNSAFE, flags: 5, ttl: 5000 }
      await client.call(OpCode.createTTL, jute.encode(jute.CreateTTLRequest, made))
      await world.sleep(4000)
      await client.call(OpCode.setData, setData('/t', 'again'))
      await world.sleep(4000)
      expect(await exists(client, '/t')).toBe(ErrorCode.ok)
      await world.sleep(3000)
      expect(await exists(client, '/t')).toBe(ErrorCode.noNode)
    },
    { config: 'znode.container.checkIntervalMs=1000\nextendedTypesEnabled=true' },
  ))

describe('four-letter words', () => {
  test('are answered on the client port, then the connection is closed', () =>
    withServer(async world => {
      expect(await world.word('ruok')).toBe('imok')
      expect(await world.word('isro\r\n')).toBe('rw')
      const stat = await world.word('srvr')
      expect(stat).toMatch(
        /^Zookeeper version: 3\.9\.5-\S+, built on .*\nLatency min\/avg\/max: 0\/0\.0\/0\nRec/,
      )
      expect(stat).toContain('\nMode: standalone\nNode count: 5\n')
      expect(await world.word('mntr')).toContain('zk_server_state\tstandalone\n')
      expect(await world.word('conf')).toContain('tickTime=1000\n')
    }))

  test('outside of the whitelist are refused with the text that monitors know', () =>
    withServer(
      async world => {
        expect(await world.word('stat')).toBe(
          'stat is not executed because it is not in the whitelist.\n',
        )
        expect(await world.word('srvr')).toContain('Mode: standalone')
      },
      { config: '4lw.commands.whitelist=srvr' },
    ))
})
