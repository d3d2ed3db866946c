/** Disks that fill, fail or lose power at a bad moment, and directories that two servers share. */
import { CreateMode, encode, ErrorCode, OpCode } from '@baton/jute'
import * as jute from '@baton/jute'
import { DiskError, silentLogger } from '@baton/runtime'
import { Simulation } from '@baton/runtime/sim'
import { expect, test } from 'vitest'
import { parseZooCfg } from '../../src/config.ts'
import { FileTxnSnapLog } from '../../src/persistence/file-txn-snap-log.ts'
import { writeSnapshot } from '../../src/persistence/file-snap.ts'
import { ZooKeeperServer } from '../../src/zookeeper-server.ts'
import { MemoryDisk } from '../persistence/memory-disk.ts'
import { fill, log, open } from '../persistence/store.ts'
import { TxnMaker } from '../state/txn-maker.ts'
import { read, setData } from '../support/pipeline-world.ts'
import { withServer } from '../support/server-world.ts'

test('a snapshot that does not fit on the disk leaves no half of it there', async () => {
  const disk = new MemoryDisk()
  const { store, tree, sessions } = await open(disk)
  const maker = new TxnMaker(tree)
  fill(maker, 12)
  await log(store, maker.made)
  const before = [...disk.files.keys()].sort()
  disk.onOperation = kind => {
    if (kind === 'sync') throw new DiskError('ENOSPC', '/data')
  }
  await expect(store.takeSnapshot(tree, sessions)).rejects.toThrow('ENOSPC')
  expect([...disk.files.keys()].sort()).toEqual(before)
})

test('a snapshot too large to be read again does not replace one that can be', async () => {
  const disk = new MemoryDisk()
  const { tree, sessions } = await open(disk)
  new TxnMaker(tree).create('/a', Buffer.alloc(5000))
  const before = [...disk.files.keys()].sort()
  const directory = '/data/version-2'
  await expect(writeSnapshot(disk, directory, tree, sessions, 4000)).rejects.toThrow('read again')
  expect([...disk.files.keys()].sort()).toEqual(before)
})

/** A server's life of one store: killed at its n-th disk operation, then power is lost. */
async function killedThenPowerLost(killAt: number): Promise<boolean> {
  const sim = new Simulation({ seed: killAt })
  const host = sim.host('server')
  const options = { dataDir: '/disk/data', dataLogDir: '/disk/logs', preAllocBytes: 0 }
  let [killed, acked, found] = [false, 0, -1]
  const first = host.spawn('first', async runtime => {
    await FileTxnSnapLog.open({ ...runtime, logger: silentLogger }, options)
  })
  let operations = 0
  host.disk.onOperation = () => {
    operations++
    if (operations !== killAt) return undefined
    killed = true
    sim.schedule(sim.now, () => first.kill())
    return undefined
  }
  await sim.runFor(1000)
  host.disk.onOperation = () => undefined
  host.spawn('second', async runtime => {
    const { store } = await FileTxnSnapLog.open(runtime, options)
    const maker = new TxnMaker()
    maker.createSession(1n)
    await log(store, maker.made)
    acked = store.syncedZxid
  })
  await sim.runFor(1000)
  host.crash()
  host.restart()
  host.spawn('third', async runtime => {
    found = (await FileTxnSnapLog.open(runtime, options)).lastZxid
  })
  await sim.runFor(1000)
  expect([acked, found], `killed at operation ${killAt}`).toEqual([1, 1])
  return killed
}

test('a kill at any moment of the first start, then a power loss, loses nothing', async () => {
  let count = 0
  while (await killedThenPowerLost(count + 1)) count++
  expect(count).toBeGreaterThan(10)
})

test('a lock that cannot be released does not keep a server from ending', () =>
  withServer(async world => {
    world.sim.host('server').disk.fail({ code: 'EIO', pathPart: '.lock' })
    await world.zk?.stop()
    expect(await world.zk?.whenEnded).toEqual({ error: undefined })
  }))

test('two servers with a dataDir each do not write to one dataLogDir', () =>
  withServer(
    async world => {
      const config = parseZooCfg('dataDir=/other\ndataLogDir=/logs\nclientPort=2999', 'zoo.cfg')
      let message = ''
      world.sim.host('server').spawn('second', runtime =>
        ZooKeeperServer.start({ runtime, config })
          .then(
            () => (message = 'started'),
            (error: Error) => (message = error.message),
          )
          .then(() => undefined),
      )
      await world.sleep(1000)
      expect(message).toContain('/logs/baton-log.lock is locked')
    },
    { config: 'dataLogDir=/logs' },
  ))

test('a TTL znode that was written to after the look for outlived ones is kept', () =>
  withServer(
    async world => {
      const client = await world.session({ timeoutMs: 20_000 })
      const names = ['/z1', '/z2', '/z3', '/z4']
      for (const path of names) {
        const acl = jute.OPEN_ACL_UNSAFE
        const made = { path, data: null, acl, flags: CreateMode.persistentWithTtl, ttl: 1000 }
        await client.call(OpCode.createTTL, encode(jute.CreateTTLRequest, made))
      }
      // Found at two seconds, proposed one a second.
      await world.sleep(2500)
      for (const name of names) await client.call(OpCode.setData, setData(name, 'kept'))
      await world.sleep(900)
      let keptCount = 0
      for (const name of names) {
        if ((await client.call(OpCode.exists, read(name))).err === ErrorCode.ok) keptCount++
      }
      expect(keptCount).toBeGreaterThan(2)
    },
    {
      config:
        'znode.container.checkIntervalMs=2000\nznode.container.maxPerMinute=60\n' +
        'extendedTypesEnabled=true',
    },
  ))

/** Killed at its n-th operation while it writes; what the next one showed must stay. */
async function shownThenPowerLost(killAt: number): Promise<{ killed: boolean; shown: number }> {
  const sim = new Simulation({ seed: killAt })
  const host = sim.host('server')
  const options = { dataDir: '/data', dataLogDir: '/data', preAllocBytes: 4096 }
  let [killed, operations, shown, found] = [false, 0, -1, -1]
  const first = host.spawn('first', async runtime => {
    const { store } = await FileTxnSnapLog.open(runtime, options)
    host.disk.onOperation = () => {
      if (++operations === killAt) {
        killed = true
        sim.schedule(sim.now, () => first.kill())
      }
      return undefined
    }
    const maker = new TxnMaker()
    for (let group = 0; group < 3; group++) {
      const from = maker.made.length
      fill(maker, 3)
      await log(store, maker.made.slice(from))
    }
  })
  await sim.runFor(1000)
  host.disk.onOperation = () => undefined
  host.spawn('second', async runtime => {
    shown = (await FileTxnSnapLog.open(runtime, options)).lastZxid
  })
  await sim.runFor(1000)
  host.crash()
  host.restart()
  host.spawn('third', async runtime => {
    found = (await FileTxnSnapLog.open(runtime, options)).lastZxid
  })
  await sim.runFor(1000)
  expect(found, `killed at operation ${killAt}`).toBe(shown)
  return { killed, shown }
}

test('what a recovery showed outlives a power loss, though never synced before', async () => {
  const shown = new Set<number>()
  for (let killAt = 1; ; killAt++) {
    const outcome = await shownThenPowerLost(killAt)
    shown.add(outcome.shown)
    if (!outcome.killed) break
  }
  expect([...shown]).toEqual([0, 3, 6, 9])
})
