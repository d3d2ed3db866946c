import { createNodeRuntime } from '@baton/runtime/node'
import { parseZooCfg, ZooKeeperServer } from '@baton/server'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface RunningServer {
  /** host:port */
  readonly address: string
  stop(): Promise<void>
}

/** A coordination server on a free loopback port and a directory of its own. */
export async function startServer(): Promise<RunningServer> {
  const directory = await mkdtemp(join(tmpdir(), 'baton-cli-server-'))
  const lines = [`dataDir=${directory}`, 'clientPort=0', 'clientPortAddress=127.0.0.1']
  const config = parseZooCfg(`tickTime=2000\n${lines.join('\n')}\n`, 'zoo.cfg')
  const server = await ZooKeeperServer.start({ runtime: createNodeRuntime(), config })
  return {
    address: `127.0.0.1:${server.clientAddress.port}`,
    stop: async () => {
      await server.stop()
      await rm(directory, { recursive: true })
    },
  }
}
