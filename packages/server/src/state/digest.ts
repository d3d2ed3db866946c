/**
 * The tree's digest, version 2 (ZooKeeper 3.9 `DigestCalculator`, `AdHash`): the 64-bit wrapping
 * sum of every znode's CRC-32. Being a sum it is kept up to date by taking the old value of a
 * changed node away and adding the new one, and it does not depend on any order.
 *
 * A txn carries the digest the tree has *after* it. Prep predicts it before the txn is logged; the
 * tree computes it again when it applies. Nodes below /zookeeper count nothing, since servers
 * change the quota statistics there without a txn.
 */
import { encode, StatPersisted } from '@baton/jute'
import { crc32Bytes, crc32End, crc32Text, CRC32_START } from './crc32.ts'

export const DIGEST_VERSION = 2

const UNCOUNTED_SUBTREE = '/zookeeper/'

/** Where the fields lie in an encoded `StatPersisted`, and its size. */
export const StatOffset = {
  czxid: 0,
  mzxid: 8,
  ctime: 16,
  mtime: 24,
  version: 32,
  cversion: 36,
  aversion: 40,
  ephemeralOwner: 44,
  pzxid: 52,
} as const
export const STAT_PERSISTED_BYTES = 60

/** A 64-bit sum in two halves: a double would lose bits, a BigInt would be made anew each time. */
export class DigestSum {
  high = 0
  low = 0

  /** `crc` is taken as unsigned. */
  add(crc: number): this {
    const sum = this.low + (crc >>> 0)
    this.low = sum >>> 0
    if (sum > 0xffff_ffff) this.high = (this.high + 1) | 0
    return this
  }

  subtract(crc: number): this {
    const rest = this.low - (crc >>> 0)
    this.low = rest >>> 0
    if (rest < 0) this.high = (this.high - 1) | 0
    return this
  }

  copy(): DigestSum {
    const copy = new DigestSum()
    copy.high = this.high
    copy.low = this.low
    return copy
  }

  equals(other: DigestSum): boolean {
    return this.high === other.high && this.low === other.low
  }

  /** Signed, as `TxnDigest.treeDigest` is. */
  toBigInt(): bigint {
    return (BigInt(this.high) << 32n) | BigInt(this.low)
  }
}

/** Whether the node counts in the digest. */
export function isCounted(path: string): boolean {
  return !path.startsWith(UNCOUNTED_SUBTREE)
}

/** CRC of path, data and stat; `stat` holds an encoded `StatPersisted` from `at` on. */
export function digestOf(
  path: string,
  data: Uint8Array,
  dataStart: number,
  dataEnd: number,
  stat: Uint8Array,
  at: number,
): number {
  let crc = path === '/' ? CRC32_START : crc32Text(CRC32_START, path)
  crc = crc32Bytes(crc, data, dataStart, dataEnd)
  // The digest's order of fields is not the record's: pzxid comes right after mzxid.
  crc = crc32Bytes(crc, stat, at, at + StatOffset.ctime)
  crc = crc32Bytes(crc, stat, at + StatOffset.pzxid, at + STAT_PERSISTED_BYTES)
  crc = crc32Bytes(crc, stat, at + StatOffset.ctime, at + StatOffset.pzxid)
  return crc32End(crc)
}

const NO_DATA = new Uint8Array(0)

/** The digest of one znode as a signed int; 0 below /zookeeper. */
export function nodeDigest(path: string, data: Uint8Array | null, stat: StatPersisted): number {
  if (!isCounted(path)) return 0
  const bytes = data ?? NO_DATA
  return digestOf(path, bytes, 0, bytes.length, encode(StatPersisted, stat), 0)
}
