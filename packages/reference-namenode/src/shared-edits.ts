/**
 * The edits directory that all NameNodes of a nameservice share, and why it has one writer.
 *
 *   epoch-N   made exclusively by the writer of epoch N before anything else: the claim
 *   seal-N    made by the same writer next: for each older log, how many of its bytes count
 *   edits-N   the log of that writer; made only once seal-N is durable
 *
 * A writer acknowledges an edit only if, after the edit was synced, no higher epoch was there.
 * So an edit acknowledged in epoch N was durable before any higher claim was made; whoever claims
 * a higher epoch reads afterwards, and finds it. What N still writes after that claim is never
 * acknowledged, and may or may not count; the seal decides once which, for every later reader.
 *
 * Which seal rules: the one of the highest epoch that has a whole one, k. It speaks for every log
 * below k; log k counts as far as its records are whole; logs above k have not acknowledged
 * anything (their writer would have had a durable seal first) and count for nothing. A seal that
 * a paused writer makes late is below one that rules, or its writer never acknowledges an edit.
 *
 * The directory must show one writer's changes to the others at once (a local file system, or NFS
 * with attribute caching off).
 */
import {
  assert,
  DiskError,
  parentDirectory,
  readFile,
  type Disk,
  type DiskFile,
} from '@baton/runtime'
import { crc32, RECORD_BYTES_MAX, scanEdits, type Edit } from './edit-record.ts'

/** How many bytes of each older log count, by epoch. */
export type SealTable = ReadonlyMap<number, number>

/** What a reader goes by. */
export interface History {
  /** Epoch of the seal that rules; 0 where none does. */
  readonly rulingEpoch: number
  readonly sealed: SealTable
}

/** The directory says something that no run of the protocol leads to. */
export class DamagedEditsError extends Error {
  override readonly name = 'DamagedEditsError'
}

const NUMBER_DIGITS = 12
const SEAL_BYTES_MAX = 16 * 1024 * 1024
const READ_BYTES = 1024 * 1024
/** Claims lost against others before giving up; each lost one means that another one won. */
const CLAIM_TRIES_MAX = 100

export class SharedEdits {
  readonly #disk: Disk
  readonly directory: string

  constructor(disk: Disk, directory: string) {
    this.#disk = disk
    this.directory = directory
  }

  path(kind: 'epoch' | 'seal' | 'edits', epoch: number): string {
    return `${this.directory}/${kind}-${String(epoch).padStart(NUMBER_DIGITS, '0')}`
  }

  /**
   * Makes the directory, and makes its name durable: also one that another NameNode made just now
   * and may have had no time to sync, because everything written into it would go with the name.
   */
  async prepare(): Promise<void> {
    const parents = [parentDirectory(this.directory)]
    for (let at = parents[0]; at !== undefined && at !== '/' && at !== '.';) {
      if ((await this.#disk.stat(at)) !== undefined) break
      at = parentDirectory(at)
      parents.push(at)
    }
    await this.#disk.makeDirectory(this.directory)
    for (const parent of parents) await this.#disk.syncDirectory(parent)
  }

  /** The highest epoch claimed so far, durable or not; 0 where there is none. */
  async newestEpoch(): Promise<number> {
    return highest(await this.#disk.list(this.directory), 'epoch')
  }

  /** Claims the next epoch; it is durable once this resolves. */
  async claim(writer: string): Promise<number> {
    for (let tries = 0; tries < CLAIM_TRIES_MAX; tries += 1) {
      const epoch = (await this.newestEpoch()) + 1
      const claimed = await this.#create(this.path('epoch', epoch), encode(`${writer}\n`))
      if (claimed) return epoch
    }
    throw new DamagedEditsError(`${CLAIM_TRIES_MAX} others claimed an epoch in ${this.directory}`)
  }

  /** What rules below `epoch`, or of all where absent. */
  async history(belowEpoch = Number.MAX_SAFE_INTEGER): Promise<History> {
    const names = await this.#disk.list(this.directory)
    const epochs = numbers(names, 'seal').filter(epoch => epoch < belowEpoch)
    for (const epoch of epochs.sort((a, b) => b - a)) {
      const content = await readFile(this.#disk, this.path('seal', epoch), SEAL_BYTES_MAX)
      const sealed = content === undefined ? undefined : parseSeal(content)
      if (sealed !== undefined) return { rulingEpoch: epoch, sealed }
    }
    return { rulingEpoch: 0, sealed: new Map() }
  }

  /**
   * Decides, for the writer that claimed `epoch`, what counts of every older log. The open log is
   * synced first: bytes that count must not be lost afterwards.
   */
  async decideSeal(epoch: number): Promise<SealTable> {
    const { rulingEpoch, sealed } = await this.history(epoch)
    const table = new Map(sealed)
    for (let older = Math.max(1, rulingEpoch); older < epoch; older += 1) table.set(older, 0)
    if (rulingEpoch === 0) return table
    const path = this.path('edits', rulingEpoch)
    if ((await this.#disk.stat(path)) === undefined) return table
    const file = await this.#disk.open(path, 'write')
    try {
      await file.sync()
    } finally {
      await file.close()
    }
    let validBytes = 0
    for await (const scanned of this.read(rulingEpoch, 0)) validBytes += scanned.validBytes
    table.set(rulingEpoch, validBytes)
    return table
  }

  /** Makes the seal of `epoch` durable. */
  async seal(epoch: number, table: SealTable): Promise<void> {
    const text = JSON.stringify({ epoch, sealed: [...table] })
    const created = await this.#create(
      this.path('seal', epoch),
      encode(`${text}\n${crc32(encode(text))}\n`),
    )
    assert(created, 'only the writer that claimed an epoch makes its seal')
  }

  /** The log of `epoch`, empty, its name durable. */
  async createLog(epoch: number): Promise<DiskFile> {
    const file = await this.#disk.open(this.path('edits', epoch), 'create')
    await this.#disk.syncDirectory(this.directory)
    return file
  }

  /** Whole records of one log from a byte on, in pieces, up to `endByte` or the last whole one. */
  async *read(
    epoch: number,
    fromByte: number,
    endByte = Number.MAX_SAFE_INTEGER,
  ): AsyncGenerator<{ edits: readonly Edit[]; validBytes: number }> {
    const path = this.path('edits', epoch)
    if ((await this.#disk.stat(path)) === undefined) return
    const file = await this.#disk.open(path, 'read')
    try {
      const end = Math.min(endByte, await file.size())
      let at = fromByte
      while (at < end) {
        const length = Math.min(READ_BYTES + RECORD_BYTES_MAX, end - at)
        const scanned = scanEdits(await file.read(at, length))
        if (scanned.validBytes === 0) return
        at += scanned.validBytes
        yield scanned
      }
    } finally {
      await file.close()
    }
  }

  /** A new durable file; false where the name is taken. */
  async #create(path: string, content: Uint8Array): Promise<boolean> {
    let file: DiskFile
    try {
      file = await this.#disk.open(path, 'create')
    } catch (error) {
      if (error instanceof DiskError && error.code === 'EEXIST') return false
      throw error
    }
    try {
      await file.append(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await this.#disk.syncDirectory(this.directory)
    return true
  }
}

function numbers(names: readonly string[], kind: string): number[] {
  const found: number[] = []
  for (const name of names) {
    const match = /^([a-z]+)-(\d+)$/.exec(name)
    if (match?.[1] === kind) found.push(Number(match[2]))
  }
  return found
}

function highest(names: readonly string[], kind: string): number {
  return Math.max(0, ...numbers(names, kind))
}

/** undefined for a seal that its writer did not get to finish. */
function parseSeal(content: Uint8Array): SealTable | undefined {
  const match = /^(.+)\n(\d+)\n$/.exec(new TextDecoder().decode(content))
  const text = match?.[1]
  if (text === undefined || crc32(encode(text)) !== Number(match?.[2])) return undefined
  const { sealed } = JSON.parse(text) as { sealed: [number, number][] }
  return new Map(sealed)
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
