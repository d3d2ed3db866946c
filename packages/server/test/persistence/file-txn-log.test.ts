import { OpCode } from '@baton/jute'
import { DiskError } from '@baton/runtime'
import { describe, expect, test } from 'vitest'
import { adler32, ADLER32_START } from '../../src/persistence/adler32.ts'
import { writeSnapshot } from '../../src/persistence/file-snap.ts'
import { PersistenceError } from '../../src/persistence/persistence-error.ts'
import { DataTree } from '../../src/state/data-tree.ts'
import { bytes, dump, TxnMaker } from '../state/txn-maker.ts'
import { MemoryDisk } from './memory-disk.ts'
import { DIRECTORY, fill, log, open, RecordingLogger } from './store.ts'

const LOG = `${DIRECTORY}/log.1`

async function made(count: number): Promise<{ disk: MemoryDisk; maker: TxnMaker }> {
  const disk = new MemoryDisk()
  const { store, tree } = await open(disk)
  const maker = new TxnMaker(tree)
  fill(maker, count)
  await log(store, maker.made)
  return { disk, maker }
}

/** Where each record ends, by its own length field. */
function recordEnds(file: Buffer): number[] {
  const ends: number[] = []
  for (let at = 16; at + 12 <= file.length;) {
    const length = file.readInt32BE(at + 8)
    if (length === 0) break
    at += 12 + length + 1
    ends.push(at)
  }
  return ends
}

describe('group commit', () => {
  test('all that gathered while a sync ran is made durable by the next one', async () => {
    const disk = new MemoryDisk()
    const { store } = await open(disk)
    const maker = new TxnMaker()
    fill(maker, 30)
    const [first, second] = [maker.made.slice(0, 10), maker.made.slice(10)]
    for (const { header, txn } of first) store.append(header, txn)
    const syncing = store.sync()
    for (const { header, txn } of second) store.append(header, txn)
    await syncing
    expect([store.syncedZxid, store.appendedZxid]).toEqual([10, 30])
    expect(store.unsyncedBytes).toBeGreaterThan(0)
    const before = disk.syncCount
    await store.sync()
    expect([store.syncedZxid, disk.syncCount - before, store.unsyncedBytes]).toEqual([30, 1, 0])
    await store.sync()
    expect(disk.syncCount - before).toBe(1)
  })

  test('a group of several megabytes is written in pieces and reads whole', async () => {
    const disk = new MemoryDisk()
    const { store } = await open(disk)
    const maker = new TxnMaker()
    for (let i = 0; i < 5; i++) maker.create(`/big${i}`, Buffer.alloc(700_000, i))
    const before = disk.syncCount
    await log(store, maker.made)
    expect(disk.syncCount - before).toBe(3)
    expect(dump((await open(disk)).tree)).toBe(dump(maker.tree))
  })

  test('after a failed sync nothing more is taken', async () => {
    const disk = new MemoryDisk()
    const { store } = await open(disk)
    const maker = new TxnMaker()
    fill(maker, 2)
    const [first, second] = maker.made
    if (first === undefined || second === undefined) throw new Error('two txns were made')
    store.append(first.header, first.txn)
    disk.onOperation = kind => {
      if (kind === 'sync') throw new DiskError('EIO', LOG)
    }
    await expect(store.sync()).rejects.toThrow(PersistenceError)
    disk.onOperation = () => {}
    expect(() => store.append(second.header, second.txn)).toThrow(/EIO/)
    await expect(store.sync()).rejects.toThrow(/nothing more is acknowledged/)
    expect(store.syncedZxid).toBe(0)
  })
})

describe('files', () => {
  test('preallocation grows the file in steps, ahead of what is written', async () => {
    const disk = new MemoryDisk()
    const { store } = await open(disk, { preAllocBytes: 8192 })
    const maker = new TxnMaker()
    fill(maker, 10)
    await log(store, maker.made)
    expect(disk.get(LOG).length).toBe(16 + 8192)
    maker.create('/large', Buffer.alloc(6000))
    await log(store, maker.made.slice(10))
    expect(disk.get(LOG).length).toBe(16 + 2 * 8192)
    expect(dump((await open(disk)).tree)).toBe(dump(maker.tree))
    expect(disk.get(LOG).at(-1)).toBe(0x42)
  })

  test('a file above its limit is followed by a new one', async () => {
    const disk = new MemoryDisk()
    const { store } = await open(disk, { txnLogSizeLimitBytes: 1000 })
    const maker = new TxnMaker()
    fill(maker, 60)
    await log(store, maker.made)
    expect([...disk.files.keys()].filter(path => path.includes('/log.')).length).toBeGreaterThan(3)
    expect(dump((await open(disk)).tree)).toBe(dump(maker.tree))
  })
})

describe('a crash at any byte', () => {
  test.each(['cut off there', 'zeros from there'])(
    'keeps every whole record before it, and the log goes on: %s',
    async shape => {
      const { disk, maker } = await made(205)
      const snapshots = await snapshotsOf(maker, 10)
      const file = Buffer.from(disk.get(LOG))
      const ends = recordEnds(file)
      expect(ends.length).toBe(maker.made.length)
      let [whole, inside] = [0, 0]
      for (let cut = 0; cut <= file.length; cut++) {
        while (cut >= (ends[whole] ?? Infinity)) whole++
        const start = ends[whole - 1] ?? 16
        if (cut !== start) inside++
        const torn = Buffer.alloc(shape === 'cut off there' ? cut : file.length)
        file.copy(torn, 0, 0, cut)
        disk.files.clear()
        disk.files.set(LOG, torn)
        // Everything is replayed once a record; elsewhere from a snapshot near by, to save time.
        const near = cut === start ? 0 : whole - (whole % 10)
        disk.files.set(
          `${DIRECTORY}/snapshot.${near.toString(16)}`,
          snapshots[near / 10] ?? bytes(''),
        )
        const { store, tree, lastZxid } = await open(disk)
        if (lastZxid !== whole) expect.fail(`zxid ${lastZxid} and not ${whole} after ${cut} bytes`)
        const digest = maker.made[whole - 1]?.digest
        if (digest !== undefined && !tree.digest.equals(digest)) {
          expect.fail(`the tree after ${cut} bytes is not the one of zxid ${whole}`)
        }
        // Written on and read again at the beginning of each record, and once inside it.
        if (cut === start || cut === start + 1 + (whole % 50)) await mustGoOn(disk, store, lastZxid)
      }
      expect(inside).toBeGreaterThan(4_000)
    },
    60_000,
  )

  /** Snapshots of what `maker` went through, one for every `step` txns. */
  async function snapshotsOf(maker: TxnMaker, step: number): Promise<Buffer[]> {
    const disk = new MemoryDisk()
    const tree = new DataTree()
    const snapshots = [disk.get((await writeSnapshot(disk, DIRECTORY, tree, new Map())).path)]
    for (const { header, txn } of maker.made) {
      tree.processTxn(header, txn)
      if (header.zxid % step !== 0) continue
      snapshots.push(disk.get((await writeSnapshot(disk, DIRECTORY, tree, new Map())).path))
    }
    return snapshots
  }

  async function mustGoOn(
    disk: MemoryDisk,
    store: Awaited<ReturnType<typeof open>>['store'],
    lastZxid: number,
  ): Promise<void> {
    const zxid = lastZxid + 1
    const type = OpCode.createSession
    const header = { clientId: 99n, cxid: 1, zxid, time: 5, type }
    store.append(header, { type, body: { timeOut: 77 } })
    await store.sync()
    const again = await open(disk)
    if (again.lastZxid !== zxid || again.sessions.get(99n) !== 77) {
      expect.fail(`a txn written after zxid ${lastZxid} was not found again`)
    }
  }

  test('garbage of any kind behind the last record is cut off with a warning', async () => {
    const { disk, maker } = await made(5)
    const file = disk.get(LOG)
    const last = file.subarray(recordEnds(file).at(-2))
    for (const junk of [bytes('junk'), Buffer.alloc(5000, 0xee), last.subarray(0, -1)]) {
      disk.files.set(LOG, Buffer.concat([file, junk, Buffer.alloc(3000)]))
      const logger = new RecordingLogger()
      const { tree } = await open(disk, {}, logger)
      expect(dump(tree)).toBe(dump(maker.tree))
      expect(logger.lines).toEqual(['torn tail of the txn log cut off'])
      expect(disk.get(LOG).length).toBe(file.length)
    }
  })

  test('a group whose first pages never reached the disk is a torn tail', async () => {
    const { disk, maker } = await made(60)
    const file = disk.get(LOG)
    const [from, to] = [1024, 2048]
    const intact = recordEnds(file).filter(end => end <= from).length
    file.fill(0, from, to)
    const { lastZxid } = await open(disk)
    expect(lastZxid).toBe(intact)
    expect(lastZxid).toBeLessThan(maker.zxid)
  })
})

describe('damage to what was acknowledged', () => {
  test('a flipped bit with good records after it is refused, naming file and offset', async () => {
    const { disk } = await made(40)
    const clean = Buffer.from(disk.get(LOG))
    const ends = recordEnds(clean)
    for (const [i, end] of ends.slice(0, -2).entries()) {
      const start = i === 0 ? 16 : (ends[i - 1] ?? 0)
      const damaged = Buffer.from(clean)
      const at = start + ((i * 7) % (end - start))
      damaged[at] = (damaged[at] ?? 0) ^ 0x10
      disk.files.set(LOG, damaged)
      await expect(open(disk), `bit at ${at}`).rejects.toThrow(
        `${LOG}, offset ${start}: a bad record`,
      )
    }
  })

  test('zeros over one record are refused as well', async () => {
    const { disk } = await made(20)
    const ends = recordEnds(disk.get(LOG))
    // Within one sector: what was lost with the rest of its sector would be a torn tail.
    expect(ends[3]).toBeLessThan(512)
    disk.get(LOG).fill(0, ends[2], ends[3])
    await expect(open(disk)).rejects.toThrow(`offset ${ends[2]}: a bad record`)
  })

  test('good records far behind a hole are no torn group', async () => {
    const { disk } = await made(5)
    const file = disk.get(LOG)
    const last = file.subarray(recordEnds(file).at(-2))
    disk.files.set(LOG, Buffer.concat([file, Buffer.alloc(5 * 1024 * 1024), last]))
    await expect(open(disk)).rejects.toThrow(/whole records follow at offset 52/)
  })

  test('a missing log between two others is refused', async () => {
    const disk = new MemoryDisk()
    const { store } = await open(disk, { txnLogSizeLimitBytes: 500 })
    const maker = new TxnMaker()
    fill(maker, 40)
    await log(store, maker.made)
    const logs = [...disk.files.keys()].filter(path => path.includes('/log.'))
    logs.sort((a, b) => a.length - b.length || (a < b ? -1 : 1))
    disk.files.delete(logs[1] ?? '')
    await expect(open(disk)).rejects.toThrow(/txns in between are missing/)
  })

  test('a txn of an unknown type is refused, though its checksum is right', async () => {
    const { disk } = await made(1)
    const file = disk.get(LOG)
    file.writeInt32BE(55, 16 + 12 + 28)
    file.writeUInt32BE(adler32(ADLER32_START, file, 28, file.length - 1), 20)
    await expect(open(disk)).rejects.toThrow(/written by a newer version/)
  })

  test('a file that is no log is refused and left alone', async () => {
    const { disk } = await made(3)
    disk.files.set(`${DIRECTORY}/log.4`, bytes('something of yours'))
    await expect(open(disk)).rejects.toThrow(/not a ZooKeeper txn log/)
    expect(disk.get(`${DIRECTORY}/log.4`).toString()).toBe('something of yours')
  })
})

describe('tail files without a record', () => {
  const header = Buffer.from('5a4b4c47000000020000000000000000', 'hex')
  test.each([
    ['no byte', Buffer.alloc(0)],
    ['half a header', header.subarray(0, 3)],
    ['only a header', header],
    ['a header and zeros', Buffer.concat([header, Buffer.alloc(9000)])],
    ['nothing but zeros', Buffer.alloc(70_000)],
    ['a torn first record', Buffer.concat([header, Buffer.from('00000000aabbccdd000000', 'hex')])],
  ])('with %s, it is removed and the log goes on under its name', async (_, content) => {
    const { disk } = await made(6)
    disk.files.set(`${DIRECTORY}/log.7`, content)
    const { store, tree, lastZxid } = await open(disk)
    expect(lastZxid).toBe(6)
    const next = new TxnMaker(tree)
    next.create('/next')
    await log(store, next.made)
    expect(disk.get(`${DIRECTORY}/log.7`).length).toBeGreaterThan(60)
    const again = await open(disk)
    expect(again.lastZxid).toBe(7)
    expect(dump(again.tree)).toBe(dump(tree))
  })
})
