import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Teardown, until } from '../harness/child.ts'
import { EditWriter } from '../harness/edit-writer.ts'
import { HadoopCluster } from '../harness/hadoop-cluster.ts'
import type { NameNodeId } from '../harness/hadoop-cluster.ts'
import { LockWatch } from '../harness/lock-watch.ts'
import { NameNodeProbe } from '../harness/name-node-probe.ts'
import { temporaryDirectory } from '../harness/paths.ts'
import { startCoordination } from '../harness/zookeeper.ts'
import type { CoordinationKind } from '../harness/zookeeper.ts'

const IDS = ['nn1', 'nn2'] as const
const other = (id: NameNodeId): NameNodeId => (id === 'nn1' ? 'nn2' : 'nn1')

describe.each<CoordinationKind>(['baton', 'apache'])(
  'real NameNodes, two Baton controllers, %s coordination',
  kind => {
    const teardown = new Teardown()
    let cluster: HadoopCluster
    let probe: NameNodeProbe
    let writer: EditWriter
    let lock: LockWatch

    beforeAll(async () => {
      const directory = temporaryDirectory(`failover-${kind}`)
      teardown.add(directory.remove)
      const coordination = await startCoordination(kind, join(directory.path, 'zookeeper'))
      teardown.child(coordination.child)
      const hadoop = join(directory.path, 'hadoop')
      mkdirSync(hadoop)
      cluster = await HadoopCluster.start({
        directory: hadoop,
        connectString: coordination.connectString,
        teardown,
        core: {
          'ha.health-monitor.rpc-timeout.ms': '5000',
          'ha.failover-controller.graceful-fence.rpc-timeout.ms': '1000',
        },
      })
      probe = new NameNodeProbe(cluster.ports)
      teardown.add(() => probe.close())
      await cluster.formatZooKeeper('baton')
      for (const id of IDS) cluster.startController('baton', id)
      await activeIsOneOf(IDS)
      lock = new LockWatch(coordination.connectString, cluster.nameservice)
      teardown.add(() => lock.close())
      writer = new EditWriter(probe, IDS, `edits-${kind}`)
      teardown.add(() => writer.stop())
      await edits(3)
    }, 240_000)

    afterAll(() => teardown.run(), 60_000)

    async function activeIsOneOf(
      ids: readonly NameNodeId[],
      withinMs = 60_000,
    ): Promise<NameNodeId> {
      return until(
        `one active among ${ids.join(', ')}`,
        async () => {
          const active = await probe.active()
          expect(active.length, 'NameNodes that answer active at once').toBeLessThan(2)
          return ids.find(id => active[0] === id)
        },
        {
          withinMs,
          watch: [...cluster.controllers.values()].filter(c => c.exitCode === undefined),
        },
      )
    }

    async function edits(count: number): Promise<void> {
      const before = writer.acknowledged.length
      await until(
        `${count} more acknowledged edits`,
        () => writer.acknowledged.length >= before + count,
        {
          withinMs: 60_000,
        },
      )
    }

    async function restartNameNode(id: NameNodeId): Promise<void> {
      await cluster.nameNodes.get(id)?.kill()
      await cluster.startNameNode(id)
      await until(`${id} standby`, async () => (await probe.state(id)) === 'standby', {
        withinMs: 60_000,
      })
    }

    test('the other takes over when the active NameNode is killed', async () => {
      const old = await activeIsOneOf(IDS)
      cluster.nameNodes.get(old)?.signal('SIGKILL')
      await activeIsOneOf([other(old)])
      await edits(5)
      await restartNameNode(old)
    })

    test('the other takes over when the active NameNode hangs', async () => {
      const old = await activeIsOneOf(IDS)
      cluster.nameNodes.get(old)?.signal('SIGSTOP')
      await activeIsOneOf([other(old)])
      await edits(5)
      cluster.nameNodes.get(old)?.signal('SIGCONT')
      await edits(5)
      await until(`${old} no longer active`, async () => (await probe.state(old)) !== 'active', {
        withinMs: 60_000,
      })
      await restartNameNode(old)
    })

    test('a controller that is killed and started again keeps the role', async () => {
      const active = await activeIsOneOf(IDS)
      const before = await lock.read()
      await cluster.controllers.get(active)?.kill()
      cluster.startController('baton', active)
      for (let second = 0; second < 15; second++) {
        await sleep(1_000)
        expect(await probe.active()).toEqual([active])
      }
      expect(await lock.read()).toEqual(before)
    })

    test('a controller ended by SIGTERM keeps the role for its restart', async () => {
      const active = await activeIsOneOf(IDS)
      const before = await lock.read()
      expect(await cluster.controllers.get(active)?.stop()).toBe(0)
      cluster.startController('baton', active)
      for (let second = 0; second < 15; second++) {
        await sleep(1_000)
        expect(await probe.active()).toEqual([active])
      }
      expect(await lock.read()).toEqual(before)
    })

    test('the other takes over when a controller is killed for good', async () => {
      const old = await activeIsOneOf(IDS)
      await cluster.controllers.get(old)?.kill()
      await activeIsOneOf([other(old)])
      await edits(5)
      expect(await probe.state(old)).toBe('standby')
      cluster.startController('baton', old)
    })

    test('a planned failover moves the role there and back', async () => {
      for (let round = 0; round < 2; round++) {
        const from = await activeIsOneOf(IDS)
        const to = other(from)
        await until(
          `a controller of ${to} that takes the failover`,
          async () => {
            const result = await cluster.haadmin('baton', ['-failover', from, to])
            return result.exitCode === 0
          },
          { withinMs: 30_000, everyMs: 500 },
        )
        expect(await activeIsOneOf([to])).toBe(to)
        await edits(5)
      }
    })

    test('formatting is refused while the znode exists', async () => {
      const refused = await cluster.baton('zkfc', [
        '-D',
        'dfs.ha.namenode.id=nn1',
        '-formatZK',
        '-nonInteractive',
      ])
      expect(refused.exitCode).toBe(2)
    })

    test('no acknowledged edit is lost', async () => {
      await writer.stop()
      const active = await activeIsOneOf(IDS)
      expect(writer.acknowledged.length).toBeGreaterThan(50)
      expect(await writer.missingOn(active)).toEqual([])
    })
  },
)
