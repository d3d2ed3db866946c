import { setTimeout as sleep } from 'node:timers/promises'
import { IpcClient } from '@baton/hadoop'
import { NamespaceProtocol } from '@baton/reference-namenode'
import type { Runtime } from '@baton/runtime'
import { NAMENODES } from './demo-cluster.ts'
import type { DemoCluster, NameNodeId } from './demo-cluster.ts'

const WRITE_TIMEOUT_MS = 400
const RETRY_PAUSE_MS = 5
const WRITE_PAUSE_MS = 2
const ACKNOWLEDGED_MAX = 200_000

/** Makes directories without end at whichever NameNode is active; remembers each acknowledged. */
export class DemoWriter {
  readonly acknowledged: string[] = []
  readonly #client: IpcClient
  readonly #cluster: DemoCluster
  readonly #done: Promise<void>
  #running = true
  #lastAckMs = performance.now()
  #longestPauseMs = 0

  constructor(runtime: Runtime, cluster: DemoCluster) {
    this.#client = new IpcClient(runtime, { user: 'demo' })
    this.#cluster = cluster
    this.#done = this.#run()
  }

  /** Starts a new measurement. */
  mark(): void {
    this.#longestPauseMs = 0
    this.#lastAckMs = performance.now()
  }

  /** The longest time without an acknowledged write since `mark`, one still running included. */
  get longestPauseMs(): number {
    return Math.max(this.#longestPauseMs, performance.now() - this.#lastAckMs)
  }

  get sinceLastAckMs(): number {
    return performance.now() - this.#lastAckMs
  }

  async stop(): Promise<void> {
    this.#running = false
    await this.#done
  }

  close(): void {
    this.#running = false
    this.#client.close()
  }

  /** Acknowledged names that the NameNode does not list. */
  async lostOn(id: NameNodeId): Promise<readonly string[]> {
    const options = { rpcTimeoutMs: 10_000, connectTimeoutMs: 1_000 }
    const listed = await this.#client.call(
      { host: '127.0.0.1', port: this.#cluster.ports.rpc[id] },
      NamespaceProtocol.ls,
      { path: '/' },
      options,
    )
    const names = new Set(listed.entries.map(entry => entry.name))
    return this.acknowledged.filter(path => !names.has(path.slice(1)))
  }

  async #run(): Promise<void> {
    let target = 0
    for (let count = 0; this.#running && this.acknowledged.length < ACKNOWLEDGED_MAX; count++) {
      const path = `/w${count}`
      const id = NAMENODES[target] ?? 'nn1'
      if (await this.#write(id, path)) {
        const now = performance.now()
        this.#longestPauseMs = Math.max(this.#longestPauseMs, now - this.#lastAckMs)
        this.#lastAckMs = now
        this.acknowledged.push(path)
        await sleep(WRITE_PAUSE_MS)
      } else {
        target = (target + 1) % NAMENODES.length
        await sleep(RETRY_PAUSE_MS)
      }
    }
  }

  /** False: refused, unreachable, or no answer in time; that one is unknown and never counted. */
  async #write(id: NameNodeId, path: string): Promise<boolean> {
    const address = { host: '127.0.0.1', port: this.#cluster.ports.rpc[id] }
    const options = { rpcTimeoutMs: WRITE_TIMEOUT_MS, connectTimeoutMs: WRITE_TIMEOUT_MS }
    return this.#client.call(address, NamespaceProtocol.mkdir, { path }, options).then(
      () => true,
      () => false,
    )
  }
}
