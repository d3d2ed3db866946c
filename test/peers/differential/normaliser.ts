import * as jute from '@baton/jute'
import { encode } from '@baton/jute'

const UNORDERED: ReadonlySet<string> = new Set(['children', 'ephemerals', 'clientInfo'])
const ZXID_FIELDS: ReadonlySet<string> = new Set(['czxid', 'mzxid', 'pzxid'])

/** Turns what two servers cannot share into what they must share. */
export class Normaliser {
  readonly #owners = new Map<bigint, string>()
  readonly #times = new Map<number, number>()
  #base: number | undefined

  /** zxids up to here are shown as they are; later ones as the distance to it. */
  startAt(zxid: number): void {
    this.#base = zxid
  }

  zxid(zxid: number): string {
    const base = this.#base ?? 0
    return zxid <= 0 || zxid <= base ? `${zxid}` : `+${zxid - base}`
  }

  /** Sessions by the order in which they were first seen. TTLs and such marks are as they are. */
  owner(owner: bigint): string {
    if (owner <= 0n) return `${owner}`
    let name = this.#owners.get(owner)
    if (name === undefined) {
      // The high byte is the server's id and the same on both.
      name = `session-${this.#owners.size + 1}-of-server-${owner >> 56n}`
      this.#owners.set(owner, name)
    }
    return name
  }

  request(value: unknown): string {
    return value === undefined ? '' : JSON.stringify(this.#walk(value, '', false))
  }

  /** The decoded body; bytes that the decoding does not account for are shown as they are. */
  body(body: Buffer, type: jute.AnyType | undefined): string {
    if (type === undefined) return `bytes ${body.toString('hex')}`
    try {
      const value: unknown = jute.decode(type, body)
      const again = encode(type, value)
      const exact = again.equals(body) ? '' : ` but the bytes are ${body.toString('hex')}`
      return JSON.stringify(this.#walk(value, '', true)) + exact
    } catch (error) {
      return `not a ${type.name} (${(error as Error).message}): ${body.toString('hex')}`
    }
  }

  #walk(value: unknown, key: string, reply: boolean): unknown {
    if (typeof value === 'bigint') return this.owner(value)
    if (typeof value === 'number') {
      if (ZXID_FIELDS.has(key) || (key === 'relativeZxid' && !reply)) return this.zxid(value)
      return value
    }
    if (value instanceof Uint8Array) return show(Buffer.from(value))
    if (Array.isArray(value)) {
      const walked = value.map(each => this.#walk(each, '', reply))
      if (reply && key === 'acl') return sortExpanded(walked as jute.ACL[])
      return reply && UNORDERED.has(key) ? walked.map(each => JSON.stringify(each)).sort() : walked
    }
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value).map(([name, each]) => [
      name,
      this.#walk(each, name, reply),
    ])
    const out = Object.fromEntries(entries) as Record<string, unknown>
    if ('ctime' in out) this.#statTimes(value as jute.Stat, out)
    return out
  }

  /** A stat's times are the times of its czxid and mzxid, the same in every stat. */
  #statTimes(stat: jute.Stat, out: Record<string, unknown>): void {
    out['ctime'] = this.#time(stat.czxid, stat.ctime)
    out['mtime'] = this.#time(stat.mzxid, stat.mtime)
  }

  #time(zxid: number, time: number): string {
    if (time === 0) return '0'
    const first = this.#times.get(zxid)
    if (first === undefined) {
      this.#times.set(zxid, time)
      const age = Math.abs(Date.now() - time)
      return age < 600_000 ? 'time of its txn' : `${age} ms off the wall clock`
    }
    return first === time ? 'time of its txn' : `${time - first} ms off the time of its txn`
  }
}

function show(bytes: Buffer): string {
  if (bytes.length > 64) return `${bytes.length} bytes ${bytes.subarray(0, 16).toString('hex')}`
  return bytes.every(byte => byte >= 0x20 && byte < 0x7f)
    ? `"${bytes.toString()}"`
    : bytes.toString('hex')
}

/** The ids that one `auth` entry stood for come in no order, behind each other. */
function sortExpanded(list: readonly jute.ACL[]): unknown[] {
  const out: string[] = []
  let begin = 0
  list.forEach((entry, at) => {
    const first = list[begin]
    if (first?.id.scheme !== entry.id.scheme || first.perms !== entry.perms) begin = at
    out.push(`${entry.perms} ${entry.id.scheme}:${entry.id.id}`)
    out.splice(begin, out.length, ...out.slice(begin).sort())
  })
  return out
}
