import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../harness/child.ts'
import type { Child, Teardown } from '../harness/child.ts'
import { HadoopCluster } from '../harness/hadoop-cluster.ts'
import type { ControllerKind, NameNodeId } from '../harness/hadoop-cluster.ts'
import { LockWatch } from '../harness/lock-watch.ts'
import { NameNodeProbe } from '../harness/name-node-probe.ts'
import { startCoordination } from '../harness/zookeeper.ts'

export const IDS = ['nn1', 'nn2'] as const
export const otherThan = (id: NameNodeId): NameNodeId => (id === 'nn1' ? 'nn2' : 'nn1')

const POLL_EVERY_MS = 50

/** One real cluster on one Apache ZooKeeper; the controllers beside it are changed between runs. */
export class FailoverRig {
  readonly cluster: HadoopCluster
  readonly probe: NameNodeProbe
  readonly lock: LockWatch

  private constructor(cluster: HadoopCluster, lock: LockWatch) {
    this.cluster = cluster
    this.lock = lock
    this.probe = new NameNodeProbe(cluster.ports)
  }

  static async start(
    directory: string,
    teardown: Teardown,
    core: Readonly<Record<string, string | undefined>>,
  ): Promise<FailoverRig> {
    const coordination = await startCoordination('apache', join(directory, 'zookeeper'))
    teardown.child(coordination.child)
    const hadoop = join(directory, 'hadoop')
    mkdirSync(hadoop)
    const { connectString } = coordination
    const cluster = await HadoopCluster.start({
      directory: hadoop,
      connectString,
      teardown,
      javaFlags: [],
      core,
    })
    await cluster.formatZooKeeper('baton')
    const rig = new FailoverRig(cluster, new LockWatch(connectString, cluster.nameservice))
    teardown.add(() => rig.lock.close())
    teardown.add(() => rig.probe.close())
    return rig
  }

  /** Ends what stands beside the NameNodes and starts controllers of one kind; one is active. */
  async controllers(kind: ControllerKind): Promise<NameNodeId> {
    for (const id of IDS) await this.cluster.controllers.get(id)?.kill()
    await until('the old lock is gone', async () => (await this.lock.read()) === undefined, {
      withinMs: 60_000,
    })
    for (const id of IDS) {
      const child = this.cluster.nameNodes.get(id)
      if (child === undefined || child.exitCode !== undefined) await this.cluster.startNameNode(id)
      this.cluster.clearControllerState(id)
    }
    this.cluster.startController(kind, 'nn1')
    await until('the lock is held', async () => (await this.lock.read()) !== undefined, {
      withinMs: 60_000,
    })
    await this.active('nn1')
    this.cluster.startController(kind, 'nn2')
    await this.standbyJoined('nn2')
    return 'nn1'
  }

  async active(id: NameNodeId): Promise<void> {
    await until(`${id} active`, async () => (await this.probe.active()).join() === id, {
      withinMs: 120_000,
    })
  }

  /** The controller has told its NameNode to be standby, so it watches the lock. */
  async standbyJoined(id: NameNodeId): Promise<void> {
    await until(
      `the controller of ${id} watches the lock`,
      () => /should become standby|lockHeldByOther/.test(this.controller(id).log),
      { withinMs: 60_000, watch: [this.controller(id)] },
    )
  }

  controller(id: NameNodeId): Child {
    const child = this.cluster.controllers.get(id)
    if (child === undefined) throw new Error(`no controller beside ${id}`)
    return child
  }

  async restartNameNode(id: NameNodeId): Promise<void> {
    await this.cluster.nameNodes.get(id)?.kill()
    await this.cluster.startNameNode(id)
    await until(`${id} standby`, async () => (await this.probe.state(id)) === 'standby', {
      withinMs: 60_000,
    })
  }

  /**
   * From the last `active` answer of any NameNode before the change to the first one of `to`,
   * both asked every 50 ms; 0 where nobody ever stopped answering active for a whole look.
   */
  async noActiveMs(to: NameNodeId, fault: () => Promise<void> | void): Promise<number> {
    const watch = new ActiveWatch(this.probe)
    await sleep(200)
    await fault()
    await this.active(to)
    await sleep(200)
    return watch.stop()
  }

  /** The longest time without an active answer during `forMs` from the fault on. */
  async longestGapMs(forMs: number, fault: () => Promise<void> | void): Promise<number> {
    const watch = new ActiveWatch(this.probe)
    await sleep(200)
    await fault()
    await sleep(forMs)
    return watch.stop()
  }
}

class ActiveWatch {
  readonly #probe: NameNodeProbe
  readonly #timer: NodeJS.Timeout
  #lastActiveAt = performance.now()
  #longestMs = 0

  constructor(probe: NameNodeProbe) {
    this.#probe = probe
    this.#timer = setInterval(() => {
      for (const id of IDS) void this.#ask(id)
    }, POLL_EVERY_MS)
  }

  async #ask(id: NameNodeId): Promise<void> {
    if ((await this.#probe.state(id)) !== 'active') return
    const now = performance.now()
    this.#longestMs = Math.max(this.#longestMs, now - this.#lastActiveAt)
    this.#lastActiveAt = now
  }

  stop(): number {
    clearInterval(this.#timer)
    return Math.max(this.#longestMs, performance.now() - this.#lastActiveAt)
  }
}
