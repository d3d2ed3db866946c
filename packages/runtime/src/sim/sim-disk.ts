/**
 * A disk: what programs see, and what power loss would leave of it.
 *
 * Each directory has its entries as seen and as durable. Changes of names go into one log for the
 * disk; `syncDirectory` makes those that touch that directory durable, and power loss keeps a
 * prefix of the rest, chosen by the seed (as a journalling file system does). Content is the
 * inode's affair. Faults are set as fields, or drawn per operation by `onOperation`.
 */
import { DiskError } from '../disk.ts'
import type { OpenMode } from '../disk.ts'
import type { SimHost } from './sim-host.ts'
import { drawSurvivors, SimInode } from './sim-inode.ts'
import type { SimProcess } from './sim-process.ts'
import type { SimRandom } from './sim-random.ts'
import type { Simulation } from './simulation.ts'

export type DiskOperationKind =
  | 'open'
  | 'size'
  | 'read'
  | 'append'
  | 'write'
  | 'sync'
  | 'truncate'
  | 'close'
  | 'rename'
  | 'remove'
  | 'list'
  | 'makeDirectory'
  | 'syncDirectory'
  | 'stat'
  | 'lock'

export interface DiskOperation {
  readonly kind: DiskOperationKind
  /** As it is on this disk, without the mount point. */
  readonly path: string
  readonly host: SimHost
  /** Counts the operations of this disk from 0. */
  readonly index: number
}

export interface DiskLatency {
  readonly minMs: number
  readonly maxMs: number
  readonly syncMinMs: number
  readonly syncMaxMs: number
}

export interface DiskFault {
  readonly code: string
  /** All kinds where absent. */
  readonly kinds?: readonly DiskOperationKind[]
  /** Paths that hold this text; all where absent. */
  readonly pathPart?: string
  /** How often; for ever where absent. */
  readonly times?: number
}

export class SimDirectory {
  readonly entries = new Map<string, SimNode>()
  readonly durable = new Map<string, SimNode>()
}

type SimNode = SimDirectory | SimInode

interface NameChange {
  readonly by: SimHost | undefined
  readonly sets: readonly {
    readonly directory: SimDirectory
    readonly name: string
    readonly node: SimNode | undefined
  }[]
}

interface Place {
  readonly directory: SimDirectory
  readonly name: string
  readonly node: SimNode | undefined
}

const WRITING = new Set<DiskOperationKind>([
  'append',
  'write',
  'truncate',
  'rename',
  'remove',
  'makeDirectory',
])

export class SimDisk {
  readonly sim: Simulation
  readonly name: string
  latency: DiskLatency = { minMs: 0.01, maxMs: 0.1, syncMinMs: 0.1, syncMaxMs: 2 }
  capacityBytes = Number.POSITIVE_INFINITY
  readOnly = false
  /** A code fails this operation with it; called before each operation takes effect. */
  onOperation: ((operation: DiskOperation) => string | undefined) | undefined
  operationCount = 0
  readonly #root = new SimDirectory()
  #nameChanges: NameChange[] = []
  readonly #locks = new Map<SimInode, SimProcess>()
  #faults: (DiskFault & { left: number })[] = []
  readonly random: SimRandom

  constructor(sim: Simulation, name: string) {
    this.sim = sim
    this.name = name
    this.random = sim.random.fork(`disk/${name}`)
  }

  // For tests.

  /** Fails matching operations; the answer takes the fault away. */
  fail(fault: DiskFault): () => void {
    const entry = { ...fault, left: fault.times ?? Number.POSITIVE_INFINITY }
    this.#faults.push(entry)
    return () => {
      this.#faults = this.#faults.filter(other => other !== entry)
    }
  }

  setLatency(latency: Partial<DiskLatency>): void {
    this.latency = { ...this.latency, ...latency }
  }

  /** The content programs see now; undefined where no file is. */
  peek(path: string): Uint8Array | undefined {
    const { node } = this.#find(path, path)
    return node instanceof SimInode ? node.read(0, node.size) : undefined
  }

  /** Puts a durable file there, with its directories. */
  put(path: string, bytes: Uint8Array): void {
    const parts = partsOf(path)
    const name = parts.pop() as string
    let directory = this.#root
    for (const part of parts) {
      const made = directory.entries.get(part) ?? new SimDirectory()
      if (!(made instanceof SimDirectory)) throw new DiskError('ENOTDIR', path)
      directory.entries.set(part, made)
      directory.durable.set(part, made)
      directory = made
    }
    const file = new SimInode()
    file.fill(bytes)
    directory.entries.set(name, file)
    directory.durable.set(name, file)
  }

  /** All files, as paths, sorted. */
  paths(): readonly string[] {
    const found: string[] = []
    const walk = (directory: SimDirectory, at: string): void => {
      for (const [name, node] of directory.entries) {
        if (node instanceof SimDirectory) walk(node, `${at}/${name}`)
        else found.push(`${at}/${name}`)
      }
    }
    walk(this.#root, '')
    return found.sort()
  }

  /** Every file gone, durably: a disk replaced by an empty one. */
  wipe(): void {
    this.#root.entries.clear()
    this.#root.durable.clear()
    this.#nameChanges = []
    this.sim.note(`disk ${this.name}`, 'wiped')
  }

  // From here on: for the parts of the simulation. `shown` is the path as the program gave it.

  /** Throws where a fault is set on this operation. */
  admit(kind: DiskOperationKind, path: string, shown: string, host: SimHost): void {
    const index = this.operationCount++
    const code = this.onOperation?.({ kind, path, host, index }) ?? this.#drawFault(kind, path)
    if (code !== undefined) throw new DiskError(code, shown, `${code}: ${kind} ${shown}`)
    if (this.readOnly && WRITING.has(kind)) throw readOnlyError(shown)
  }

  #drawFault(kind: DiskOperationKind, path: string): string | undefined {
    const fault = this.#faults.find(
      entry =>
        entry.left > 0 &&
        (entry.kinds?.includes(kind) ?? true) &&
        path.includes(entry.pathPart ?? ''),
    )
    if (fault === undefined) return undefined
    fault.left--
    return fault.code
  }

  /** How many of `bytes` still fit. */
  room(bytes: number): number {
    if (this.capacityBytes === Number.POSITIVE_INFINITY) return bytes
    let used = 0
    for (const path of this.paths()) used += this.peek(path)?.length ?? 0
    return Math.max(0, Math.min(bytes, this.capacityBytes - used))
  }

  open(path: string, shown: string, mode: OpenMode, by: SimHost): SimInode {
    const { directory, name, node } = this.#find(path, shown)
    if (node instanceof SimDirectory) throw new DiskError('EISDIR', shown)
    if (node !== undefined && mode === 'create') throw new DiskError('EEXIST', shown)
    if (this.readOnly && mode !== 'read') throw readOnlyError(shown)
    if (node !== undefined) return node
    if (mode === 'read') throw new DiskError('ENOENT', shown)
    if (this.room(1) < 1) throw new DiskError('ENOSPC', shown)
    const made = new SimInode()
    this.#change({ by, sets: [{ directory, name, node: made }] })
    return made
  }

  rename(from: string, to: string, shown: string, by: SimHost): void {
    const source = this.#find(from, shown)
    const target = this.#find(to, shown)
    if (source.node === undefined) throw new DiskError('ENOENT', shown)
    if (source.node === target.node) return
    if (target.node instanceof SimDirectory) {
      if (source.node instanceof SimInode) throw new DiskError('EISDIR', shown)
      if (target.node.entries.size > 0) throw new DiskError('ENOTEMPTY', shown)
    } else if (target.node !== undefined && source.node instanceof SimDirectory) {
      throw new DiskError('ENOTDIR', shown)
    }
    const gone = { directory: source.directory, name: source.name, node: undefined }
    const come = { directory: target.directory, name: target.name, node: source.node }
    this.#change({ by, sets: [gone, come] })
  }

  remove(path: string, shown: string, by: SimHost): void {
    const { directory, name, node } = this.#find(path, shown)
    if (node === undefined) throw new DiskError('ENOENT', shown)
    if (node instanceof SimDirectory) throw new DiskError('EISDIR', shown)
    this.#change({ by, sets: [{ directory, name, node: undefined }] })
  }

  list(path: string, shown: string): readonly string[] {
    return [...this.#directory(path, shown).entries.keys()].sort()
  }

  makeDirectory(path: string, shown: string, by: SimHost): void {
    let directory = this.#root
    for (const name of partsOf(path)) {
      let node = directory.entries.get(name)
      if (node instanceof SimInode) throw new DiskError('EEXIST', shown)
      if (node === undefined) {
        node = new SimDirectory()
        this.#change({ by, sets: [{ directory, name, node }] })
      }
      directory = node
    }
  }

  syncDirectory(path: string, shown: string): void {
    const directory = this.#directory(path, shown)
    const touches = (change: NameChange): boolean =>
      change.sets.some(set => set.directory === directory)
    for (const change of this.#nameChanges) if (touches(change)) makeDurable(change)
    this.#nameChanges = this.#nameChanges.filter(change => !touches(change))
  }

  stat(path: string, shown: string): { size: number; isDirectory: boolean } | undefined {
    if (partsOf(path).length === 0) return { size: 0, isDirectory: true }
    try {
      const { node } = this.#find(path, shown)
      if (node === undefined) return undefined
      const isDirectory = node instanceof SimDirectory
      return { size: isDirectory ? 0 : node.size, isDirectory }
    } catch (error) {
      if (error instanceof DiskError && error.code === 'ENOENT') return undefined
      throw error
    }
  }

  lock(path: string, shown: string, owner: SimProcess): SimInode {
    const inode = this.open(path, shown, 'write', owner.host)
    if (this.#locks.has(inode)) {
      throw new DiskError('ELOCKED', shown, `${shown} is locked by another process`)
    }
    this.#locks.set(inode, owner)
    return inode
  }

  unlock(inode: SimInode, owner: SimProcess): void {
    if (this.#locks.get(inode) === owner) this.#locks.delete(inode)
  }

  releaseLocks(owner: SimProcess): void {
    for (const [inode, by] of this.#locks) if (by === owner) this.#locks.delete(inode)
  }

  /** Power loss at a host that has this disk mounted. */
  losePower(host: SimHost): void {
    const own = this.#nameChanges.filter(change => change.by === host)
    const others = this.#nameChanges.filter(change => change.by !== host)
    const keptCount = drawSurvivors(own.length, this.random)
    const kept = new Set<NameChange>([...own.slice(0, keptCount), ...others])
    const surviving = this.#nameChanges.filter(change => kept.has(change))
    for (const inode of this.#inodes()) inode.losePower(host, this.random)
    for (const directory of this.#directories()) {
      directory.entries.clear()
      for (const [name, node] of directory.durable) directory.entries.set(name, node)
    }
    for (const change of surviving) {
      applyTo(change, directory => directory.entries)
      if (change.by === host) makeDurable(change)
    }
    this.#nameChanges = others
    this.sim.note(`disk ${this.name}`, 'power lost', own.length - keptCount)
  }

  #change(change: NameChange): void {
    this.#nameChanges.push(change)
    applyTo(change, directory => directory.entries)
  }

  #find(path: string, shown: string): Place {
    const parts = partsOf(path)
    const name = parts.pop()
    if (name === undefined) return { directory: this.#root, name: '', node: this.#root }
    const directory = this.#walk(parts, shown)
    return { directory, name, node: directory.entries.get(name) }
  }

  #directory(path: string, shown: string): SimDirectory {
    return this.#walk(partsOf(path), shown)
  }

  #walk(parts: readonly string[], shown: string): SimDirectory {
    let directory = this.#root
    for (const part of parts) {
      const node = directory.entries.get(part)
      if (node === undefined) throw new DiskError('ENOENT', shown)
      if (node instanceof SimInode) throw new DiskError('ENOTDIR', shown)
      directory = node
    }
    return directory
  }

  /** All that is reachable by a name seen, durable, or changed and not yet durable. */
  #nodes(): ReadonlySet<SimNode> {
    const found = new Set<SimNode>([this.#root])
    for (const { sets } of this.#nameChanges) {
      for (const { directory, node } of sets) {
        found.add(directory)
        if (node !== undefined) found.add(node)
      }
    }
    // A set takes in what is added while it is walked.
    for (const node of found) {
      if (node instanceof SimInode) continue
      for (const child of node.entries.values()) found.add(child)
      for (const child of node.durable.values()) found.add(child)
    }
    return found
  }

  #inodes(): readonly SimInode[] {
    return [...this.#nodes()].filter(node => node instanceof SimInode)
  }

  #directories(): readonly SimDirectory[] {
    return [...this.#nodes()].filter(node => node instanceof SimDirectory)
  }
}

function makeDurable(change: NameChange): void {
  applyTo(change, directory => directory.durable)
}

function applyTo(change: NameChange, names: (directory: SimDirectory) => Map<string, SimNode>) {
  for (const { directory, name, node } of change.sets) {
    if (node === undefined) names(directory).delete(name)
    else names(directory).set(name, node)
  }
}

function readOnlyError(shown: string): DiskError {
  return new DiskError('EROFS', shown, `EROFS: ${shown} is on a read-only file system`)
}

export function partsOf(path: string): string[] {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..') parts.pop()
    else parts.push(part)
  }
  return parts
}
