import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Teardown, until } from '../harness/child.ts'
import { HadoopCluster } from '../harness/hadoop-cluster.ts'
import type { ControllerKind, NameNodeId } from '../harness/hadoop-cluster.ts'
import { LockWatch } from '../harness/lock-watch.ts'
import { NameNodeProbe } from '../harness/name-node-probe.ts'
import { temporaryDirectory } from '../harness/paths.ts'
import { startCoordination } from '../harness/zookeeper.ts'

/** A mixed pair: each reads the other's znodes and answers the other's requests. */
const KINDS: Readonly<Record<NameNodeId, ControllerKind>> = { nn1: 'baton', nn2: 'java' }

describe('one Baton controller and one unmodified Java ZKFC', () => {
  const teardown = new Teardown()
  let cluster: HadoopCluster
  let probe: NameNodeProbe
  let lock: LockWatch

  beforeAll(async () => {
    const directory = temporaryDirectory('mixed')
    teardown.add(directory.remove)
    const coordination = await startCoordination('baton', join(directory.path, 'zookeeper'))
    teardown.child(coordination.child)
    const hadoop = join(directory.path, 'hadoop')
    mkdirSync(hadoop)
    const { connectString } = coordination
    cluster = await HadoopCluster.start({ directory: hadoop, connectString, teardown })
    probe = new NameNodeProbe(cluster.ports)
    teardown.add(() => probe.close())
    await cluster.formatZooKeeper('java')
    lock = new LockWatch(connectString, cluster.nameservice)
    teardown.add(() => lock.close())
    cluster.startController(KINDS.nn1, 'nn1')
    await activeIs('nn1')
    cluster.startController(KINDS.nn2, 'nn2')
    await standbyControllerJoined('nn2')
  }, 240_000)

  afterAll(() => teardown.run(), 60_000)

  async function activeIs(id: NameNodeId): Promise<void> {
    await until(`${id} active`, async () => (await probe.active()).join() === id, {
      withinMs: 90_000,
      watch: [...cluster.controllers.values()].filter(child => child.exitCode === undefined),
    })
  }

  /** Its NameNode was told to be standby by it, so it has read the other's lock. */
  async function standbyControllerJoined(id: NameNodeId): Promise<void> {
    await until(
      `a failover to ${id} is possible`,
      async () => {
        const log = cluster.controllers.get(id)?.log ?? ''
        return log.includes('should become standby') || log.includes('lockHeldByOther')
      },
      { withinMs: 60_000 },
    )
  }

  async function killAndTakeOver(from: NameNodeId, to: NameNodeId): Promise<void> {
    await cluster.nameNodes.get(from)?.kill()
    await activeIs(to)
    await cluster.startNameNode(from)
    await until(`${from} standby`, async () => (await probe.state(from)) === 'standby', {
      withinMs: 60_000,
    })
  }

  /** The restarted NameNode's controller must be back in the election before the next step. */
  async function failover(kind: ControllerKind, from: NameNodeId, to: NameNodeId): Promise<void> {
    await until(
      `${kind} haadmin -failover ${from} ${to}`,
      async () => (await cluster.haadmin(kind, ['-failover', from, to])).exitCode === 0,
      { withinMs: 60_000, everyMs: 1_000 },
    )
    await activeIs(to)
  }

  test('the Java controller takes over from ours when our NameNode is killed', async () => {
    await killAndTakeOver('nn1', 'nn2')
  })

  test('our controller takes over from the Java one when its NameNode is killed', async () => {
    await killAndTakeOver('nn2', 'nn1')
  })

  test('a graceful failover goes from ours to Java and back, asked by either haadmin', async () => {
    for (const kind of ['java', 'baton'] as const) {
      await failover(kind, 'nn1', 'nn2')
      await failover(kind, 'nn2', 'nn1')
    }
  })

  test('lock and breadcrumb hold the same bytes whoever wrote them', async () => {
    const ours = { lock: (await lock.read())?.data, breadcrumb: await lock.breadcrumb() }
    expect(ours.lock).toBe(ours.breadcrumb)
    await cluster.controllers.get('nn1')?.kill()
    await activeIs('nn2')
    // A Java controller beside nn1 must take the breadcrumb that ours would write for its own.
    cluster.startController('java', 'nn1')
    await standbyControllerJoined('nn1')
    await failover('baton', 'nn2', 'nn1')
    expect((await lock.read())?.data).toBe(ours.lock)
    expect(await lock.breadcrumb()).toBe(ours.breadcrumb)
  })
})
