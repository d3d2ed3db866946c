import type { ExecOptions, ExecResult } from '../exec.ts'
import { SimDisk } from './sim-disk.ts'
import type { ProgramContext } from './sim-exec.ts'
import { SimProcess, type Main, type SpawnOptions } from './sim-process.ts'
import type { SimRandom } from './sim-random.ts'
import type { Simulation } from './simulation.ts'

/** A program of a host. What it does to other hosts and processes is up to the test. */
export type ExecHandler = (
  command: readonly string[],
  options: ExecOptions,
  host: SimHost,
  context: ProgramContext,
) => ExecResult | Promise<ExecResult>

export interface Mount {
  readonly at: string
  readonly disk: SimDisk
}

export interface LagOptions {
  /** Chance that a turn comes late. */
  readonly chance: number
  readonly maxMs: number
}

/** A machine: a name on the network, a disk, processes, clocks. */
export class SimHost {
  readonly sim: Simulation
  readonly name: string
  readonly ip: string
  readonly disk: SimDisk
  /** Links from this host to these are cut; set through `sim.network`. */
  readonly cutTo = new Set<SimHost>()
  nextClientPort = 32_768
  up = true
  /** Where the monotonic clock starts: other for each host and boot, as on real machines. */
  monotonicOffsetMs: number
  wallOffsetMs = 0
  /** Power-ons so far, the first included. */
  bootCount = 1
  execHandler: ExecHandler | undefined
  #mounts: readonly Mount[]
  #lag: LagOptions = { chance: 0, maxMs: 0 }
  readonly #processes = new Set<SimProcess>()
  readonly #random: SimRandom

  constructor(sim: Simulation, name: string, ip: string) {
    this.sim = sim
    this.name = name
    this.ip = ip
    this.disk = new SimDisk(sim, name)
    this.#mounts = [{ at: '/', disk: this.disk }]
    this.#random = sim.random.fork(`host/${name}`)
    this.monotonicOffsetMs = this.#random.int(1_000_000_000)
  }

  get processes(): readonly SimProcess[] {
    return [...this.#processes]
  }

  /** Starts a process; its main runs as its first turn, at this virtual time. */
  spawn(name: string, main: Main, options: SpawnOptions = {}): SimProcess {
    if (!this.up) throw this.sim.failure(`${this.name} is off: nothing can be started on it`)
    const owner = new SimProcess(this, name, options)
    this.#processes.add(owner)
    this.sim.event(0, () => owner.start(main))
    return owner
  }

  forget(owner: SimProcess): void {
    this.#processes.delete(owner)
  }

  /** Paths below `at` are on that disk; several hosts may mount one. */
  mount(at: string, disk: SimDisk): void {
    const mounts = [...this.#mounts, { at, disk }]
    this.#mounts = mounts.sort((a, b) => b.at.length - a.at.length)
  }

  get mounts(): readonly Mount[] {
    return this.#mounts
  }

  /** Answers every program this host is asked to run; without one each ends with 127. */
  onExec(handler: ExecHandler): void {
    this.execHandler = handler
  }

  /** Power loss: processes end at once, unsynced data is lost or torn, peers hear nothing. */
  crash(): void {
    if (!this.up) return
    this.sim.note(this.name, 'power lost')
    this.up = false
    for (const owner of this.processes) owner.powerOff()
    for (const { disk } of this.#mounts) disk.losePower(this)
  }

  /** Power back, nothing started yet. */
  restart(): void {
    if (this.up) return
    this.sim.note(this.name, 'power back')
    this.up = true
    this.bootCount++
    this.monotonicOffsetMs = this.#random.int(1_000_000_000)
    this.sim.network.kick()
  }

  /** Steps the wall clock; the monotonic clock does not move. */
  stepWallClock(deltaMs: number): void {
    this.wallOffsetMs += deltaMs
    this.sim.note(this.name, 'wall clock stepped', deltaMs)
  }

  /** From now on turns of its processes come late by chance. */
  lag(options: LagOptions): void {
    this.#lag = options
  }

  drawLagMs(): number {
    if (!this.#random.chance(this.#lag.chance)) return 0
    return this.#random.between(0, this.#lag.maxMs)
  }
}
