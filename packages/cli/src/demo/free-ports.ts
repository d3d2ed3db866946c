import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/**
 * Below the range from which the kernel takes the source ports of connections (32768 and up on
 * Linux): whoever connects again and again to a closed port of that range may end up connected to
 * itself, and the daemon can then not take the port.
 */
const FIRST_PORT = 10_000
const PORT_COUNT = 20_000
const TRIES_MAX = 1_000

/** Loopback ports that are free now, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const found: number[] = []
  for (let tried = 0; found.length < count; tried++) {
    if (tried > TRIES_MAX) throw new Error(`fewer than ${count} ports of 127.0.0.1 are free`)
    const port = FIRST_PORT + randomInt(PORT_COUNT)
    if (!found.includes(port) && (await isFree(port))) found.push(port)
  }
  return found
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
