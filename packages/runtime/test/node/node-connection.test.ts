import { spawn } from 'node:child_process'
import { createServer, connect, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import { NodeNetwork } from '@baton/runtime/node'
import { expect, test } from 'vitest'
import { Recorder, rejectionCode } from '../../../../test/acceptance/world.ts'

/** A plain server of node's, so that the other end is not our own code. */
async function plainServer(onSocket: (socket: Socket) => void): Promise<[Server, number]> {
  const server = createServer(socket => {
    socket.on('error', () => {}) // a reset is what some tests want
    onSocket(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return [server, address !== null && typeof address === 'object' ? address.port : 0]
}

const TIMEOUT = { timeoutMs: 5_000 }

test('sends of one turn leave in one write', async () => {
  const chunks: number[] = []
  let received = (): void => {}
  const all = new Promise<void>(resolve => {
    received = resolve
  })
  const [server, port] = await plainServer(socket => {
    socket.on('data', bytes => {
      chunks.push(bytes.length)
      received()
    })
  })
  const link = await new NodeNetwork().connect({ host: '127.0.0.1', port }, TIMEOUT)
  for (let at = 0; at < 1_000; at++) link.send(new Uint8Array(10))
  await all
  expect(chunks).toEqual([10_000])
  link.destroy()
  server.close()
})

test('a batch too large to copy arrives whole and in order too', async () => {
  const parts: Buffer[] = []
  const [server, port] = await plainServer(socket => {
    socket.on('data', bytes => parts.push(bytes))
  })
  const link = new Recorder(await new NodeNetwork().connect({ host: '127.0.0.1', port }, TIMEOUT))
  const sent = Array.from({ length: 9 }, (_, at) => Buffer.alloc(50_000, at))
  for (const part of sent) link.connection.send(part)
  await partsHold(parts, 450_000)
  expect(Buffer.compare(Buffer.concat(parts), Buffer.concat(sent))).toBe(0)
  link.connection.destroy()
  server.close()
})

/** Resolves once so many bytes have come. */
async function partsHold(parts: readonly Buffer[], bytes: number): Promise<void> {
  while (parts.reduce((sum, part) => sum + part.length, 0) < bytes) {
    await new Promise(resolve => {
      setImmediate(resolve)
    })
  }
}

test('the end of the peer is an end, its reset a reset', async () => {
  for (const kind of ['end', 'reset'] as const) {
    const [server, port] = await plainServer(socket => {
      socket.on('data', () => {
        if (kind === 'end') socket.end()
        else socket.resetAndDestroy()
      })
    })
    const link = new Recorder(await new NodeNetwork().connect({ host: '127.0.0.1', port }, TIMEOUT))
    link.connection.send(Uint8Array.of(1))
    expect((await link.closed).kind).toBe(kind)
    server.close()
  }
})

test('bytes the peer sends after our close do not turn our last bytes into a reset', async () => {
  const parts: Buffer[] = []
  const errors: Error[] = []
  let ended = (): void => {}
  const closed = new Promise<void>(resolve => {
    ended = resolve
  })
  const [server, port] = await plainServer(socket => {
    socket.write(Buffer.alloc(200_000))
    socket.on('data', bytes => parts.push(bytes))
    socket.on('error', error => errors.push(error))
    socket.on('close', ended)
  })
  const link = await new NodeNetwork().connect({ host: '127.0.0.1', port }, TIMEOUT)
  link.send(Buffer.from('last words'))
  link.close()
  await closed
  expect(errors).toEqual([])
  expect(Buffer.concat(parts).toString()).toBe('last words')
  server.close()
})

test('links beyond the bound of a listener are closed at once', async () => {
  const network = new NodeNetwork({ connectionsMax: 1 })
  const listener = await network.listen({ host: '127.0.0.1', port: 0 }, connection => {
    new Recorder(connection)
  })
  const first = new Recorder(await network.connect(listener.address, TIMEOUT))
  const second = new Recorder(await network.connect(listener.address, TIMEOUT))
  expect(['end', 'reset']).toContain((await second.closed).kind)
  expect(first.causes).toEqual([])
  first.connection.destroy()
  await listener.close()
})

/** Listens with the shortest backlog, says its port, and is then stopped by the test. */
const MUTE = `
const server = require('node:net').createServer()
server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => console.log(server.address().port))
`

test('a connect that nobody answers ends with ETIMEDOUT', async () => {
  const mute = spawn(process.execPath, ['-e', MUTE], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [output] = (await once(mute.stdout, 'data')) as [Buffer]
  mute.kill('SIGSTOP')
  const address = { host: '127.0.0.1', port: Number(output.toString()) }
  const network = new NodeNetwork()
  const codes: string[] = []
  // The kernel answers for a stopped program until its backlog is full.
  for (let count = 0; count < 8 && !codes.includes('ETIMEDOUT'); count++) {
    codes.push(await rejectionCode(network.connect(address, { timeoutMs: 200 })))
  }
  expect(codes[0]).toBe('resolved')
  expect(codes.at(-1)).toBe('ETIMEDOUT')
  mute.kill('SIGKILL')
})

test('a peer of node itself sees our end as an end', async () => {
  const network = new NodeNetwork()
  const listener = await network.listen({ host: '127.0.0.1', port: 0 }, connection => {
    new Recorder(connection)
    connection.send(Buffer.from('bye'))
    connection.close()
  })
  const socket = connect(listener.address.port, '127.0.0.1')
  const parts: Buffer[] = []
  socket.on('data', bytes => parts.push(bytes))
  await once(socket, 'end')
  expect(Buffer.concat(parts).toString()).toBe('bye')
  await listener.close()
})
