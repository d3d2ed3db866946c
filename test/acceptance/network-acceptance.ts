import type { Connection, Listener, Runtime } from '@baton/runtime'
import { expect, test } from 'vitest'
import { elapse, inWorld, Recorder, rejectionCode, type MakeWorld } from './world.ts'

const ANY_PORT = { host: '127.0.0.1', port: 0 }
const TIMEOUT = { timeoutMs: 5_000 }

interface Pair {
  readonly listener: Listener
  readonly client: Connection
  readonly server: Connection
}

/** A link over loopback; the handlers of its ends are not yet set. */
async function makePair(runtime: Runtime): Promise<Pair> {
  let accepted: (connection: Connection) => void
  const server = new Promise<Connection>(resolve => {
    accepted = resolve
  })
  const listener = await runtime.network.listen(ANY_PORT, connection => accepted(connection))
  const client = await runtime.network.connect(listener.address, TIMEOUT)
  return { listener, client, server: await server }
}

function numbers(count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, at) => at % 251)
}

export function networkAcceptance(make: MakeWorld): void {
  dataAcceptance(make)
  closeAcceptance(make)
  connectAcceptance(make)
}

function dataAcceptance(make: MakeWorld): void {
  test('bytes arrive whole and in order, both ways', () =>
    inWorld(make, async runtime => {
      const { listener, client, server } = await makePair(runtime)
      const atServer = new Recorder(server)
      const atClient = new Recorder(client)
      const sent = numbers(5_000)
      for (let at = 0; at < sent.length; at += 100) client.send(sent.slice(at, at + 100))
      client.send(new Uint8Array())
      server.send(Uint8Array.of(7, 8))
      expect(await atServer.until(sent.length)).toEqual([...sent])
      expect(await atClient.until(2)).toEqual([7, 8])
      client.close()
      await listener.close()
    }))

  test('data that came before the handlers were set is kept for them', () =>
    inWorld(make, async runtime => {
      const { listener, client, server } = await makePair(runtime)
      client.send(Uint8Array.of(1, 2, 3))
      client.close()
      await elapse(runtime, 30)
      const atServer = new Recorder(server)
      expect(await atServer.until(3)).toEqual([1, 2, 3])
      expect((await atServer.closed).kind).toBe('end')
      await listener.close()
    }))

  test('send answers false above the mark, and onDrain tells when to go on', () =>
    inWorld(make, async runtime => {
      const { listener, client, server } = await makePair(runtime)
      const atClient = new Recorder(client)
      server.onData = () => {}
      server.pause()
      const chunk = new Uint8Array(256 * 1024)
      let sentCount = 0
      let goOn = true
      while (goOn && sentCount < 64) {
        goOn = client.send(chunk)
        sentCount++
      }
      expect(goOn).toBe(false)
      expect(client.queuedBytes).toBeGreaterThan(0)
      let receivedBytes = 0
      const all = new Promise<void>(resolve => {
        server.onData = bytes => {
          receivedBytes += bytes.length
          if (receivedBytes === sentCount * chunk.length) resolve()
        }
      })
      server.resume()
      await all
      await elapse(runtime, 20)
      expect(atClient.drainCount).toBeGreaterThan(0)
      expect(client.queuedBytes).toBe(0)
      client.close()
      await listener.close()
    }))

  test('a sender that ignores the mark loses its link at the bound of the queue', () =>
    inWorld(make, async runtime => {
      const { listener, client, server } = await makePair(runtime)
      const atServer = new Recorder(server)
      const atClient = new Recorder(client)
      server.pause()
      const chunk = new Uint8Array(16 * 1024 * 1024)
      for (let count = 0; count < 18; count++) client.send(chunk)
      const cause = await atClient.closed
      expect(cause).toEqual({ kind: 'reset', reason: 'the send queue passed its bound' })
      server.destroy()
      await atServer.closed
      await listener.close()
    }))

  test('a paused connection hands over nothing until it is resumed', () =>
    inWorld(make, async runtime => {
      const { listener, client, server } = await makePair(runtime)
      const atServer = new Recorder(server)
      server.pause()
      client.send(Uint8Array.of(9))
      await elapse(runtime, 30)
      expect(atServer.bytes).toEqual([])
      server.resume()
      expect(await atServer.until(1)).toEqual([9])
      client.close()
      await listener.close()
    }))
}

function closeAcceptance(make: MakeWorld): void {
  test('close sends what is queued, then the peer sees the end', () =>
    inWorld(make, async runtime => {
      const { listener, client, server } = await makePair(runtime)
      const atServer = new Recorder(server)
      const atClient = new Recorder(client)
      const sent = numbers(300_000)
      client.send(sent)
      client.close('done')
      expect(await atClient.closed).toEqual({ kind: 'local', reason: 'done' })
      expect((await atServer.closed).kind).toBe('end')
      expect(atServer.bytes).toHaveLength(sent.length)
      expect(client.send(Uint8Array.of(1))).toBe(false)
      await listener.close()
    }))

  test('destroy shows as a reset at the peer and as local here', () =>
    inWorld(make, async runtime => {
      const { listener, client, server } = await makePair(runtime)
      const atServer = new Recorder(server)
      const atClient = new Recorder(client)
      client.destroy('enough')
      expect(await atClient.closed).toEqual({ kind: 'local', reason: 'enough' })
      expect((await atServer.closed).kind).toBe('reset')
      await listener.close()
    }))

  test('onClose comes exactly once and nothing comes after it', () =>
    inWorld(make, async runtime => {
      const { listener, client, server } = await makePair(runtime)
      const atServer = new Recorder(server)
      const atClient = new Recorder(client)
      client.close()
      server.send(Uint8Array.of(1, 2))
      server.close()
      client.close()
      client.destroy()
      await atServer.closed
      await elapse(runtime, 30)
      expect(atServer.causes).toHaveLength(1)
      expect(atClient.causes).toHaveLength(1)
      expect(atClient.bytes).toEqual([])
      await listener.close()
    }))

  test('onClose is never called inside the call that closes', () =>
    inWorld(make, async runtime => {
      const { listener, client, server } = await makePair(runtime)
      const atServer = new Recorder(server)
      const atClient = new Recorder(client)
      client.close()
      expect(atClient.causes).toEqual([])
      await Promise.all([atClient.closed, atServer.closed])
      await listener.close()
    }))

  test('a closed listener refuses, and its accepted links live on', () =>
    inWorld(make, async runtime => {
      const { listener, client, server } = await makePair(runtime)
      const atServer = new Recorder(server)
      await listener.close()
      expect(await rejectionCode(runtime.network.connect(listener.address, TIMEOUT))).toBe(
        'ECONNREFUSED',
      )
      client.send(Uint8Array.of(4))
      expect(await atServer.until(1)).toEqual([4])
      client.close()
      await atServer.closed
    }))
}

function connectAcceptance(make: MakeWorld): void {
  test('port 0 binds a free port and says which', () =>
    inWorld(make, async runtime => {
      const first = await runtime.network.listen(ANY_PORT, () => {})
      const second = await runtime.network.listen(ANY_PORT, () => {})
      expect(first.address.port).toBeGreaterThan(0)
      expect(first.address.port).not.toBe(second.address.port)
      await first.close()
      await second.close()
    }))

  test('a port in use is refused with EADDRINUSE', () =>
    inWorld(make, async runtime => {
      const listener = await runtime.network.listen(ANY_PORT, () => {})
      expect(await rejectionCode(runtime.network.listen(listener.address, () => {}))).toBe(
        'EADDRINUSE',
      )
      await listener.close()
      const again = await runtime.network.listen(listener.address, () => {})
      await again.close()
    }))

  test('an address of another host is refused with EADDRNOTAVAIL', () =>
    inWorld(make, async runtime => {
      const elsewhere = { host: '192.0.2.1', port: 0 }
      expect(await rejectionCode(runtime.network.listen(elsewhere, () => {}))).toBe('EADDRNOTAVAIL')
    }))

  test('an aborted connect rejects with ABORTED, before and during', () =>
    inWorld(make, async runtime => {
      const listener = await runtime.network.listen(ANY_PORT, connection => {
        connection.destroy()
      })
      const abort = new AbortController()
      const options = { ...TIMEOUT, signal: abort.signal }
      const during = runtime.network.connect(listener.address, options)
      abort.abort()
      expect(await rejectionCode(during)).toBe('ABORTED')
      expect(await rejectionCode(runtime.network.connect(listener.address, options))).toBe(
        'ABORTED',
      )
      await listener.close()
    }))

  test('an unknown host is ENOTFOUND, a literal resolves to itself', () =>
    inWorld(make, async runtime => {
      const nowhere = { host: 'no-such-host.invalid', port: 1 }
      expect(await rejectionCode(runtime.network.connect(nowhere, TIMEOUT))).toBe('ENOTFOUND')
      expect(await rejectionCode(runtime.network.resolve(nowhere.host))).toBe('ENOTFOUND')
      expect(await runtime.network.resolve('192.0.2.7')).toEqual(['192.0.2.7'])
      expect(await runtime.network.resolve('localhost')).not.toEqual([])
    }))

  test('the two ends name each other', () =>
    inWorld(make, async runtime => {
      const { listener, client, server } = await makePair(runtime)
      expect(client.remote).toEqual(listener.address)
      expect(server.remote).toEqual(client.local)
      expect(server.local).toEqual(listener.address)
      client.destroy()
      server.destroy()
      await listener.close()
    }))
}
