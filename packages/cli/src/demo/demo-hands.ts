import { execa } from 'execa'
import { setTimeout as sleep } from 'node:timers/promises'
import { NAMENODES } from './demo-cluster.ts'
import type { DemoCluster, NameNodeId } from './demo-cluster.ts'
import type { TourHands } from './demo-tour.ts'
import type { DemoWatch } from './demo-watch.ts'
import type { DemoWriter } from './demo-writer.ts'

const LOOK_EVERY_MS = 10
const FLOWING_MS = 150
const START_WITHIN_MS = 30_000

/** Does what the tour says, and waits for what must come of it. */
export class DemoHands implements TourHands {
  readonly #cluster: DemoCluster
  readonly #watch: DemoWatch
  readonly #writer: DemoWriter

  constructor(options: {
    readonly cluster: DemoCluster
    readonly watch: DemoWatch
    readonly writer: DemoWriter
  }) {
    this.#cluster = options.cluster
    this.#watch = options.watch
    this.#writer = options.writer
  }

  /** An arrow, so that a step may hand it on. */
  readonly active = (): NameNodeId => {
    const id = this.#watch.active
    if (id === undefined) throw new Error('no NameNode is active')
    return id
  }

  async kill(name: NameNodeId | `zkfc-${NameNodeId}`): Promise<void> {
    await this.#cluster.process(name).kill()
  }

  async startNameNode(id: NameNodeId): Promise<void> {
    this.#cluster.startNameNode(id)
  }

  startController(id: NameNodeId): void {
    this.#cluster.startController(id)
  }

  freeze(id: NameNodeId): void {
    this.#cluster.process(id).signal('SIGSTOP')
  }

  thaw(id: NameNodeId): void {
    this.#cluster.process(id).signal('SIGCONT')
  }

  async failover(from: NameNodeId, to: NameNodeId): Promise<void> {
    const [program = '', ...args] = this.#cluster.haadminCommand(['-failover', from, to])
    const result = await execa(program, args, { reject: false, timeout: 90_000, stdin: 'ignore' })
    if (result.exitCode !== 0) throw new Error(`haadmin -failover: ${result.stderr}`)
  }

  async untilActive(id: NameNodeId, withinMs: number): Promise<void> {
    await until(`${id} is active`, () => this.#watch.active === id, withinMs)
  }

  async untilStandby(id: NameNodeId, withinMs: number): Promise<void> {
    await until(`${id} is standby`, () => this.#watch.stateOf(id) === 'standby', withinMs)
  }

  async quietFor(ms: number): Promise<void> {
    await sleep(ms)
  }

  async untilWritesFlow(): Promise<void> {
    await until('writes are acknowledged', () => this.#writer.sinceLastAckMs < 50, START_WITHIN_MS)
    await sleep(FLOWING_MS)
  }

  async untilSettled(): Promise<void> {
    const settled = (): boolean => {
      const states = NAMENODES.map(id => this.#watch.stateOf(id)).sort()
      return states.join() === 'active,standby'
    }
    await until('one NameNode is active and one standby', settled, START_WITHIN_MS)
    await this.untilWritesFlow()
    await until('both controllers are in the election', () => this.#inElection(), START_WITHIN_MS)
  }

  #inElection(): boolean {
    return NAMENODES.every(id => this.#cluster.inElection(id))
  }
}

async function until(what: string, holds: () => boolean, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs / 1_000} s: ${what}`)
    await sleep(LOOK_EVERY_MS)
  }
}
