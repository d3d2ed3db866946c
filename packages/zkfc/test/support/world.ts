import { Configuration } from '@baton/hadoop'
import { ReferenceNameNode } from '@baton/reference-namenode'
import type { Runtime } from '@baton/runtime'
import { Simulation } from '@baton/runtime/sim'
import type { SimProcess } from '@baton/runtime/sim'
import { parseZooCfg, ZooKeeperServer } from '@baton/server'
import { readZkfcConfig } from '../../src/config.ts'
import type { ControllerEvent } from '../../src/events.ts'
import { formatZk } from '../../src/format-zk.ts'
import { noLocalProcesses } from '../../src/process-evidence.ts'
import type { LocalProcesses } from '../../src/process-evidence.ts'
import { Zkfc } from '../../src/zkfc.ts'

export type NodeId = 'nn1' | 'nn2' | 'nn3'

export interface WorldOptions {
  readonly seed?: number
  readonly nodes?: readonly NodeId[]
  readonly entries?: readonly (readonly [string, string])[]
  /** Exit code of the fencing command, and what it does. */
  readonly onFence?: (target: string) => number
  /** Processes may end by an error: what is tested is what the others make of it. */
  readonly mayCrash?: boolean
}

const NS = 'mycluster'

/** A whole cluster in virtual time: one server, NameNodes, a controller beside each. */
export class World {
  readonly sim: Simulation
  readonly nodes: readonly NodeId[]
  readonly events: ControllerEvent[] = []
  readonly fenced: string[] = []
  readonly nameNodes = new Map<NodeId, { process: SimProcess; node?: ReferenceNameNode }>()
  readonly controllers = new Map<NodeId, { process: SimProcess; zkfc?: Zkfc }>()
  localProcesses: LocalProcesses = { ...noLocalProcesses, bootId: () => Promise.resolve('boot-1') }
  readonly #entries: readonly (readonly [string, string])[]

  constructor(options: WorldOptions = {}) {
    const failOnCrash = options.mayCrash !== true
    this.sim = new Simulation({ seed: options.seed ?? 1, failOnCrash })
    this.nodes = options.nodes ?? ['nn1', 'nn2']
    this.#entries = options.entries ?? []
    const edits = this.sim.sharedDisk('edits')
    for (const id of this.nodes) {
      const host = this.sim.host(id)
      host.mount('/edits', edits)
      host.onExec((_command, { env }) => {
        const target = env['target_namenodeid'] ?? '?'
        this.fenced.push(target)
        const exitCode = options.onFence?.(target) ?? 0
        return { exitCode, stdout: '', stderr: '', timedOut: false }
      })
    }
  }

  conf(id: NodeId): Configuration {
    const perNode = this.nodes.map(
      node => [`dfs.namenode.rpc-address.${NS}.${node}`, `${node}:8020`] as const,
    )
    return Configuration.fromEntries([
      ['dfs.nameservices', NS],
      [`dfs.ha.namenodes.${NS}`, this.nodes.join(',')],
      ...perNode,
      ['dfs.ha.automatic-failover.enabled', 'true'],
      ['dfs.ha.fencing.methods', 'shell(fence)'],
      ['dfs.namenode.shared.edits.dir', 'qjournal://j1:8485;j2:8485;j3:8485/mycluster'],
      ['ha.zookeeper.quorum', 'zk:2181'],
      ['dfs.ha.zkfc.nn.http.timeout.ms', '0'],
      ['dfs.ha.namenode.id', id],
      ...this.#entries,
    ])
  }

  async startServer(): Promise<void> {
    let started = false
    this.sim.host('zk').spawn('server', async runtime => {
      const config = parseZooCfg(
        'dataDir=/data\nclientPort=2181\nclientPortAddress=0.0.0.0\n',
        'zoo.cfg',
      )
      await ZooKeeperServer.start({ runtime, config })
      started = true
    })
    await this.sim.runUntil(() => started)
  }

  async format(): Promise<void> {
    let done = false
    this.sim.host('admin').spawn('format', async runtime => {
      const config = await readZkfcConfig(this.conf('nn1'), NS, runtime.disk)
      const confirm = (): Promise<boolean> => Promise.resolve(false)
      await formatZk(runtime, config, { force: false, interactive: false, confirm })
      done = true
    })
    await this.sim.runUntil(() => done)
  }

  startNameNode(id: NodeId): void {
    const entry: { process: SimProcess; node?: ReferenceNameNode } = {
      process: this.sim.host(id).spawn(
        'namenode',
        async (runtime, self) => {
          const node = await ReferenceNameNode.start({
            runtime,
            conf: this.conf(id),
            nameserviceId: NS,
            namenodeId: id,
            editsDirectory: '/edits',
          })
          entry.node = node
          void node.whenEnded.then(({ exitCode }) => self.exit(exitCode))
        },
        { mayCrash: true },
      ),
    }
    this.nameNodes.set(id, entry)
  }

  startController(id: NodeId): Zkfc | undefined {
    const entry: { process: SimProcess; zkfc?: Zkfc } = {
      process: this.sim.host(id).spawn('zkfc', async (runtime: Runtime, self) => {
        const zkfc = new Zkfc({
          runtime,
          conf: this.conf(id),
          identity: { nameserviceId: NS, namenodeId: id },
          localProcesses: this.localProcesses,
          listeners: [event => void this.events.push(event)],
          stateDirectory: '/state',
          user: 'hdfs',
        })
        entry.zkfc = zkfc
        await zkfc.start()
        const { exitCode } = await zkfc.whenEnded
        self.exit(exitCode)
      }),
    }
    this.controllers.set(id, entry)
    return entry.zkfc
  }

  /** Server, format, NameNodes and controllers; returns once `first` is confirmed active. */
  async startAll(first: NodeId = 'nn1'): Promise<void> {
    await this.startServer()
    await this.format()
    for (const id of this.nodes) this.startNameNode(id)
    this.startController(first)
    await this.sim.runUntil(() => this.isActive(first))
    for (const id of this.nodes) if (id !== first) this.startController(id)
    await this.sim.runUntil(() => this.nodes.every(id => id === first || this.isStandby(id)))
  }

  status(id: NodeId): ReturnType<Zkfc['status']> | undefined {
    return this.controllers.get(id)?.zkfc?.status()
  }

  isActive(id: NodeId): boolean {
    return this.status(id)?.role === 'active'
  }

  /** In the election, its NameNode told standby, the lock watched. */
  isStandby(id: NodeId): boolean {
    const status = this.status(id)
    return status?.role === 'standby' && status.task === 'none' && status.expected === 'standby'
  }

  zkfc(id: NodeId): Zkfc {
    const found = this.controllers.get(id)?.zkfc
    if (found === undefined) throw new Error(`the controller of ${id} is not running`)
    return found
  }

  kinds(id: NodeId): readonly string[] {
    return this.events.filter(event => event.namenodeId === id).map(event => event.kind)
  }
}
