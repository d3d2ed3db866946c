import { describe, expect, test } from 'vitest'
import { HAServiceProtocol } from '@baton/hadoop'
import { CALL, conf, World } from './world.ts'

const SERVICE_FAILED = 'org.apache.hadoop.ha.ServiceFailedException'
const ACCESS_CONTROL = 'org.apache.hadoop.security.AccessControlException'

describe('the reference NameNode', () => {
  test('starts standby, becomes active, and keeps what it acknowledged', async () => {
    const world = new World(1)
    await world.start('nn1')
    await world.start('nn2')
    expect(await world.settle(world.status('nn1'))).toEqual({
      state: 'standby',
      readyToBecomeActive: true,
    })
    await world.settle(world.transition('nn1', 'Active'))
    await world.settle(world.mkdir('nn1', '/a/b'))
    expect(await world.settle(world.append('nn1', '/a/f', 'one'))).toMatchObject({ entryCount: 1 })
    world.processes.get('nn1')?.kill()
    await world.settle(world.transition('nn2', 'Active'))
    expect(await world.settle(world.entries('nn2', '/a/f'))).toEqual(['one'])
    expect((await world.settle(world.ls('nn2', '/a'))).entries).toEqual([
      { name: 'b', directory: true, entryCount: 0 },
      { name: 'f', directory: false, entryCount: 1 },
    ])
  })

  test('there and back again: each takes over what the other wrote', async () => {
    const world = new World(2)
    await world.start('nn1')
    await world.start('nn2')
    await world.settle(world.transition('nn1', 'Active'))
    await world.settle(world.mkdir('nn1', '/d'))
    for (let turn = 0; turn < 3; turn += 1) {
      const [from, to] = turn % 2 === 0 ? (['nn1', 'nn2'] as const) : (['nn2', 'nn1'] as const)
      await world.settle(world.append(from, '/d/f', `${turn}`))
      await world.settle(world.transition(from, 'Standby'))
      await world.settle(world.transition(to, 'Active'))
    }
    expect(await world.settle(world.entries('nn2', '/d/f'))).toEqual(['0', '1', '2'])
    expect(world.nodes.get('nn2')?.writerEpoch).toBe(4)
  })

  test('an active that finds a higher epoch ends itself', async () => {
    const world = new World(3)
    await world.start('nn1')
    await world.start('nn2')
    await world.settle(world.transition('nn1', 'Active'))
    await world.settle(world.mkdir('nn1', '/d'))
    await world.settle(world.transition('nn2', 'Active'))
    await expect(world.settle(world.mkdir('nn1', '/late'))).rejects.toThrow()
    await world.sim.runUntil(() => world.processes.get('nn1')?.alive === false)
    const names = (await world.settle(world.ls('nn2', '/'))).entries.map(entry => entry.name)
    expect(names).toEqual(['d'])
  })
})

describe('state rules, in Hadoop’s words', () => {
  const refusal = (className: string, message: string) => ({ className, message })

  test('manual requests are refused where failover is automatic, and conversely', async () => {
    const world = new World(4)
    await world.start('nn1')
    await expect(world.settle(world.transition('nn1', 'Active', 'user'))).rejects.toMatchObject(
      refusal(
        ACCESS_CONTROL,
        'Manual HA control for this NameNode is disallowed, because automatic HA is enabled.',
      ),
    )
    await world.settle(world.transition('nn1', 'Active', 'userForced'))
    const manual = conf([['dfs.ha.automatic-failover.enabled', 'false']])
    await world.start('nn2', { conf: manual })
    const { ip } = world.sim.host('client')
    await expect(world.settle(world.transition('nn2', 'Standby'))).rejects.toMatchObject(
      refusal(
        ACCESS_CONTROL,
        `Request from ZK failover controller at ${ip} denied since automatic HA is not enabled`,
      ),
    )
    await world.settle(world.transition('nn2', 'Standby', 'user'))
  })

  test('only the superuser may ask for health and transitions', async () => {
    const world = new World(5)
    await world.start('nn1', { superuser: 'root' })
    const address = { host: 'nn1', port: 8020 }
    const health = world.client.call(address, HAServiceProtocol.monitorHealth, {}, CALL)
    await expect(world.settle(health)).rejects.toMatchObject(
      refusal(
        ACCESS_CONTROL,
        'Access denied for user hdfs. Superuser privilege is required for operation monitorHealth',
      ),
    )
    await expect(world.settle(world.transition('nn1', 'Active'))).rejects.toMatchObject({
      className: ACCESS_CONTROL,
    })
    expect(await world.settle(world.status('nn1'))).toMatchObject({ state: 'standby' })
  })

  test('an observer serves reads, refuses writes, and does not become active', async () => {
    const world = new World(6)
    for (const name of ['nn1', 'nn2']) await world.start(name)
    await world.settle(world.transition('nn1', 'Active'))
    await world.settle(world.mkdir('nn1', '/seen'))
    await expect(world.settle(world.transition('nn1', 'Observer'))).rejects.toMatchObject(
      refusal(SERVICE_FAILED, "Cannot transition from 'active' to 'observer'"),
    )
    await world.settle(world.transition('nn2', 'Observer'))
    await world.sim.runFor(1_000)
    const names = (await world.settle(world.ls('nn2', '/'))).entries.map(entry => entry.name)
    expect(names).toEqual(['seen'])
    expect(await world.settle(world.status('nn2'))).toEqual({
      state: 'observer',
      readyToBecomeActive: false,
      notReadyReason: 'State is observer',
    })
    await expect(world.settle(world.transition('nn2', 'Active'))).rejects.toMatchObject(
      refusal(SERVICE_FAILED, "Cannot transition from 'observer' to 'active'"),
    )
    await expect(world.settle(world.mkdir('nn2', '/x'))).rejects.toMatchObject({
      className: 'org.apache.hadoop.ipc.StandbyException',
    })
  })

  test('a standby refuses the namespace, reads too', async () => {
    const world = new World(7)
    await world.start('nn1')
    for (const [category, call] of [
      ['READ', () => world.ls('nn1', '/')],
      ['WRITE', () => world.mkdir('nn1', '/x')],
    ] as const) {
      await expect(world.settle<unknown>(call())).rejects.toMatchObject(
        refusal(
          'org.apache.hadoop.ipc.StandbyException',
          `Operation category ${category} is not supported in state standby.` +
            ' Visit https://s.apache.org/sbnn-error',
        ),
      )
    }
  })

  test('safe mode: not ready, unhealthy and not electable only where so configured', async () => {
    const world = new World(8)
    const strict = conf([['dfs.ha.nn.not-become-active-in-safemode', 'true']])
    await world.start('nn1', { safeMode: true, conf: strict })
    await world.start('nn2', { safeMode: true })
    const notReady = {
      state: 'standby',
      readyToBecomeActive: false,
      notReadyReason:
        'The NameNode is in safemode. It was turned on manually.' +
        ' Use "hdfs dfsadmin -safemode leave" to turn safe mode off.',
    }
    const health = (host: string) =>
      world.client.call({ host, port: 8020 }, HAServiceProtocol.monitorHealth, {}, CALL)
    expect(await world.settle(world.status('nn1'))).toEqual(notReady)
    await expect(world.settle(health('nn1'))).rejects.toMatchObject(
      refusal(
        'org.apache.hadoop.ha.HealthCheckFailedException',
        'The NameNode is configured to report UNHEALTHY to ZKFC in Safemode.',
      ),
    )
    await expect(world.settle(world.transition('nn1', 'Active'))).rejects.toMatchObject(
      refusal(SERVICE_FAILED, 'NameNode still not leave safemode'),
    )
    await world.settle(health('nn2'))
    await world.settle(world.transition('nn2', 'Active'))
    await expect(world.settle(world.mkdir('nn2', '/x'))).rejects.toMatchObject({
      className: 'org.apache.hadoop.hdfs.server.namenode.SafeModeException',
    })
    world.nodes.get('nn2')?.setSafeMode(false)
    await world.settle(world.mkdir('nn2', '/x'))
  })

  test('a NameNode that cannot write its edits is unhealthy', async () => {
    const world = new World(9)
    await world.start('nn1')
    world.sim.sharedDisk('edits').fail({ code: 'ENOSPC', pathPart: '.probe' })
    const address = { host: 'nn1', port: 8020 }
    const health = world.client.call(address, HAServiceProtocol.monitorHealth, {}, CALL)
    await expect(world.settle(health)).rejects.toMatchObject(
      refusal(
        'org.apache.hadoop.ha.HealthCheckFailedException',
        'The NameNode has no resources available',
      ),
    )
  })
})
