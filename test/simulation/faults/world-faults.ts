import { HAServiceProtocol, ZKFCProtocol } from '@baton/hadoop'
import { RPC_PORT, ZKFC_PORT } from '../cluster/cluster-conf.ts'
import { anyHost, anyNode, drawMs } from './fault-context.ts'
import type { Fault, FaultContext } from './fault-context.ts'

/** Two hosts that talk: mostly a NameNode's host and the server. */
function anyPair(context: FaultContext): readonly [string, string] {
  const { cluster, random } = context
  const node = anyNode(context)
  const others = cluster.nodes.filter(other => other !== node)
  const other = random.pick(['zk', 'zk', 'client', ...others])
  return random.chance(0.5) ? [node, other] : [other, node]
}

const USUAL_LATENCY = { minMs: 0.01, maxMs: 0.1, syncMinMs: 0.1, syncMaxMs: 2 }

function cut(context: FaultContext, oneWay: boolean): boolean {
  const { cluster, random } = context
  const [from, to] = anyPair(context)
  cluster.sim.network.cut(from, to, { oneWay })
  context.undoAfter(drawMs(random), () => cluster.sim.network.heal(from, to))
  return true
}

export const WORLD_FAULTS: Readonly<Record<string, Fault>> = {
  cutOneWay: c => cut(c, true),
  cut: c => cut(c, false),
  isolate: c => {
    const { network } = c.cluster.sim
    const host = anyHost(c)
    network.isolate(host)
    c.undoAfter(drawMs(c.random), () => {
      for (const other of c.cluster.sim.hosts) if (other !== host) network.heal(host, other)
    })
    return true
  },
  resetLinks: c => {
    c.cluster.sim.network.reset(...anyPair(c))
    return true
  },
  slowNetwork: c => {
    const { network } = c.cluster.sim
    const [a, b] = anyPair(c)
    const loss = c.random.pick([0, 0.02, 0.1])
    network.setLink(a, b, { minMs: 1, maxMs: c.random.between(5, 1200), loss })
    c.undoAfter(drawMs(c.random), () => {
      network.setLink(a, b, { minMs: 0.2, maxMs: 1, loss: 0 })
    })
    return true
  },
  slowDisk: c => {
    const { sim, edits } = c.cluster
    const disk = c.random.pick([edits, sim.host('zk').disk, sim.host(anyNode(c)).disk])
    disk.setLatency({ maxMs: c.random.between(1, 60), syncMaxMs: c.random.between(20, 2000) })
    c.undoAfter(drawMs(c.random), () => disk.setLatency(USUAL_LATENCY))
    return true
  },
  stateDiskFails: c => {
    const { disk } = c.cluster.sim.host(anyNode(c))
    const code = c.random.pick(['ENOSPC', 'EIO', 'EROFS'])
    c.undoAfter(drawMs(c.random), disk.fail({ code, pathPart: '/state' }))
    return true
  },
  unhealthy: c => {
    const id = anyNode(c)
    const pathPart = `.probe-${id}`
    c.undoAfter(drawMs(c.random), c.cluster.edits.fail({ code: 'ENOSPC', pathPart }))
    return true
  },
  stepClock: c => {
    anyHost(c).stepWallClock(c.random.between(-1, 1) * c.random.pick([1000, 1e5, 1e9]))
    return true
  },
  askFailover: c => {
    const host = c.random.pick(c.cluster.nodes)
    const address = { host, port: ZKFC_PORT }
    c.cluster.ask('failover', ipc =>
      ipc.call(address, ZKFCProtocol.gracefulFailover, {}, { rpcTimeoutMs: 60_000 }),
    )
    return true
  },
  askCede: c => {
    const address = { host: anyNode(c), port: ZKFC_PORT }
    const millisToCede = c.random.pick([-1, c.random.int(3000), 8000])
    c.cluster.ask('cede', ipc =>
      ipc.call(address, ZKFCProtocol.cedeActive, { millisToCede }, { rpcTimeoutMs: 20_000 }),
    )
    return true
  },
  /** Refused by the NameNode: failover is automatic. It must change nothing. */
  askByHand: c => {
    const address = { host: anyNode(c), port: RPC_PORT }
    const method = c.random.chance(0.5)
      ? HAServiceProtocol.transitionToActive
      : HAServiceProtocol.transitionToStandby
    c.cluster.ask('by hand', ipc =>
      ipc.call(address, method, { source: 'user' }, { rpcTimeoutMs: 5000 }),
    )
    return true
  },
}
