import { Simulation } from '@baton/runtime/sim'
import { expect, test } from 'vitest'
import { FileTxnSnapLog } from '../../src/persistence/file-txn-snap-log.ts'
import { dump, TxnMaker } from '../state/txn-maker.ts'
import { fill } from './store.ts'

const SEEDS = 25
const ROUNDS = 6
const OPTIONS = { dataDir: '/data', dataLogDir: '/log', snapCount: 30, preAllocBytes: 16_384 }

/** Txns the store said are durable, and those it was merely given. */
interface Expectation {
  maker: TxnMaker
  ackedZxid: number
}

/** Opens, checks, then writes, syncs and snapshots until the power goes. */
async function live(
  runtime: Parameters<typeof FileTxnSnapLog.open>[0],
  expectation: Expectation,
  counts: { recovered: number; snapshots: number },
): Promise<void> {
  const { store, tree, sessions, lastZxid } = await FileTxnSnapLog.open(runtime, OPTIONS)
  const { maker, ackedZxid } = expectation
  if (lastZxid < ackedZxid) throw new Error(`zxid ${ackedZxid} was acknowledged, ${lastZxid} found`)
  const replayed = new TxnMaker()
  for (const { header, txn } of maker.made) {
    if (header.zxid <= lastZxid) replayed.tree.processTxn(header, txn)
  }
  if (dump(tree) !== dump(replayed.tree)) throw new Error(`not the tree of zxid ${lastZxid}`)
  counts.recovered++
  const next = new TxnMaker(tree)
  next.made.push(...maker.made.filter(({ header }) => header.zxid <= lastZxid))
  next.time = maker.time
  expectation.maker = next
  expectation.ackedZxid = lastZxid
  for (;;) {
    const from = next.made.length
    fill(next, 1 + runtime.random.int(6))
    for (const { header, txn, digest } of next.made.slice(from)) store.append(header, txn, digest)
    await store.sync()
    expectation.ackedZxid = store.syncedZxid
    if (!store.snapshotDue) continue
    await store.takeSnapshot(tree, sessions)
    await store.purge(2)
    counts.snapshots++
  }
}

test(`no acknowledged txn is lost when the power goes, ${SEEDS} seeds`, async () => {
  const counts = { recovered: 0, snapshots: 0, acked: 0 }
  for (let seed = 1; seed <= SEEDS; seed++) {
    const sim = new Simulation({ seed })
    const host = sim.host('server')
    host.disk.setLatency({ minMs: 0.05, maxMs: 0.3, syncMinMs: 0.1, syncMaxMs: 2 })
    const expectation: Expectation = { maker: new TxnMaker(), ackedZxid: 0 }
    for (let round = 0; round < ROUNDS; round++) {
      host.spawn('server', runtime => live(runtime, expectation, counts))
      await sim.runFor(2 + sim.random.int(60))
      host.crash()
      host.restart()
    }
    counts.acked += expectation.ackedZxid
  }
  expect(counts.recovered).toBeGreaterThan(SEEDS * 2)
  expect(counts.snapshots).toBeGreaterThan(20)
  expect(counts.acked).toBeGreaterThan(SEEDS * 20)
})
