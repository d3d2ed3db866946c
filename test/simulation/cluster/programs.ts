import { NetworkError, DiskError } from '@baton/runtime'
import type { Connection, Runtime } from '@baton/runtime'
import type { Configuration } from '@baton/hadoop'
import { ReferenceNameNode } from '@baton/reference-namenode'
import type { SimProcess, Simulation } from '@baton/runtime/sim'
import { parseZooCfg, ZooKeeperServer } from '@baton/server'
import { describeEvent, formatZk, readZkfcConfig, Zkfc } from '@baton/zkfc'
import type { ControllerEvent, LocalProcesses } from '@baton/zkfc'

import type { Observation } from '../observations.ts'
import { NAMESERVICE, RPC_PORT, ZOO_CFG } from './cluster-conf.ts'
import type { Slot } from './slot.ts'
import { SessionAnswers } from './session-answers.ts'
import { CallFinder, tapNetwork } from './wire-tap.ts'
import type { Tap } from './wire-tap.ts'

/* The programs of the cluster: the very drivers that run in production. */

export type NameNode = ReferenceNameNode
export type Controller = Zkfc

/** What the programs need of the cluster they run in. */
export interface Programs {
  readonly sim: Simulation
  readonly nameNodes: ReadonlyMap<string, Slot>
  readonly runningNameNodes: Map<string, NameNode>
  readonly runningControllers: Map<string, Controller>
  conf(id: string): Configuration
  wrap(runtime: Runtime, label: string): Runtime
  observe(seen: Observation): void
  onEvent(event: ControllerEvent): void
}

export async function serverMain(
  cluster: Programs,
  runtime: Runtime,
  self: SimProcess,
): Promise<void> {
  const config = parseZooCfg(ZOO_CFG, 'zoo.cfg')
  await orEnd(self, async () => {
    const server = await ZooKeeperServer.start({ runtime: cluster.wrap(runtime, 'zk'), config })
    await server.whenEnded
    self.exit(1)
  })
}

export async function formatMain(conf: Configuration, runtime: Runtime): Promise<void> {
  const config = await readZkfcConfig(conf, NAMESERVICE, runtime.disk)
  const confirm = (): Promise<boolean> => Promise.resolve(false)
  await formatZk(runtime, config, { force: false, interactive: false, confirm })
}

export async function nameNodeMain(
  cluster: Programs,
  id: string,
  runtime: Runtime,
  self: SimProcess,
): Promise<void> {
  const wrapped = cluster.wrap(runtime, `${id}/namenode`)
  const network = tapNetwork(wrapped.network, transitionsReceived(cluster, id))
  await orEnd(self, async () => {
    const node = await ReferenceNameNode.start({
      runtime: { ...wrapped, network },
      conf: cluster.conf(id),
      nameserviceId: NAMESERVICE,
      namenodeId: id,
      editsDirectory: '/edits',
      tailIntervalMs: 1000,
    })
    if (!self.alive) return
    cluster.runningNameNodes.set(id, node)
    const { exitCode, reason } = await node.whenEnded
    if (reason.includes('whole records')) cluster.sim.fail('the shared edits', reason)
    self.exit(exitCode)
  })
}

export async function controllerMain(
  cluster: Programs,
  id: string,
  runtime: Runtime,
  self: SimProcess,
): Promise<void> {
  const wrapped = cluster.wrap(runtime, `${id}/zkfc`)
  const zkfc = new Zkfc({
    runtime: { ...wrapped, network: tapNetwork(wrapped.network, transitionsSent(cluster, id)) },
    conf: cluster.conf(id),
    identity: { nameserviceId: NAMESERVICE, namenodeId: id },
    localProcesses: localProcesses(cluster, id),
    listeners: [
      event => {
        cluster.sim.note(`${id}/zkfc`, 'event', describeEvent(event))
        cluster.onEvent(event)
      },
    ],
    stateDirectory: '/state',
    user: 'hdfs',
  })
  await orEnd(self, async () => {
    await zkfc.start()
    cluster.runningControllers.set(id, zkfc)
    const { exitCode } = await zkfc.whenEnded
    self.exit(exitCode)
  })
}

const EXPECTED = new Set([
  'StartError',
  'ConfigurationError',
  'SecondInstanceError',
  'PersistenceError',
])

/** What a daemon may die of ends its process; anything else ends the run. */
async function orEnd(self: SimProcess, run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    const known =
      error instanceof NetworkError ||
      error instanceof DiskError ||
      (error instanceof Error && EXPECTED.has(error.name))
    if (!known) throw error
    self.sim.note(self.label, 'could not start', error.message)
    self.exit(1)
  }
}

function transitionsSent(cluster: Programs, by: string): Tap {
  const finders = new WeakMap<Connection, CallFinder>()
  const sessions = new SessionAnswers((asked, answered) =>
    cluster.observe({ kind: 'sessionAnswered', asked, answered }),
  )
  return {
    onReceive: (bytes, link) => sessions.onReceive(bytes, link),
    onSend(bytes, link) {
      sessions.onSend(bytes, link)
      // The answer to an operator may name these calls, too.
      if (link.remote.port !== RPC_PORT) return
      for (const call of finderOf(finders, link).find(bytes)) {
        const to = hostOf(cluster.sim, link.remote.host)
        cluster.observe({ kind: 'transitionSent', call, by, to })
      }
    },
  }
}

function transitionsReceived(cluster: Programs, node: string): Tap {
  const finders = new WeakMap<Connection, CallFinder>()
  return {
    onReceive(bytes, link) {
      for (const call of finderOf(finders, link).find(bytes)) {
        const by = hostOf(cluster.sim, link.remote.host)
        cluster.observe({ kind: 'transitionReceived', call, by, node })
      }
    },
  }
}

function finderOf(finders: WeakMap<Connection, CallFinder>, link: Connection): CallFinder {
  let finder = finders.get(link)
  if (finder === undefined) finders.set(link, (finder = new CallFinder()))
  return finder
}

function hostOf(sim: Simulation, address: string): string {
  return sim.network.find(address)?.name ?? address
}

/** What the kernel of the host knows, truthfully. */
function localProcesses(cluster: Programs, id: string): LocalProcesses {
  const host = cluster.sim.host(id)
  const bootId = (): string => `boot-${host.bootCount}`
  const running = (): SimProcess | undefined => cluster.nameNodes.get(id)?.process
  return {
    bootId: () => Promise.resolve(bootId()),
    listener(ports) {
      const found = running()
      if (found === undefined || !cluster.runningNameNodes.has(id)) {
        return Promise.resolve(undefined)
      }
      return Promise.resolve({
        pid: found.pid,
        startTicks: String(Math.round(found.startedAtMs)),
        bootId: bootId(),
        pidNamespace: 'pid:[1]',
        networkNamespace: 'net:[1]',
        ports: [...ports],
      })
    },
    gone(identity) {
      if (identity.bootId !== bootId()) return Promise.resolve('unknown')
      return Promise.resolve(running() === undefined ? 'gone' : 'alive')
    },
  }
}
