import type { Address, Connection, Network } from '@baton/runtime'
import { silentLogger } from '@baton/runtime'
import { implement, IpcServer, type IpcServerOptions } from '../../src/ipc/index.ts'
import { HAServiceProtocol, ZKFCProtocol } from '../../src/protocol/index.ts'
import { FakeLink, ManualClock } from './fake-link.ts'

const ADDRESS: Address = { host: '127.0.0.1', port: 8019 }

/** A server whose connections are made by the test. */
export async function serve(options: Partial<IpcServerOptions> = {}) {
  let accept: (link: Connection) => void = () => {}
  const network: Network = {
    listen: async (address, onConnection) => {
      accept = onConnection
      return { address, close: async () => {} }
    },
    connect: () => Promise.reject(new Error('a server does not connect')),
    resolve: async host => [host],
    reverse: async ip => ip,
  }
  const clock = new ManualClock()
  const server = new IpcServer(
    { clock, network, logger: silentLogger },
    { address: ADDRESS, ...options },
  )
  await server.listen()
  return {
    server,
    clock,
    link: (): FakeLink => {
      const link = new FakeLink()
      accept(link)
      return link
    },
  }
}

/** Answers as the recorded daemons did: an active NameNode, a willing controller. */
export function registerRecorded(server: IpcServer, protocols: readonly string[]): void {
  const ha = {
    monitorHealth: implement(HAServiceProtocol.monitorHealth, () => ({})),
    getServiceStatus: implement(HAServiceProtocol.getServiceStatus, () => ({
      state: 'active' as const,
      readyToBecomeActive: true,
    })),
    transitionToActive: implement(HAServiceProtocol.transitionToActive, () => ({})),
  }
  const zkfc = {
    cedeActive: implement(ZKFCProtocol.cedeActive, () => ({})),
    gracefulFailover: implement(ZKFCProtocol.gracefulFailover, () => ({})),
  }
  if (protocols.includes(HAServiceProtocol.name)) server.register(HAServiceProtocol.name, ha)
  if (protocols.includes(ZKFCProtocol.name)) server.register(ZKFCProtocol.name, zkfc)
}
