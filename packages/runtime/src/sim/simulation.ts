/**
 * A world in one thread, made from one seed.
 *
 * Everything that happens is an event in one queue ordered by virtual time. Between two events the
 * microtask queue is emptied, so promises inside simulated processes settle at the virtual moment
 * that caused them: see `microtasksEnd`. Chance comes from
 * generators forked by name; nothing reads the real clock. So one seed repeats everything, as long
 * as the code under test touches the world through its `Runtime` alone.
 */
import { breathe, microtasksEnd, watchRejections } from '../node/event-loop.ts'
import { EventQueue, type SimEvent } from './event-queue.ts'
import { SimDisk } from './sim-disk.ts'
import { SimHost } from './sim-host.ts'
import { SimNetwork } from './sim-network.ts'
import type { SimProcess, TurnKind } from './sim-process.ts'
import { SimRandom } from './sim-random.ts'
import { Trace } from './trace.ts'

export interface SimulationOptions {
  readonly seed: number | string
  /** Wall time at virtual time 0, in ms since 1970. */
  readonly wallTimeAtStartMs?: number
  /** Events kept for the failure report. */
  readonly traceMax?: number
  /** Processes that throw end the run with a failure; true where absent. */
  readonly failOnCrash?: boolean
}

export interface RunOptions {
  /** Virtual time this call may take. */
  readonly limitMs?: number
  readonly eventsMax?: number
}

export interface LogLine {
  readonly atMs: number
  readonly process: SimProcess
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: object
  readonly message: string
}

/** Carries the seed and the last events in its message. */
export class SimulationFailure extends Error {
  override readonly name = 'SimulationFailure'
}

const LIMIT_MS = 600_000
const EVENTS_MAX = 20_000_000
const TRACE_MAX = 2_000
const REPORT_LINES = 80
/** The real event loop is let in once in so many events (the test runner lives on it). */
const BREATH_EVENTS = 8_192
const WALL_TIME_MS = 1_750_000_000_000

export class Simulation {
  readonly seed: string
  readonly random: SimRandom
  readonly trace: Trace
  readonly network: SimNetwork
  readonly wallTimeAtStartMs: number
  /**
   * Called before each turn of each process; may pause or kill it, and the turn is then held or
   * lost. `index` counts the turns of that process from 0.
   */
  beforeTurn: ((process: SimProcess, kind: TurnKind, index: number) => void) | undefined
  onLog: ((line: LogLine) => void) | undefined
  readonly #failOnCrash: boolean
  readonly #queue = new EventQueue()
  readonly #hosts = new Map<string, SimHost>()
  readonly #disks = new Map<string, SimDisk>()
  #now = 0
  #pidNext = 1000
  #failure: Error | undefined
  #codeRan = false
  #running = false

  constructor(options: SimulationOptions) {
    this.seed = String(options.seed)
    this.random = new SimRandom(this.seed)
    this.trace = new Trace(options.traceMax ?? TRACE_MAX)
    this.wallTimeAtStartMs = options.wallTimeAtStartMs ?? WALL_TIME_MS
    this.#failOnCrash = options.failOnCrash ?? true
    this.network = new SimNetwork(this)
  }

  /** Virtual milliseconds since the start. */
  get now(): number {
    return this.#now
  }

  get hosts(): readonly SimHost[] {
    return [...this.#hosts.values()]
  }

  /** The host of that name, made on first use; its network address is its name. */
  host(name: string): SimHost {
    let host = this.#hosts.get(name)
    if (host === undefined) {
      host = new SimHost(this, name, `10.0.0.${this.#hosts.size + 1}`)
      this.#hosts.set(name, host)
    }
    return host
  }

  /** A disk of its own life, for `host.mount`: it survives its hosts. */
  sharedDisk(name: string): SimDisk {
    let disk = this.#disks.get(name)
    if (disk === undefined) {
      disk = new SimDisk(this, name)
      this.#disks.set(name, disk)
    }
    return disk
  }

  /** Runs `run` outside all processes at a virtual time (now, where that has passed). */
  schedule(atMs: number, run: () => void): () => void {
    const event = this.event(Math.max(0, atMs - this.#now), () => {
      this.#codeRan = true
      run()
    })
    return () => this.cancel(event)
  }

  /** For simulated programs and scripts of a test; processes use their clock. */
  sleep(delayMs: number): Promise<void> {
    return new Promise(resolve => {
      this.schedule(this.#now + delayMs, resolve)
    })
  }

  /** Runs to an absolute virtual time, or until the predicate holds after an event. */
  async runUntil(goal: number | (() => boolean), options: RunOptions = {}): Promise<void> {
    if (this.#running) throw new SimulationFailure('runUntil is already under way')
    this.#running = true
    // In production an exception of an async handler ends the process; here it ends the run. Node
    // tells of it when its own loop turns, so not always at the event that caused it.
    const unwatch = watchRejections(error => this.fail('an async handler', error))
    try {
      if (typeof goal === 'number') await this.#runToTime(goal, options)
      else await this.#runToGoal(goal, options)
      await breathe()
      this.#throwFailure()
    } finally {
      this.#running = false
      unwatch()
    }
  }

  runFor(durationMs: number, options: RunOptions = {}): Promise<void> {
    return this.runUntil(this.#now + durationMs, options)
  }

  async #runToTime(timeMs: number, options: RunOptions): Promise<void> {
    await this.#settle()
    const eventsMax = options.eventsMax ?? EVENTS_MAX
    for (let count = 0; ; count++) {
      const next = this.#queue.peek()
      if (next === undefined || next.at > timeMs) break
      if (count >= eventsMax) throw this.failure(`more than ${eventsMax} events`)
      await this.#step(count)
    }
    this.#now = Math.max(this.#now, timeMs)
  }

  async #runToGoal(goal: () => boolean, options: RunOptions): Promise<void> {
    await this.#settle()
    const limitMs = options.limitMs ?? LIMIT_MS
    const endMs = this.#now + limitMs
    const eventsMax = options.eventsMax ?? EVENTS_MAX
    for (let count = 0; !goal(); count++) {
      const next = this.#queue.peek()
      if (next === undefined) throw this.failure('the goal is not reached and nothing is left')
      if (next.at > endMs) throw this.failure(`the goal is not reached within ${limitMs} ms`)
      if (count >= eventsMax) throw this.failure(`more than ${eventsMax} events`)
      await this.#step(count)
    }
  }

  async #step(count: number): Promise<void> {
    const event = this.#queue.pop() as SimEvent
    const { run } = event
    event.run = undefined
    this.#now = event.at
    run?.()
    if (count % BREATH_EVENTS === BREATH_EVENTS - 1) await breathe()
    if (this.#codeRan) await this.#settle()
  }

  /** Empties the microtask queue. */
  async #settle(): Promise<void> {
    this.#codeRan = false
    await microtasksEnd()
    this.#throwFailure()
  }

  #throwFailure(): void {
    const failure = this.#failure
    this.#failure = undefined
    if (failure !== undefined) throw failure
  }

  /** An error that carries seed, time and the last events. */
  failure(message: string, cause?: unknown): SimulationFailure {
    const head = `${message} (seed ${this.seed}, at ${this.#now.toFixed(3)} ms)`
    const text = `${head}\n${this.trace.text(REPORT_LINES)}`
    return new SimulationFailure(text, cause === undefined ? {} : { cause })
  }

  // From here on: for the parts of the simulation.

  event(delayMs: number, run: () => void): SimEvent {
    return this.#queue.push(this.#now + delayMs, run)
  }

  cancel(event: SimEvent): void {
    this.#queue.cancel(event)
  }

  /** Code of a process ran: its microtasks come before the next event. */
  noteCodeRan(): void {
    this.#codeRan = true
  }

  note(who: string, what: string, detail?: unknown): void {
    this.trace.add(this.#now, who, what, detail)
  }

  pid(): number {
    return this.#pidNext++
  }

  noteCrash(crashed: SimProcess, error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.note(crashed.label, 'crashed', text.split('\n')[0])
    if (!this.#failOnCrash || crashed.mayCrash) return
    this.#failure ??= this.failure(`${crashed.label} crashed: ${text}`, error)
  }

  /** Ends the run: something outside the processes under test went wrong. */
  fail(what: string, error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.#failure ??= this.failure(`${what} failed: ${text}`, error)
    this.#codeRan = true
  }
}
