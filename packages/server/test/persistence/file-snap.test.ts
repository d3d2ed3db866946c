import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeSnapshot } from '../../src/persistence/snapshot-reader.ts'
import { PersistenceError } from '../../src/persistence/persistence-error.ts'
import { bytes, dump, TxnMaker } from '../state/txn-maker.ts'
import { MemoryDisk } from './memory-disk.ts'
import { DIRECTORY, fill, log, open, RecordingLogger } from './store.ts'

const acls = ['one', 'two', 'three'].map(id => [
  { perms: 31, id: { scheme: 'digest', id: `${id}:hash` } },
])

describe('a fresh directory', () => {
  test('gets an empty snapshot, of the very size ZooKeeper writes', async () => {
    const disk = new MemoryDisk()
    const { snapshotPath, lastZxid, tree } = await open(disk)
    expect([snapshotPath, lastZxid, tree.nodeCount]).toEqual([`${DIRECTORY}/snapshot.0`, 0, 5])
    expect(disk.get(snapshotPath).length).toBe(478)
  })

  test('that cannot be written rejects with the error of the disk', async () => {
    const disk = new MemoryDisk()
    disk.onOperation = () => {
      throw new Error('EROFS')
    }
    await expect(open(disk)).rejects.toThrow('EROFS')
  })
})

test('a snapshot and the log after it are the tree, its sessions and its digest', async () => {
  const disk = new MemoryDisk()
  const { store, tree, sessions } = await open(disk)
  const maker = new TxnMaker(tree)
  for (const [i, acl] of acls.entries()) maker.create(`/${'x'.repeat(i + 1)}`, null, { acl })
  fill(maker, 50)
  sessions.set(3n, 4000)
  await log(store, maker.made)
  const info = await store.takeSnapshot(tree, sessions)
  expect(info).toMatchObject({ path: `${DIRECTORY}/snapshot.35`, zxid: 53 })
  const since = maker.made.length
  maker.createSession(9n)
  fill(maker, 39)
  await log(store, maker.made.slice(since))
  const logger = new RecordingLogger()
  const again = await open(disk, {}, logger)
  expect([again.replayedCount, again.lastZxid, again.snapshotPath]).toEqual([40, 93, info.path])
  expect(dump(again.tree)).toBe(dump(tree))
  expect(again.tree.digest.equals(tree.digest)).toBe(true)
  expect(again.tree.approximateDataSizeBytes).toBe(tree.approximateDataSizeBytes)
  expect(again.sessions.get(9n)).toBe(10_000)
  expect(again.tree.ephemeralsCount).toBe(tree.ephemeralsCount)
  expect(logger.lines).toEqual([])
})

describe('a fuzzy snapshot', () => {
  test('taken while txns of every kind go on, is the same tree after its replay', async () => {
    const seen = { duringWalk: 0, runs: 0 }
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.nat()), async choices => {
        const draw = (below: number): number => Number(choices.next().value) % below
        const disk = new MemoryDisk()
        const { store, tree, sessions } = await open(disk)
        const maker = new TxnMaker(tree)
        // Large enough for several pieces, so that the walk really pauses.
        for (let i = 0; i < 24; i++) maker.create(`/n${i}`, Buffer.alloc(50_000, i))
        await log(store, maker.made)
        let logged = maker.made.length
        let walking = false
        disk.onOperation = (kind, path) => {
          if (kind !== 'write' || !path.includes('aside.')) return
          walking = true
        }
        const taking = store.takeSnapshot(tree, sessions)
        let done = false
        void taking.finally(() => (done = true))
        for (let i = 0; i < 400 && !done; i++) {
          await Promise.resolve()
          if (!walking) continue
          walking = false
          for (let j = 0; j < 12; j++) change(maker, draw)
          for (const { header, txn, digest } of maker.made.slice(logged)) {
            store.append(header, txn, digest)
          }
          seen.duringWalk += maker.made.length - logged
          logged = maker.made.length
        }
        await taking
        await store.sync()
        const logger = new RecordingLogger()
        const again = await open(disk, {}, logger)
        expect(logger.lines).toEqual([])
        expect(dump(again.tree)).toBe(dump(tree))
        expect(again.tree.digest.equals(tree.digest)).toBe(true)
        expect(again.tree.aclCache.size).toBe(tree.aclCache.size)
        seen.runs++
      }),
      { numRuns: 15 },
    )
    expect(seen.duringWalk / seen.runs).toBeGreaterThan(30)
  })

  function change(maker: TxnMaker, draw: (below: number) => number): void {
    const path = `/n${draw(30)}`
    const acl = acls[draw(3)] ?? []
    const node = maker.tree.get(path)
    if (node === undefined) maker.create(path, Buffer.alloc(20_000, draw(200)), { acl })
    else if (draw(3) === 0) maker.setAcl(path, acl)
    else if (draw(3) === 0) maker.create(`${path}/c${maker.zxid}`, bytes('c'), { acl, session: 4n })
    else if (draw(4) === 0) maker.closeSession(4n)
    else if (node.childCount === 0) maker.delete(path)
    else maker.setData(path, Buffer.alloc(50_000, draw(200)))
  }
})

describe('damaged snapshots', () => {
  test('the next older one is taken, where the log reaches back to it', async () => {
    const disk = new MemoryDisk()
    const { store, tree, sessions } = await open(disk)
    const maker = new TxnMaker(tree)
    fill(maker, 20)
    await log(store, maker.made)
    const { path } = await store.takeSnapshot(tree, sessions)
    const file = disk.get(path)
    file[100] = (file[100] ?? 0) ^ 1
    const logger = new RecordingLogger()
    const again = await open(disk, {}, logger)
    expect(again.snapshotPath).toBe(`${DIRECTORY}/snapshot.0`)
    expect(dump(again.tree)).toBe(dump(tree))
    expect(logger.lines).toEqual(['snapshot left aside'])
  })

  test('without a log that reaches back, or any good one, the start is refused', async () => {
    const disk = new MemoryDisk()
    const { store, tree, sessions } = await open(disk)
    const maker = new TxnMaker(tree)
    fill(maker, 20)
    await log(store, maker.made)
    const { path } = await store.takeSnapshot(tree, sessions)
    maker.create('/later')
    await log(store, maker.made.slice(20))
    disk.files.delete(`${DIRECTORY}/log.1`)
    disk.files.set(path, bytes(''))
    await expect(open(disk)).rejects.toThrow(/begins with zxid 0x15.*ends with 0x0/)
    disk.files.delete(`${DIRECTORY}/snapshot.0`)
    await expect(open(disk)).rejects.toThrow(/none of 1 snapshots can be loaded/)
  })

  test('a log without any snapshot is refused, unless it is to be trusted', async () => {
    const disk = new MemoryDisk()
    const { store, tree } = await open(disk)
    const maker = new TxnMaker(tree)
    fill(maker, 9)
    await log(store, maker.made)
    disk.files.delete(`${DIRECTORY}/snapshot.0`)
    await expect(open(disk)).rejects.toThrow(/snapshot.trust.empty=true/)
    const trusted = await open(disk, { trustEmptySnapshot: true })
    expect(dump(trusted.tree)).toBe(dump(tree))
    expect(trusted.snapshotPath).toBe(`${DIRECTORY}/snapshot.9`)
  })

  test('any bytes are a snapshot or a clear error', async () => {
    const disk = new MemoryDisk()
    const { store, tree, sessions } = await open(disk)
    const maker = new TxnMaker(tree)
    fill(maker, 20)
    await log(store, maker.made)
    const whole = disk.get((await store.takeSnapshot(tree, new Map([[1n, 5]]))).path)
    expect(dump(decodeSnapshot(whole, {}).tree)).toBe(dump(tree))
    expect(sessions.size).toBe(0)
    // Behind the first seal the older formats end, which had fewer trailers.
    const olderEnds = [whole.length - 54, whole.length - 21]
    fc.assert(
      fc.property(fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 8 }), (at, junk) => {
        const damaged = Buffer.from(whole)
        damaged.set(junk, at % (damaged.length - junk.length))
        if (!damaged.equals(whole)) expect(() => decodeSnapshot(damaged, {})).toThrow(Error)
        const cut = at % whole.length
        if (olderEnds.includes(cut)) return
        expect(() => decodeSnapshot(whole.subarray(0, cut), {})).toThrowError()
        expect(() => decodeSnapshot(Buffer.from(junk), {})).toThrowError()
      }),
      { numRuns: 500 },
    )
  })

  test.each([
    ['a gzip stream cut short', gzipSync(Buffer.alloc(500, 1)).subarray(0, -9)],
    ['gzip around something else', gzipSync(bytes('hello'))],
    ['snappy', Buffer.from('82534e41505059000000000100000001', 'hex')],
  ])('%s is refused in plain words', async (_, content) => {
    const disk = new MemoryDisk()
    disk.files.set(`${DIRECTORY}/snapshot.0`, content)
    await expect(open(disk)).rejects.toThrow(PersistenceError)
    await expect(open(disk)).rejects.toThrow(/not a whole snapshot/)
  })
})
