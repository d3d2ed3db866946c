/** Opens a store over a disk in memory, and makes logs for it. */
import { silentLogger } from '@baton/runtime'
import type { Logger } from '@baton/runtime'
import { FileTxnSnapLog } from '../../src/persistence/file-txn-snap-log.ts'
import type { FileTxnSnapLogOptions, Recovered } from '../../src/persistence/file-txn-snap-log.ts'
import type { MadeTxn, TxnMaker } from '../state/txn-maker.ts'
import { bytes } from '../state/txn-maker.ts'
import type { MemoryDisk } from './memory-disk.ts'

export const DIRECTORY = '/data/version-2'

export function open(
  disk: MemoryDisk,
  options: Partial<FileTxnSnapLogOptions> = {},
  logger: Logger = silentLogger,
): Promise<Recovered> {
  const random = { int: () => 0, bytes: (count: number) => new Uint8Array(count) }
  const all = { dataDir: '/data', dataLogDir: '/data', preAllocBytes: 0, ...options }
  return FileTxnSnapLog.open({ disk, random, logger }, all)
}

/** Remembers what was warned of. */
export class RecordingLogger implements Logger {
  readonly lines: string[] = []
  debug(): void {}
  info(): void {}
  warn(_: object, message: string): void {
    this.lines.push(message)
  }
  error(_: object, message: string): void {
    this.lines.push(message)
  }
  child(): Logger {
    return this
  }
}

export async function log(store: FileTxnSnapLog, txns: readonly MadeTxn[]): Promise<void> {
  for (const { header, txn, digest } of txns) store.append(header, txn, digest)
  await store.sync()
}

/** A mix of `count` txns with small records; the tree stays small, so that recovery is quick. */
export function fill(maker: TxnMaker, count: number): void {
  const end = maker.zxid + count
  for (let i = 0; maker.zxid < end; i++) {
    const session = BigInt(1 + (i % 3))
    const name = `/${i % 7}`
    if (i % 11 === 10) maker.closeSession(session)
    else if (i % 5 === 4) maker.createSession(session)
    else if (maker.tree.get(name) === undefined) {
      maker.create(name, bytes(`${i}`), i % 2 === 0 ? { session } : {})
    } else if (i % 3 === 2) maker.delete(name)
    else maker.setData(name, i % 4 === 1 ? null : bytes(`data ${i}`))
  }
}
