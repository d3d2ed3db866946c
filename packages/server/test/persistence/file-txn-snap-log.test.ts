import { readFileSync } from 'node:fs'
import { OpCode } from '@baton/jute'
import { describe, expect, test } from 'vitest'
import { adler32, ADLER32_START } from '../../src/persistence/adler32.ts'
import { readTxnLog } from '../../src/persistence/txn-log-reader.ts'
import { DigestSum } from '../../src/state/digest.ts'
import { encodeTxn } from '../../src/state/txn.ts'
import { dump, TxnMaker } from '../state/txn-maker.ts'
import { MemoryDisk } from './memory-disk.ts'
import { DIRECTORY, fill, log, open, RecordingLogger } from './store.ts'

function fixture(name: string): Buffer {
  return readFileSync(new URL(`../fixtures/${name}`, import.meta.url))
}

function diskWith(...names: string[]): MemoryDisk {
  const disk = new MemoryDisk()
  for (const name of names) {
    disk.files.set(`${DIRECTORY}/${name.slice(name.lastIndexOf('/') + 1)}`, fixture(name))
  }
  return disk
}

/**
 * `zookeeper-3.9.5`: written by Apache ZooKeeper; the dumps are what its own clients read from it.
 * `baton`: written by this package, and read by Apache ZooKeeper 3.9.5 as the dump says.
 */
describe('data of Apache ZooKeeper and ours', () => {
  test.each([
    [
      'a log of Java’s',
      ['zookeeper-3.9.5/snapshot.0', 'zookeeper-3.9.5/log.1'],
      'zookeeper-3.9.5/after-log.1.txt',
    ],
    [
      'a gzip snapshot of Java’s',
      ['zookeeper-3.9.5/snapshot.18.gz'],
      'zookeeper-3.9.5/after-log.1.txt',
    ],
    ['a snapshot of Java’s', ['zookeeper-3.9.5/snapshot.21'], 'zookeeper-3.9.5/in-snapshot.21.txt'],
    ['ours, as Java read it', ['baton/snapshot.1a', 'baton/log.1b'], 'baton/after-log.1b.txt'],
  ])('%s loads as Java’s clients see it, every digest fits', async (_, files, expected) => {
    const logger = new RecordingLogger()
    const { tree, sessions } = await open(diskWith(...files), { extendedTypes: true }, logger)
    expect(dump(tree)).toBe(fixture(expected).toString())
    expect(logger.lines).toEqual([])
    expect([...sessions.values()]).toEqual([30_000])
  })

  test.each(['zookeeper-3.9.5/log.1', 'baton/log.1b'])(
    'every record of %s is encoded to the same bytes again',
    async name => {
      const disk = diskWith(name)
      const path = [...disk.files.keys()][0] ?? ''
      const file = disk.get(path)
      let count = 0
      const end = await readTxnLog(disk, path, 0, ({ header, txn, digest, offset }) => {
        const sum = new DigestSum()
        sum.high = Number((digest?.treeDigest ?? 0n) >> 32n)
        sum.low = Number(BigInt.asUintN(32, digest?.treeDigest ?? 0n))
        const again = encodeTxn(header, txn, digest === undefined ? undefined : sum)
        const length = file.readInt32BE(offset + 8)
        expect(again.equals(file.subarray(offset + 12, offset + 12 + length))).toBe(true)
        expect(adler32(ADLER32_START, again)).toBe(file.readUInt32BE(offset + 4))
        count++
      })
      expect(count).toBeGreaterThan(6)
      expect(end).toMatchObject({ validEnd: file.length, torn: false })
    },
  )

  test('a snapshot of Java’s written again has the same size and content', async () => {
    const disk = diskWith('zookeeper-3.9.5/snapshot.21')
    const { store, tree, sessions } = await open(disk, { extendedTypes: true })
    const { bytes, nodeCount } = await store.takeSnapshot(tree, sessions)
    expect(bytes).toBe(fixture('zookeeper-3.9.5/snapshot.21').length)
    expect(nodeCount).toBe(tree.nodeCount - 1)
    const again = await open(disk, { extendedTypes: true })
    expect(dump(again.tree)).toBe(fixture('zookeeper-3.9.5/in-snapshot.21.txt').toString())
  })

  test('a tree that is not what the log says is told of', async () => {
    const disk = diskWith('zookeeper-3.9.5/snapshot.0', 'zookeeper-3.9.5/log.1')
    const logger = new RecordingLogger()
    const { store, tree } = await open(disk, {}, logger)
    const header = { clientId: 1n, cxid: 1, zxid: 26, time: 1, type: OpCode.createSession }
    expect(tree.lastProcessedZxid).toBe(25 - 1)
    store.append(header, { type: OpCode.createSession, body: { timeOut: 1 } }, new DigestSum())
    await store.sync()
    await expect(open(disk, {}, logger)).rejects.toThrow(/txns in between are missing/)
    expect(logger.lines).toEqual([])
    header.zxid = 25
    disk.files.delete(`${DIRECTORY}/log.1a`)
    const second = await open(disk)
    second.store.append(
      header,
      { type: OpCode.createSession, body: { timeOut: 1 } },
      new DigestSum(),
    )
    await second.store.sync()
    await open(disk, {}, logger)
    expect(logger.lines).toHaveLength(1)
  })
})

test('a snapshot falls due between half and all of snapCount, and rolls the log', async () => {
  const disk = new MemoryDisk()
  const { store, tree, sessions } = await open(disk, { snapCount: 20 })
  const maker = new TxnMaker(tree)
  fill(maker, 10)
  await log(store, maker.made)
  expect(store.snapshotDue).toBe(false)
  fill(maker, 1)
  await log(store, maker.made.slice(10))
  expect(store.snapshotDue).toBe(true)
  const taking = store.takeSnapshot(tree, sessions)
  expect(store.snapshotDue).toBe(false)
  await expect(store.takeSnapshot(tree, sessions)).rejects.toThrow(
    'one snapshot is written at a time',
  )
  await taking
  expect(store.snapshotDue).toBe(false)
  maker.create('/next')
  await log(store, maker.made.slice(11))
  expect([...disk.files.keys()].sort()).toEqual(
    ['log.1', 'log.c', 'snapshot.0', 'snapshot.b'].map(name => `${DIRECTORY}/${name}`),
  )
  const sized = await open(new MemoryDisk(), { snapSizeLimitBytes: 4096 })
  await log(sized.store, maker.made)
  expect(sized.store.snapshotDue).toBe(false)
  const more = new TxnMaker()
  more.zxid = maker.zxid
  more.create('/big', Buffer.alloc(3000))
  await log(sized.store, more.made)
  expect(sized.store.snapshotDue).toBe(true)
})

test('what had to be replayed counts towards the next snapshot', async () => {
  const disk = new MemoryDisk()
  const { store, tree } = await open(disk, { snapCount: 20 })
  const maker = new TxnMaker(tree)
  fill(maker, 11)
  await log(store, maker.made)
  expect((await open(disk, { snapCount: 20 })).store.snapshotDue).toBe(true)
})

test('purging keeps the newest whole snapshots and the logs the oldest of them needs', async () => {
  const disk = new MemoryDisk()
  const { store, tree, sessions } = await open(disk)
  const maker = new TxnMaker(tree)
  for (let i = 0; i < 5; i++) {
    const from = maker.made.length
    fill(maker, 10)
    await log(store, maker.made.slice(from))
    await store.takeSnapshot(tree, sessions)
  }
  disk.files.set(`${DIRECTORY}/snapshot.40`, Buffer.from('half'))
  const removed = await store.purge(3)
  const names = ['snapshot.0', 'snapshot.a', 'snapshot.14', 'log.1', 'log.b', 'log.15']
  expect(removed).toEqual(names.map(name => `${DIRECTORY}/${name}`))
  const after = await open(disk)
  expect(dump(after.tree)).toBe(dump(tree))
})

test('logs and snapshots may lie apart, but not mixed', async () => {
  const disk = new MemoryDisk()
  const { store, tree } = await open(disk, { dataLogDir: '/logs' })
  const maker = new TxnMaker(tree)
  fill(maker, 5)
  await log(store, maker.made)
  expect(disk.files.has('/logs/version-2/log.1')).toBe(true)
  expect((await open(disk, { dataLogDir: '/logs' })).lastZxid).toBe(5)
  disk.files.set(`${DIRECTORY}/log.1`, Buffer.alloc(0))
  await expect(open(disk, { dataLogDir: '/logs' })).rejects.toThrow(/Move all log/)
  disk.files.delete(`${DIRECTORY}/log.1`)
  disk.files.set('/logs/version-2/snapshot.9', Buffer.alloc(0))
  await expect(open(disk, { dataLogDir: '/logs' })).rejects.toThrow(/Move all snapshot/)
})

test('a crash at any step of a snapshot leaves what was there', async () => {
  let steps = 0
  for (let failAt = 1; ; failAt++) {
    const disk = new MemoryDisk()
    const { store, tree, sessions } = await open(disk)
    const maker = new TxnMaker(tree)
    fill(maker, 12)
    await log(store, maker.made)
    let step = 0
    disk.onOperation = (kind, path) => {
      step++
      if (step === failAt) throw new Error(`crash at ${kind} ${path}`)
    }
    const failed = await store.takeSnapshot(tree, sessions).then(
      () => false,
      () => true,
    )
    disk.onOperation = () => {}
    const again = await open(disk)
    expect(dump(again.tree)).toBe(dump(tree))
    expect([...disk.files.keys()].some(path => path.includes('aside.'))).toBe(false)
    if (!failed) break
    steps++
  }
  expect(steps).toBeGreaterThan(4)
})

test('a closed store takes nothing more', async () => {
  const { store } = await open(new MemoryDisk())
  const maker = new TxnMaker()
  fill(maker, 1)
  await store.close()
  await expect(log(store, maker.made)).rejects.toThrow('the txn log was closed')
})
