import { Configuration, IpcClient } from '@baton/hadoop'
import type { RequestSource } from '@baton/hadoop'
import { HAServiceProtocol } from '@baton/hadoop'
import { Simulation, type SimProcess } from '@baton/runtime/sim'
import { NamespaceProtocol, ReferenceNameNode } from '../src/index.ts'
import type { ReferenceNameNodeOptions } from '../src/index.ts'

export const EDITS = '/shared/edits'
export const CALL = { rpcTimeoutMs: 20_000, connectTimeoutMs: 2_000 }

export function conf(extra: readonly (readonly [string, string])[] = []): Configuration {
  return Configuration.fromEntries([
    ['dfs.nameservices', 'mycluster'],
    ['dfs.ha.namenodes.mycluster', 'nn1,nn2,nn3'],
    ['dfs.namenode.rpc-address.mycluster.nn1', 'nn1:8020'],
    ['dfs.namenode.rpc-address.mycluster.nn2', 'nn2:8020'],
    ['dfs.namenode.rpc-address.mycluster.nn3', 'nn3:8020'],
    ['dfs.ha.automatic-failover.enabled', 'true'],
    ...extra,
  ])
}

/** A simulated world of NameNodes over one shared disk, and a client beside them. */
export class World {
  readonly sim: Simulation
  readonly nodes = new Map<string, ReferenceNameNode>()
  readonly processes = new Map<string, SimProcess>()
  #client: IpcClient | undefined

  constructor(seed: number) {
    this.sim = new Simulation({ seed })
    const shared = this.sim.sharedDisk('edits')
    for (const name of ['nn1', 'nn2', 'nn3']) this.sim.host(name).mount('/shared', shared)
    this.sim.host('client').spawn('client', runtime => {
      this.#client = new IpcClient(runtime, { user: 'hdfs' })
    })
  }

  get client(): IpcClient {
    if (this.#client === undefined) throw new Error('the client process has not started')
    return this.#client
  }

  /** Starts one and waits until it serves. */
  async start(name: string, options: Partial<ReferenceNameNodeOptions> = {}): Promise<void> {
    this.nodes.delete(name)
    const process = this.sim.host(name).spawn(name, async (runtime, self) => {
      const node = await ReferenceNameNode.start({
        runtime,
        conf: conf(),
        nameserviceId: 'mycluster',
        namenodeId: name,
        editsDirectory: EDITS,
        superuser: 'hdfs',
        ...options,
      })
      this.nodes.set(name, node)
      const { exitCode } = await node.whenEnded
      self.exit(exitCode)
    })
    this.processes.set(name, process)
    await this.sim.runUntil(() => this.nodes.has(name))
  }

  /** Runs the world until a promise settles, and gives its outcome. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const noted = promise.finally(() => {
      settled = true
    })
    noted.catch(() => {}) // awaited below
    await this.sim.runUntil(() => settled)
    return noted
  }

  transition(
    name: string,
    target: 'Active' | 'Standby' | 'Observer',
    source: RequestSource = 'zkfc',
  ) {
    const method = HAServiceProtocol[`transitionTo${target}`]
    return this.client.call({ host: name, port: 8020 }, method, { source }, CALL)
  }

  status(name: string) {
    return this.client.call(
      { host: name, port: 8020 },
      HAServiceProtocol.getServiceStatus,
      {},
      CALL,
    )
  }

  mkdir(name: string, path: string) {
    return this.client.call({ host: name, port: 8020 }, NamespaceProtocol.mkdir, { path }, CALL)
  }

  append(name: string, path: string, entry: string) {
    const request = { path, entry }
    return this.client.call({ host: name, port: 8020 }, NamespaceProtocol.append, request, CALL)
  }

  async entries(name: string, path: string): Promise<readonly string[]> {
    const request = { path, from: 0, countMax: 10_000 }
    const address = { host: name, port: 8020 }
    return (await this.client.call(address, NamespaceProtocol.read, request, CALL)).entries
  }

  ls(name: string, path: string) {
    return this.client.call({ host: name, port: 8020 }, NamespaceProtocol.ls, { path }, CALL)
  }
}
