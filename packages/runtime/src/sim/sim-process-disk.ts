import { DiskError } from '../disk.ts'
import type { Disk, DiskFile, DiskLock, OpenMode } from '../disk.ts'
import { partsOf, type DiskOperationKind, type SimDisk } from './sim-disk.ts'
import { SimDiskFile } from './sim-disk-file.ts'
import type { SimEvent } from './event-queue.ts'
import { drawSurvivors } from './sim-inode.ts'
import type { SimProcess } from './sim-process.ts'

/** An operation given to the kernel; it takes effect at `event`. */
interface InFlight {
  readonly event: SimEvent
  readonly effect: () => unknown
  /** Does a part of it: a write that the process did not live to see whole. */
  readonly tear: (() => void) | undefined
}

export interface Located {
  readonly disk: SimDisk
  readonly path: string
  readonly shown: string
}

export interface OperationOptions {
  /** Not before this virtual time: operations of one handle keep their order. */
  readonly notBeforeMs?: number
  readonly tear?: () => void
  /** Told at the moment of the failure, before the process hears of it. */
  readonly onError?: (error: DiskError) => void
}

/** The disks of the host as one process sees them. */
export class SimProcessDisk implements Disk {
  readonly process: SimProcess
  /** When the operation given last takes effect. */
  lastDueMs = 0
  readonly #inFlight = new Set<InFlight>()

  constructor(owner: SimProcess) {
    this.process = owner
  }

  open(path: string, mode: OpenMode): Promise<DiskFile> {
    const place = this.#locate(path)
    return this.operate('open', place, () => {
      const inode = place.disk.open(place.path, path, mode, this.process.host)
      return new SimDiskFile(this, place, inode, mode !== 'read')
    })
  }

  rename(from: string, to: string): Promise<void> {
    const place = this.#locate(from)
    const target = this.#locate(to)
    return this.operate('rename', place, () => {
      if (place.disk !== target.disk) throw new DiskError('EXDEV', from)
      place.disk.rename(place.path, target.path, from, this.process.host)
    })
  }

  remove(path: string): Promise<void> {
    const place = this.#locate(path)
    return this.operate('remove', place, () => {
      place.disk.remove(place.path, path, this.process.host)
    })
  }

  list(path: string): Promise<readonly string[]> {
    const place = this.#locate(path)
    return this.operate('list', place, () => place.disk.list(place.path, path))
  }

  makeDirectory(path: string): Promise<void> {
    const place = this.#locate(path)
    return this.operate('makeDirectory', place, () => {
      place.disk.makeDirectory(place.path, path, this.process.host)
    })
  }

  syncDirectory(path: string): Promise<void> {
    const place = this.#locate(path)
    return this.operate('syncDirectory', place, () => place.disk.syncDirectory(place.path, path))
  }

  stat(path: string): Promise<{ size: number; isDirectory: boolean } | undefined> {
    const place = this.#locate(path)
    return this.operate('stat', place, () => place.disk.stat(place.path, path))
  }

  lock(path: string): Promise<DiskLock> {
    const place = this.#locate(path)
    return this.operate('lock', place, () => {
      const inode = place.disk.lock(place.path, path, this.process)
      let held = true
      const unlock = (): void => {
        if (held) place.disk.unlock(inode, this.process)
        held = false
      }
      return { release: () => this.operate('close', place, unlock) }
    })
  }

  /** One operation: after its latency it takes effect, then the process hears of it. */
  operate<T>(
    kind: DiskOperationKind,
    place: Located,
    run: () => T,
    options: OperationOptions = {},
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const owner = this.process
      if (!owner.alive) return
      const { sim, host } = owner
      const { disk } = place
      const effect = (): T => {
        try {
          disk.admit(kind, place.path, place.shown, host)
          return run()
        } catch (error) {
          if (error instanceof DiskError) options.onError?.(error)
          throw error
        }
      }
      const dueMs = Math.max(options.notBeforeMs ?? 0, sim.now + drawLatencyMs(disk, kind))
      this.lastDueMs = dueMs
      const event = sim.event(Math.max(0, dueMs - sim.now), () => {
        this.#inFlight.delete(operation)
        sim.note(owner.label, kind, place.path)
        const settle = attempt(effect, resolve, reject)
        owner.turn('disk', settle)
      })
      const operation: InFlight = { event, effect, tear: options.tear }
      this.#inFlight.add(operation)
    })
  }

  /**
   * The process ended: of what it had given to the kernel a prefix takes effect, the next
   * operation perhaps in part.
   */
  end(): void {
    const operations = [...this.#inFlight]
    this.#inFlight.clear()
    const { sim, host } = this.process
    for (const operation of operations) sim.cancel(operation.event)
    if (host.up && operations.length > 0) {
      const { random } = host.disk
      const doneCount = drawSurvivors(operations.length, random)
      for (const operation of operations.slice(0, doneCount))
        attempt(operation.effect, ignore, ignore)
      if (random.chance(0.5)) operations[doneCount]?.tear?.()
    }
    for (const { disk } of host.mounts) disk.releaseLocks(this.process)
  }

  #locate(path: string): Located {
    const parts = partsOf(path)
    for (const { at, disk } of this.process.host.mounts) {
      const prefix = partsOf(at)
      if (prefix.every((part, index) => parts[index] === part)) {
        return { disk, path: `/${parts.slice(prefix.length).join('/')}`, shown: path }
      }
    }
    throw new DiskError('ENOENT', path)
  }
}

function attempt<T>(
  effect: () => T,
  resolve: (value: T) => void,
  reject: (error: unknown) => void,
): () => void {
  try {
    const value = effect()
    return () => resolve(value)
  } catch (error) {
    return () => reject(error)
  }
}

/** Nobody is left to hear how it ended. */
function ignore(): void {}

function drawLatencyMs(disk: SimDisk, kind: DiskOperationKind): number {
  const { minMs, maxMs, syncMinMs, syncMaxMs } = disk.latency
  const isSync = kind === 'sync' || kind === 'syncDirectory'
  return isSync ? disk.random.between(syncMinMs, syncMaxMs) : disk.random.between(minMs, maxMs)
}
