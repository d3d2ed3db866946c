/**
 * A torn group must never keep the server down, damage must never be taken for a torn group. Disks
 * tear by sectors: of an unsynced group any sectors may have reached the disk.
 */
import { Simulation } from '@baton/runtime/sim'
import type { SimRandom } from '@baton/runtime/sim'
import { expect, test } from 'vitest'
import { MemoryDisk } from '../persistence/memory-disk.ts'
import { DIRECTORY, log, open } from '../persistence/store.ts'
import { TxnMaker } from '../state/txn-maker.ts'

const LOG = `${DIRECTORY}/log.1`
const SECTOR_BYTES = 512
const PRE_ALLOC_BYTES = 64 * 1024

/** Data as users have it: some short, some with stretches of zeros, some of zeros only. */
function someData(random: SimRandom): Uint8Array {
  const bytes = Buffer.from(random.bytes(random.int(random.chance(0.3) ? 6000 : 200)))
  if (random.chance(0.4)) {
    const from = random.int(bytes.length + 1)
    bytes.fill(0, from, Math.min(bytes.length, from + random.int(4000)))
  }
  return bytes
}

interface Made {
  readonly disk: MemoryDisk
  /** Where the file's records ended after each sync. */
  readonly ends: number[]
  /** The newest zxid after each sync. */
  readonly zxids: number[]
}

async function make(random: SimRandom, groups: number): Promise<Made> {
  const disk = new MemoryDisk()
  const { store } = await open(disk, { preAllocBytes: PRE_ALLOC_BYTES })
  const maker = new TxnMaker()
  const [ends, zxids]: [number[], number[]] = [[16], [0]]
  for (let group = 0; group < groups; group++) {
    const from = maker.made.length
    for (let i = 0; i <= random.int(5); i++) maker.create(`/${group}-${i}`, someData(random))
    await log(store, maker.made.slice(from))
    ends.push(disk.get(LOG).findLastIndex(byte => byte !== 0) + 1)
    zxids.push(maker.zxid)
  }
  return { disk, ends, zxids }
}

/** Of what was written behind `durableEnd` some sectors were not. */
function tear(disk: MemoryDisk, durableEnd: number, random: SimRandom): void {
  const file = disk.get(LOG)
  const lost = random.float()
  for (let at = durableEnd; at < file.length;) {
    const next = (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES
    if (random.chance(lost)) file.fill(0, at, Math.min(next, file.length))
    at = next
  }
}

const WORLDS = 300

test(`a group torn by sectors does not keep the server down, ${WORLDS} worlds`, async () => {
  const random = new Simulation({ seed: 11 }).random.fork('torn')
  let [cutInside, refused] = [0, 0]
  for (let i = 0; i < WORLDS; i++) {
    const { disk, ends, zxids } = await make(random, 3)
    tear(disk, ends[2] ?? 0, random)
    const found = await open(disk).catch((error: Error) => error)
    if (found instanceof Error) {
      refused++
      continue
    }
    expect(found.lastZxid, `world ${i}`).toBeGreaterThanOrEqual(zxids[2] ?? 0)
    if (found.lastZxid < (zxids[3] ?? 0)) cutInside++
  }
  expect(cutInside).toBeGreaterThan(WORLDS / 3)
  // A lost sector among zeros of the record's own cannot be told from damage: then it is refused.
  expect(refused).toBeLessThanOrEqual(WORLDS / 50)
})

test(`a damaged byte of an acknowledged record is no torn tail, ${WORLDS} worlds`, async () => {
  const random = new Simulation({ seed: 12 }).random.fork('damage')
  let [lost, refused] = [0, 0]
  for (let i = 0; i < WORLDS; i++) {
    const { disk, ends, zxids } = await make(random, 3)
    const at = 16 + random.int((ends[3] ?? 0) - 16)
    const file = disk.get(LOG)
    file[at] = (file[at] ?? 0) ^ (1 << random.int(8))
    const found = await open(disk).catch((error: Error) => error)
    if (found instanceof Error) refused++
    else if (found.lastZxid < (zxids[3] ?? 0)) lost++
  }
  expect(refused).toBeGreaterThan(WORLDS / 2)
  expect(lost).toBeLessThanOrEqual(WORLDS / 50)
})
