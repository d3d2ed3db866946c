/**
 * Telling a torn tail from damage, behind the last whole record of a txn log.
 *
 * After a crash the end of the log may hold anything: part of a record, zeros that preallocation
 * put there, or later parts of a group whose earlier parts never reached the disk. None of it was
 * acknowledged, and all of it is cut off. But damage to what *was* acknowledged must not be taken
 * for that, since the server would go on as if nothing had been there.
 *
 * What tells them apart: a group of records is written and synced as one, into room that holds only
 * zeros, and the next is written only after. So in a torn group
 *   - a record is bad only because a part of it was never written: from some byte on nothing was,
 *     or whole sectors still hold their zeros;
 *   - whole records behind the bad one are of the same group, which bounds how far behind they
 *     begin, and they do not begin inside of it.
 * Everything else is damage, also where no good record follows. (ZooKeeper 3.9 takes any zeros for
 * the end and refuses any bad checksum, the last one too.)
 *
 * Zeros can be a record's own: data may hold sectors of them. Where both ends of a record are there
 * a hole inside of it must therefore look like one: it begins or ends at the border of a sector,
 * give or take the few zeros that a neighbouring number may have. Zeros of a record's own lie
 * anywhere; one such stretch in 32 is still taken for a hole.
 */
import { assert } from '@baton/runtime'
import { ADLER32_START, adler32 } from './adler32.ts'
import {
  END_OF_RECORD,
  GROUP_BYTES_MAX,
  LOG_HEADER_BYTES,
  RECORD_HEAD_BYTES,
} from './file-txn-log.ts'
import { isZeros, SECTOR_BYTES } from './log-file.ts'
import type { LogFile } from './log-file.ts'
import { PersistenceError } from './persistence-error.ts'

/** Every record of a group begins within this from its first. */
const GROUP_SPAN_BYTES_MAX = GROUP_BYTES_MAX + LOG_HEADER_BYTES
/** A head begins with as many zeros; then comes the checksum. */
const HEAD_ZERO_BYTES = 4
const CHECKSUM_AT = 4
/** A long beside a hole begins or ends with fewer zeros than it has bytes. */
const CHANCE_ZEROS_MAX = 7

/** Whether what follows `at` is a torn tail (true) or nothing (false). Throws on damage. */
export async function judgeEnd(log: LogFile, path: string, at: number): Promise<boolean> {
  if ((await log.nonZeroFrom(at)) === undefined) return false
  const next = await log.findRecord(at + 1)
  const reason = await damageAt(log, at, next)
  if (reason === undefined) return true
  throw new PersistenceError(
    path,
    `a bad record, ${reason}: what was acknowledged is damaged. ` +
      'Restore this file from a copy or from another server of the ensemble; ' +
      'cutting it off here would lose acknowledged writes',
    { offset: at },
  )
}

/** Why the bad record at `at` is no torn one; undefined where it is. */
async function damageAt(
  log: LogFile,
  at: number,
  next: number | undefined,
): Promise<string | undefined> {
  if (next === undefined) {
    if (await isWholeButItsHead(log, at)) return 'but its content is whole and only its head is not'
    if (await isUnwritten(log, at, log.size)) return undefined
    return 'but no part of it is missing'
  }
  const far = await log.findRecord(Math.max(next, at + GROUP_SPAN_BYTES_MAX))
  if (far !== undefined && far >= at + GROUP_SPAN_BYTES_MAX) {
    return `but whole records follow at offset ${far}`
  }
  if (await isUnwritten(log, at, next)) return undefined
  return `but whole records follow at offset ${next}`
}

/** The checksum fits what lies between the head and the last written byte. */
async function isWholeButItsHead(log: LogFile, at: number): Promise<boolean> {
  const end = await log.endOfNonZero(at)
  const length = end - at
  if (length <= RECORD_HEAD_BYTES + 1 || !(await log.load(at, length))) return false
  const bytes = log.bytesAt(at, length)
  if (bytes[length - 1] !== END_OF_RECORD) return false
  const sum = adler32(ADLER32_START, bytes, RECORD_HEAD_BYTES, length - 1)
  return sum === bytes.readUInt32BE(CHECKSUM_AT)
}

/** Whether a part of the record at `at`, which must end by `limit`, was never written. */
async function isUnwritten(log: LogFile, at: number, limit: number): Promise<boolean> {
  const isLast = limit === log.size
  if (await headIsUnwritten(log, at, limit)) return true
  if (!(await log.load(at, RECORD_HEAD_BYTES))) return true
  const length = log.lengthAt(at)
  // With nothing good behind it, what is no head at all is the rubbish of a group's tail.
  if (length === undefined) return isLast
  const end = at + RECORD_HEAD_BYTES + length + 1
  // Where a whole record begins inside of it, its length is wrong, and so its head was damaged.
  if (end > limit) return isLast
  const loaded = await log.load(at, end - at)
  assert(loaded, 'the record lies within the file')
  const bytes = log.bytesAt(at, end - at)
  if (bytes.at(-1) !== END_OF_RECORD) {
    const lastSector = Math.max(sectorOf(end - 1) - at, RECORD_HEAD_BYTES)
    if (isZeros(bytes, lastSector, bytes.length - lastSector)) return true
    if (isLast && bytes.at(-1) === 0) return true
  }
  return hasHole(bytes, at)
}

/** A head is never all zeros, nor is the content right behind it. */
async function headIsUnwritten(log: LogFile, at: number, limit: number): Promise<boolean> {
  const border = sectorOf(at) + SECTOR_BYTES
  const before = border - at
  if (before > HEAD_ZERO_BYTES && border <= limit && (await isZero(log, at, before))) return true
  if (before >= RECORD_HEAD_BYTES || border + SECTOR_BYTES > limit) return false
  return isZero(log, border, SECTOR_BYTES)
}

async function isZero(log: LogFile, at: number, length: number): Promise<boolean> {
  return (await log.load(at, length)) && isZeros(log.bytesAt(at, length), 0, length)
}

/** Whether zeros over whole sectors of the record at `at` look unwritten. */
function hasHole(record: Buffer, at: number): boolean {
  for (let from = sectorOf(at) + SECTOR_BYTES - at; from + SECTOR_BYTES <= record.length;) {
    if (!isZeros(record, from, SECTOR_BYTES)) {
      from += SECTOR_BYTES
      continue
    }
    let end = from + SECTOR_BYTES
    while (isZeros(record, end, SECTOR_BYTES)) end += SECTOR_BYTES
    if (!isZeroRun(record, from - CHANCE_ZEROS_MAX - 1)) return true
    if (!isZeroRun(record, end)) return true
    from = end
  }
  return false
}

/** Whether there are too many zeros from `from` on to be there by chance. */
function isZeroRun(record: Buffer, from: number): boolean {
  return from >= 0 && isZeros(record, from, CHANCE_ZEROS_MAX + 1)
}

function sectorOf(offset: number): number {
  return offset - (offset % SECTOR_BYTES)
}
