import { HAServiceProtocol, IpcClient } from '@baton/hadoop'
import type { ServiceState } from '@baton/hadoop'
import type { Runtime } from '@baton/runtime'
import { NAMENODES } from './demo-cluster.ts'
import type { DemoCluster, NameNodeId } from './demo-cluster.ts'

const ASK_EVERY_MS = 50
const ANSWER_WITHIN_MS = 600

/** Asks both NameNodes for their state again and again, as an onlooker would. */
export class DemoWatch {
  readonly #client: IpcClient
  readonly #cluster: DemoCluster
  readonly #onActive: (id: NameNodeId | undefined) => void
  readonly #cancel: () => void
  #states: ReadonlyMap<NameNodeId, ServiceState | 'down'> = new Map()
  #twoActiveCount = 0
  #asking = false
  #closed = false

  constructor(
    runtime: Runtime,
    cluster: DemoCluster,
    onActive: (id: NameNodeId | undefined) => void,
  ) {
    this.#client = new IpcClient(runtime, { user: 'demo' })
    this.#cluster = cluster
    this.#onActive = onActive
    this.#cancel = runtime.clock.every(ASK_EVERY_MS, () => void this.#ask())
  }

  get active(): NameNodeId | undefined {
    return NAMENODES.find(id => this.#states.get(id) === 'active')
  }

  stateOf(id: NameNodeId): ServiceState | 'down' {
    return this.#states.get(id) ?? 'down'
  }

  /** Looks in which both answered active. */
  get twoActiveCount(): number {
    return this.#twoActiveCount
  }

  close(): void {
    this.#closed = true
    this.#cancel()
    this.#client.close()
  }

  async #ask(): Promise<void> {
    if (this.#asking) return
    this.#asking = true
    const before = this.active
    const answers = await Promise.all(
      NAMENODES.map(async id => [id, await this.#stateOf(id)] as const),
    )
    if (this.#closed) return
    this.#states = new Map(answers)
    if (answers.every(([, state]) => state === 'active')) this.#twoActiveCount++
    if (this.active !== before) this.#onActive(this.active)
    this.#asking = false
  }

  async #stateOf(id: NameNodeId): Promise<ServiceState | 'down'> {
    const address = { host: '127.0.0.1', port: this.#cluster.ports.rpc[id] }
    const options = { rpcTimeoutMs: ANSWER_WITHIN_MS, connectTimeoutMs: ANSWER_WITHIN_MS }
    return this.#client.call(address, HAServiceProtocol.getServiceStatus, {}, options).then(
      status => status.state,
      () => 'down' as const,
    )
  }
}
