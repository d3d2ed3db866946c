/** File headers and the stat that snapshots keep (`persistence.FileHeader`, `StatPersisted`). */
import { int, long, long64, record } from './types.ts'
import type { TypeOf } from './types.ts'

export const FileHeader = record('FileHeader', { magic: int, version: int, dbid: long64 })
export type FileHeader = TypeOf<typeof FileHeader>

/** "ZKLG" */
export const TXN_LOG_MAGIC = 0x5a4b4c47
/** "ZKSN" */
export const SNAPSHOT_MAGIC = 0x5a4b534e

/** 60 bytes: a Stat without what the tree knows by itself. */
export const StatPersisted = record('StatPersisted', {
  czxid: long,
  mzxid: long,
  ctime: long,
  mtime: long,
  version: int,
  cversion: int,
  aversion: int,
  ephemeralOwner: long64,
  pzxid: long,
})
export type StatPersisted = TypeOf<typeof StatPersisted>
