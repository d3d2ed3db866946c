import type { ServiceException } from '@baton/hadoop'
import {
  HAServiceProtocol,
  implement,
  IpcServer,
  ZKFCProtocol,
  type RequestSource,
  type ServiceState,
  type ServiceStatus,
} from '@baton/hadoop'
import type { Address } from '@baton/runtime'
import { createNodeRuntime } from '@baton/runtime/node'

/** One call as a NameNode or controller saw it: `nn1 transitionToActive user`. */
export type CallLine = string

/** A NameNode of which every answer is set by the test, and its controller. */
export class ScriptedNode {
  readonly id: string
  readonly calls: CallLine[]
  state: ServiceState = 'standby'
  notReadyReason: string | undefined
  /** Thrown instead of an answer, by method. */
  readonly failures = new Map<string, ServiceException>()
  /** Whether a transition really changes the state. */
  obeys = true
  callerContexts = new Set<string | undefined>()
  users = new Set<string>()
  onGracefulFailover: () => void = () => {}
  #nameNode: IpcServer | undefined
  #controller: IpcServer | undefined
  address: Address = { host: '127.0.0.1', port: 0 }
  zkfcAddress: Address = { host: '127.0.0.1', port: 0 }

  constructor(id: string, calls: CallLine[]) {
    this.id = id
    this.calls = calls
  }

  async start(): Promise<void> {
    const runtime = createNodeRuntime()
    const address = { host: '127.0.0.1', port: 0 }
    this.#nameNode = new IpcServer(runtime, { address })
    this.#nameNode.register(HAServiceProtocol.name, this.#handlers())
    this.address = await this.#nameNode.listen()
    this.#controller = new IpcServer(runtime, { address })
    const graceful = implement(ZKFCProtocol.gracefulFailover, () => {
      this.#enter('gracefulFailover')
      this.onGracefulFailover()
      return {}
    })
    this.#controller.register(ZKFCProtocol.name, { gracefulFailover: graceful })
    this.zkfcAddress = await this.#controller.listen()
  }

  async stopController(): Promise<void> {
    await this.#controller?.close()
  }

  async stop(): Promise<void> {
    await this.#nameNode?.close()
    await this.#controller?.close()
  }

  #handlers() {
    const move = (name: 'Active' | 'Standby' | 'Observer', to: ServiceState) =>
      implement(HAServiceProtocol[`transitionTo${name}`], ({ source }, context) => {
        this.callerContexts.add(context.callerContext)
        this.users.add(context.user)
        this.#enter(`transitionTo${name}`, source)
        if (this.obeys) this.state = to
        return {}
      })
    return {
      getServiceStatus: implement(HAServiceProtocol.getServiceStatus, (): ServiceStatus => {
        this.#enter('getServiceStatus')
        const { state, notReadyReason } = this
        const readyToBecomeActive = notReadyReason === undefined
        return { state, readyToBecomeActive, ...(readyToBecomeActive ? {} : { notReadyReason }) }
      }),
      monitorHealth: implement(HAServiceProtocol.monitorHealth, () => {
        this.#enter('monitorHealth')
        return {}
      }),
      transitionToActive: move('Active', 'active'),
      transitionToStandby: move('Standby', 'standby'),
      transitionToObserver: move('Observer', 'observer'),
    }
  }

  #enter(method: string, source?: RequestSource): void {
    this.calls.push([this.id, method, ...(source === undefined ? [] : [source])].join(' '))
    const failure = this.failures.get(method)
    if (failure !== undefined) throw failure
  }
}

/** Two NameNodes on free loopback ports, and the `-D` words that describe them. */
export class ScriptedCluster {
  readonly calls: CallLine[] = []
  readonly nn1 = new ScriptedNode('nn1', this.calls)
  readonly nn2 = new ScriptedNode('nn2', this.calls)

  static async start(): Promise<ScriptedCluster> {
    const cluster = new ScriptedCluster()
    await cluster.nn1.start()
    await cluster.nn2.start()
    cluster.nn1.state = 'active'
    return cluster
  }

  async stop(): Promise<void> {
    await this.nn1.stop()
    await this.nn2.stop()
  }

  /** `-D` words; with `automatic` controllers manage the NameNodes. */
  words(automatic: boolean, more: Readonly<Record<string, string>> = {}): readonly string[] {
    const pairs = {
      'dfs.nameservices': 'mycluster',
      'dfs.ha.namenodes.mycluster': 'nn1,nn2',
      'dfs.ha.automatic-failover.enabled': String(automatic),
      ...this.#nodeKeys(this.nn1),
      ...this.#nodeKeys(this.nn2),
      ...more,
    }
    return Object.entries(pairs).flatMap(([key, value]) => ['-D', `${key}=${value}`])
  }

  #nodeKeys(node: ScriptedNode): Readonly<Record<string, string>> {
    const { address, zkfcAddress } = node
    return {
      [`dfs.namenode.rpc-address.mycluster.${node.id}`]: `127.0.0.1:${address.port}`,
      [`dfs.ha.zkfc.port.mycluster.${node.id}`]: String(zkfcAddress.port),
    }
  }
}
