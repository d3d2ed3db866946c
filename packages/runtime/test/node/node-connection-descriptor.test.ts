import { once } from 'node:events'
import { createServer } from 'node:net'
import { NodeNetwork } from '@baton/runtime/node'
import { expect, test } from 'vitest'

/** In a file, and so a process, of its own: it counts the sockets of the process. */
const openSockets = (): number =>
  process.getActiveResourcesInfo().filter(name => name === 'TCPSocketWrap').length

test('a link destroyed while its FIN is on the way gives its descriptor back', async () => {
  const server = createServer(socket => socket.end())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  const link = await new NodeNetwork().connect({ host: '127.0.0.1', port }, { timeoutMs: 5_000 })
  await new Promise<void>(resolve => {
    link.onClose = () => {
      link.destroy()
      resolve()
    }
    link.onData = () => {}
  })
  await expect.poll(openSockets).toBe(0)
  server.close()
})
