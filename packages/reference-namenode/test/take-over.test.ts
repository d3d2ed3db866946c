import { describe, expect, test } from 'vitest'
import { EditLogTailer } from '../src/edit-log-tailer.ts'
import { encodeEdit, scanEdits } from '../src/edit-record.ts'
import { SharedEdits } from '../src/shared-edits.ts'
import { takeOver } from '../src/take-over.ts'
import { MemoryDisk, StepDisk } from './step-disk.ts'

const DIRECTORY = '/edits'
const EDITS_EACH = 3

/** Everything that was acknowledged, by whom, in the order of the acknowledgements. */
type Acknowledged = string[]

/** A writer as a NameNode runs it: takes over, then writes edit after edit until it fails. */
class Writer {
  readonly name: string
  readonly disk: StepDisk
  readonly acknowledged: Acknowledged = []
  readonly done: Promise<void>
  failure: Error | undefined

  constructor(disk: MemoryDisk, name: string, stopBefore = Number.POSITIVE_INFINITY) {
    this.name = name
    this.disk = new StepDisk(disk)
    this.disk.stopBefore = stopBefore
    this.done = this.#run().catch((error: unknown) => {
      this.failure = error as Error
    })
  }

  async #run(): Promise<void> {
    const edits = new SharedEdits(this.disk, DIRECTORY)
    const tailer = new EditLogTailer(edits)
    const { name } = this
    const log = await takeOver({ edits, tailer, writer: name, onFailure: () => {} })
    for (let count = 0; count < EDITS_EACH; count += 1) {
      const path = `/${name}-${count}`
      const edit = { txid: tailer.lastTxid + 1, operation: { kind: 'mkdir', path } as const }
      tailer.apply(edit)
      await log.write(edit)
      this.acknowledged.push(path.slice(1))
    }
  }

  /** Stopped, or at its end. */
  settled(): Promise<void> {
    return Promise.race([this.disk.stopped, this.done])
  }
}

/** What the next writer would find, each edit once, in order. */
async function survivors(disk: MemoryDisk): Promise<readonly string[]> {
  const edits = new SharedEdits(new StepDisk(disk), DIRECTORY)
  const tailer = new EditLogTailer(edits)
  await takeOver({ edits, tailer, writer: 'judge', onFailure: () => {} })
  return tailer.namespace.ls('/').map(entry => entry.name)
}

async function operationsOfOneWriter(prepare: (disk: MemoryDisk) => Promise<void>) {
  const disk = new MemoryDisk()
  await prepare(disk)
  const writer = new Writer(disk, 'w')
  await writer.done
  expect(writer.failure).toBeUndefined()
  return writer.disk.operationCount
}

const claim = (epoch: number): string => `/edits/epoch-00000000000${epoch}`

const nothing = async (): Promise<void> => {}

describe('two writers, the first stopped before each of its steps', () => {
  test('no acknowledged edit is lost, none is acknowledged afterwards', async () => {
    const count = await operationsOfOneWriter(nothing)
    expect(count).toBeGreaterThan(20)
    for (let step = 0; step <= count; step += 1) {
      const disk = new MemoryDisk()
      const first = new Writer(disk, 'a', step)
      await first.settled()
      const before = first.acknowledged.length
      const claimed = disk.files.has(claim(1))
      const second = new Writer(disk, 'b')
      await second.done
      expect(second.failure, `step ${step}`).toBeUndefined()
      expect(second.acknowledged).toEqual(['b-0', 'b-1', 'b-2'])
      first.disk.goOn()
      await first.done
      // One that had claimed nothing yet claims the higher epoch itself.
      const expected = claimed ? before : EDITS_EACH
      expect(first.acknowledged.length, `step ${step}`).toBe(expected)
      const found = await survivors(disk)
      for (const name of [...first.acknowledged, ...second.acknowledged]) {
        expect(found, `step ${step}`).toContain(name)
      }
    }
  })
})

describe('three writers, two of them stopped at every pair of steps', () => {
  test.each(['the older goes on first', 'the younger goes on first'])('%s', async order => {
    const firstCount = await operationsOfOneWriter(nothing)
    const secondCount = await operationsOfOneWriter(async disk => new Writer(disk, 'x').done)
    for (let i = 0; i <= firstCount; i += 1) {
      for (let j = 0; j <= secondCount; j += 1) {
        const disk = new MemoryDisk()
        const first = new Writer(disk, 'a', i)
        await first.settled()
        const second = new Writer(disk, 'b', j)
        await second.settled()
        const third = new Writer(disk, 'c')
        await third.done
        const resumed = order.includes('older') ? [first, second] : [second, first]
        for (const writer of resumed) {
          writer.disk.goOn()
          await writer.done
        }
        const found = new Set(await survivors(disk))
        for (const writer of [first, second, third]) {
          const lost = writer.acknowledged.filter(name => !found.has(name))
          expect(lost, `steps ${i} and ${j}`).toEqual([])
        }
      }
    }
  })

  test('what one finds while two are stopped is what the next finds after', async () => {
    const count = await operationsOfOneWriter(nothing)
    let compared = 0
    for (let i = 0; i <= count; i += 1) {
      for (let j = 0; j <= count; j += 1) {
        const disk = new MemoryDisk()
        const stopped = [new Writer(disk, 'a', i), new Writer(disk, 'b', j)]
        for (const writer of stopped) await writer.settled()
        if (!disk.files.has(claim(1)) || !disk.files.has(claim(2))) continue
        compared += 1
        const early = await survivors(disk)
        for (const writer of stopped) writer.disk.goOn()
        await Promise.all(stopped.map(writer => writer.done))
        expect(await survivors(disk), `steps ${i} and ${j}`).toEqual(early)
      }
    }
    expect(compared).toBeGreaterThan(300)
  })
})

describe('torn and foreign bytes', () => {
  test('a log counts up to its last whole record, wherever it is cut', async () => {
    const edits = [1, 2, 3].map(txid =>
      encodeEdit({ txid, operation: { kind: 'mkdir', path: `/é${txid}` } }),
    )
    const whole = Buffer.concat(edits)
    const ends = [0]
    for (const edit of edits) ends.push((ends.at(-1) ?? 0) + edit.length)
    for (let cut = 0; cut <= whole.length; cut += 1) {
      const expected = ends.filter(end => end <= cut).length - 1
      for (const tail of [new Uint8Array(0), new Uint8Array(50), Buffer.alloc(50, 0xff)]) {
        const scanned = scanEdits(Buffer.concat([whole.subarray(0, cut), tail]))
        expect(scanned.edits.length, `cut at ${cut}`).toBe(expected)
        expect(scanned.validBytes).toBe(ends[expected])
      }
    }
  })

  test('a record with any bit changed does not count', () => {
    const record = encodeEdit({ txid: 1, operation: { kind: 'mkdir', path: '/a' } })
    for (let bit = 0; bit < record.length * 8; bit += 1) {
      const bent = record.slice()
      bent[bit >> 3] = (bent[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(scanEdits(bent).edits).toEqual([])
    }
  })

  test('a seal that was not finished rules nothing', async () => {
    const disk = new MemoryDisk()
    await new Writer(disk, 'a').done
    const second = new Writer(disk, 'b')
    await second.done
    const seal = '/edits/seal-000000000002'
    const whole = disk.content(seal)
    for (let cut = 0; cut < whole.length; cut += 1) {
      disk.files.set(seal, whole.slice(0, cut))
      const history = await new SharedEdits(new StepDisk(disk), DIRECTORY).history()
      expect(history.rulingEpoch).toBe(1)
    }
  })

  test('a log shorter than its seal is reported as damage, not read as less', async () => {
    const disk = new MemoryDisk()
    await new Writer(disk, 'a').done
    await new Writer(disk, 'b').done
    const log = '/edits/edits-000000000001'
    disk.files.set(log, disk.content(log).slice(0, -1))
    await expect(survivors(disk)).rejects.toThrow(/edits-000000000001 is sealed at \d+ bytes/)
  })
})
