/**
 * One znode. Its stat and data lie in a slab, in the byte order of `StatPersisted`, because the
 * wire, the snapshot and the digest all want these very bytes: a read reply copies them, and
 * 100,000 nodes cost five small fields each instead of a dozen boxed numbers and a buffer object.
 *
 * `cversion` in here counts creates of children and nothing else (it names sequential children);
 * what clients see is 2 * cversion - numChildren, the number of creates and deletes.
 */
import type { Reader, Stat, StatPersisted, Writer } from '@baton/jute'
import { assert } from '@baton/runtime'
import type { AclEntry } from './acl-cache.ts'
import { digestOf, isCounted, STAT_PERSISTED_BYTES, StatOffset } from './digest.ts'
import type { Slab } from './slab.ts'

export type ZnodeKind = 'persistent' | 'ephemeral' | 'container' | 'ttl'

/** `EphemeralType.CONTAINER`: the owner of a container node. */
export const CONTAINER_OWNER = -(1n << 63n)
/** `EphemeralType.TTL`: this mark with the TTL in the low 40 bits. */
export const TTL_OWNER_MARK = -(1n << 56n)

const STAT_WIRE_BYTES = 68
/** Offsets in the wire's `Stat` where it differs: pzxid comes after two counts. */
const WIRE_DATA_LENGTH = 52
const WIRE_CHILD_COUNT = 56
const WIRE_PZXID = 60
const TWO_32 = 0x1_0000_0000
const NULL_DATA = -1
const NO_CHILDREN: ReadonlySet<string> = new Set()
const NO_BYTES = new Uint8Array(0)

export interface NewStat {
  readonly zxid: number
  readonly time: number
  readonly ephemeralOwner: bigint
}

export class Znode {
  acl: AclEntry
  /** CRC-32 as a signed int; 0 where the node does not count. */
  digest = 0
  kind: ZnodeKind = 'persistent'
  #bytes: Buffer
  #at: number
  /** -1 for null, which reads as length 0. */
  #length: number
  #children: Set<string> | undefined = undefined

  /** Takes room in `slab`; the stat is zero. */
  constructor(slab: Slab, data: Uint8Array | null, acl: AclEntry) {
    this.acl = acl
    this.#length = data === null ? NULL_DATA : data.length
    this.#at = slab.reserve(STAT_PERSISTED_BYTES + this.dataLength)
    this.#bytes = slab.bytes
    this.#bytes.fill(0, this.#at, this.#at + STAT_PERSISTED_BYTES)
    if (data !== null) this.#bytes.set(data, this.#dataAt)
  }

  get czxid(): number {
    return this.#long(StatOffset.czxid)
  }
  get mzxid(): number {
    return this.#long(StatOffset.mzxid)
  }
  get ctime(): number {
    return this.#long(StatOffset.ctime)
  }
  get mtime(): number {
    return this.#long(StatOffset.mtime)
  }
  get pzxid(): number {
    return this.#long(StatOffset.pzxid)
  }
  get version(): number {
    return this.#int(StatOffset.version)
  }
  /** Creates of children so far: the next sequential number. */
  get cversion(): number {
    return this.#int(StatOffset.cversion)
  }
  get aversion(): number {
    return this.#int(StatOffset.aversion)
  }
  /** Session id, `CONTAINER_OWNER`, or the TTL mark. Makes a BigInt. */
  get ephemeralOwner(): bigint {
    return this.#bytes.readBigInt64BE(this.#at + StatOffset.ephemeralOwner)
  }
  get dataLength(): number {
    return this.#length === NULL_DATA ? 0 : this.#length
  }
  /** Bytes this node takes in its slab. */
  get storedBytes(): number {
    return STAT_PERSISTED_BYTES + this.dataLength
  }
  /** A copy. */
  get data(): Uint8Array | null {
    if (this.#length === NULL_DATA) return null
    return Uint8Array.prototype.slice.call(this.#bytes, this.#dataAt, this.#dataAt + this.#length)
  }
  get childCount(): number {
    return this.#children === undefined ? 0 : this.#children.size
  }

  childNames(): Iterable<string> {
    return this.#children ?? NO_CHILDREN
  }
  hasChild(name: string): boolean {
    return this.#children !== undefined && this.#children.has(name)
  }
  addChild(name: string): void {
    this.#children ??= new Set()
    this.#children.add(name)
  }
  removeChild(name: string): void {
    this.#children?.delete(name)
    if (this.#children?.size === 0) this.#children = undefined
  }

  /** The stat of a node just made. */
  initialise(stat: NewStat, extendedTypes: boolean): void {
    this.#setLong(StatOffset.czxid, stat.zxid)
    this.#setLong(StatOffset.mzxid, stat.zxid)
    this.#setLong(StatOffset.pzxid, stat.zxid)
    this.#setLong(StatOffset.ctime, stat.time)
    this.#setLong(StatOffset.mtime, stat.time)
    this.#bytes.writeBigInt64BE(stat.ephemeralOwner, this.#at + StatOffset.ephemeralOwner)
    this.kind = this.#kindByOwner(extendedTypes)
  }

  setChildrenChanged(cversion: number, pzxid: number): void {
    this.#bytes.writeInt32BE(cversion, this.#at + StatOffset.cversion)
    this.#setLong(StatOffset.pzxid, pzxid)
  }
  setPzxid(pzxid: number): void {
    this.#setLong(StatOffset.pzxid, pzxid)
  }
  setAversion(aversion: number): void {
    this.#bytes.writeInt32BE(aversion, this.#at + StatOffset.aversion)
  }

  /** Writes in place where the size is the same, else moves to new room in `slab`. */
  setData(
    slab: Slab,
    data: Uint8Array | null,
    stat: { version: number; zxid: number; time: number },
  ): void {
    const bytes = data ?? NO_BYTES
    if (bytes.length !== this.dataLength) this.#move(slab, bytes.length)
    this.#length = data === null ? NULL_DATA : bytes.length
    this.#bytes.set(bytes, this.#dataAt)
    this.#bytes.writeInt32BE(stat.version, this.#at + StatOffset.version)
    this.#setLong(StatOffset.mzxid, stat.zxid)
    this.#setLong(StatOffset.mtime, stat.time)
  }

  /** Moves to new room, so that the old slab can be let go. */
  relocate(slab: Slab): void {
    const { dataLength } = this
    const from = this.#bytes
    const dataAt = this.#dataAt
    this.#move(slab, dataLength)
    from.copy(this.#bytes, this.#dataAt, dataAt, dataAt + dataLength)
  }

  computeDigest(path: string): number {
    if (!isCounted(path)) return 0
    const end = this.#dataAt + this.dataLength
    return digestOf(path, this.#bytes, this.#dataAt, end, this.#bytes, this.#at)
  }

  /** The 68 bytes of the wire's `Stat`. */
  writeStat(writer: Writer): void {
    const to = writer.reserve(STAT_WIRE_BYTES)
    const out = writer.buffer
    const from = this.#bytes
    // Loops beat native copies at these sizes.
    for (let i = 0; i < WIRE_DATA_LENGTH; i++) out[to + i] = from[this.#at + i] as number
    for (let i = 0; i < 8; i++) {
      out[to + WIRE_PZXID + i] = from[this.#at + StatOffset.pzxid + i] as number
    }
    out.writeInt32BE(this.#wireCversion(), to + StatOffset.cversion)
    out.writeInt32BE(this.dataLength, to + WIRE_DATA_LENGTH)
    out.writeInt32BE(this.childCount, to + WIRE_CHILD_COUNT)
    if (this.kind === 'container' || this.kind === 'ttl') {
      // They belong to nobody as clients see it.
      out.fill(0, to + StatOffset.ephemeralOwner, to + WIRE_DATA_LENGTH)
    }
  }

  /** As a jute buffer: -1 for null. */
  writeData(writer: Writer): void {
    writer.int(this.#length)
    if (this.#length <= 0) return
    const to = writer.reserve(this.#length)
    this.#bytes.copy(writer.buffer, to, this.#dataAt, this.#dataAt + this.#length)
  }

  /** As a jute vector of strings, in no order. */
  writeChildren(writer: Writer): void {
    writer.int(this.childCount)
    if (this.#children === undefined) return
    for (const name of this.#children) writer.string(name)
  }

  /** What a snapshot keeps: data, ACL number, stat. */
  writeRecord(writer: Writer): void {
    this.writeData(writer)
    writer.long(this.acl.id)
    const to = writer.reserve(STAT_PERSISTED_BYTES)
    this.#bytes.copy(writer.buffer, to, this.#at, this.#at + STAT_PERSISTED_BYTES)
  }

  /** The 60 bytes that follow in a snapshot. */
  readStat(reader: Reader, extendedTypes: boolean): void {
    const from = reader.take(STAT_PERSISTED_BYTES, 'StatPersisted')
    reader.buffer.copy(this.#bytes, this.#at, from, from + STAT_PERSISTED_BYTES)
    this.kind = this.#kindByOwner(extendedTypes)
  }

  persistedStat(): StatPersisted {
    const { czxid, mzxid, ctime, mtime, version, cversion, aversion, ephemeralOwner, pzxid } = this
    return { czxid, mzxid, ctime, mtime, version, cversion, aversion, ephemeralOwner, pzxid }
  }

  /** As clients see it. */
  stat(): Stat {
    return {
      ...this.persistedStat(),
      cversion: this.#wireCversion(),
      ephemeralOwner: this.kind === 'ephemeral' ? this.ephemeralOwner : 0n,
      dataLength: this.dataLength,
      numChildren: this.childCount,
    }
  }

  get #dataAt(): number {
    return this.#at + STAT_PERSISTED_BYTES
  }

  #wireCversion(): number {
    return (this.cversion * 2 - this.childCount) | 0
  }

  #move(slab: Slab, dataLength: number): void {
    const from = this.#bytes
    const at = this.#at
    this.#at = slab.reserve(STAT_PERSISTED_BYTES + dataLength)
    this.#bytes = slab.bytes
    from.copy(this.#bytes, this.#at, at, at + STAT_PERSISTED_BYTES)
  }

  /** `extendedTypes` off: a TTL owner counts as a session, as in ZooKeeper. */
  #kindByOwner(extendedTypes: boolean): ZnodeKind {
    const high = this.#int(StatOffset.ephemeralOwner)
    const low = this.#int(StatOffset.ephemeralOwner + 4)
    if (high === 0 && low === 0) return 'persistent'
    if (extendedTypes && high >>> 24 === 0xff) return 'ttl'
    return high === -0x8000_0000 && low === 0 ? 'container' : 'ephemeral'
  }

  #int(offset: number): number {
    return this.#bytes.readInt32BE(this.#at + offset)
  }

  #long(offset: number): number {
    const at = this.#at + offset
    return this.#bytes.readInt32BE(at) * TWO_32 + this.#bytes.readUInt32BE(at + 4)
  }

  #setLong(offset: number, value: number): void {
    assert(Number.isSafeInteger(value), 'a zxid or time fits a double')
    const at = this.#at + offset
    this.#bytes.writeInt32BE(Math.floor(value / TWO_32), at)
    this.#bytes.writeUInt32BE(value >>> 0, at + 4)
  }
}
