/**
 * A process: code of its own that sees the world through one `Runtime`.
 *
 * All its code runs in turns. A stopped process (`pause`) takes no turns: what falls due waits in
 * its inbox, as timers and readable sockets wait in a real one. A dead process takes no turns ever
 * again, and what its left-over promises still call has no effect: every way out asks `alive`.
 */
import type { Cancel, Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import type { Runtime } from '../runtime.ts'
import { SimExec } from './sim-exec.ts'
import type { SimHost } from './sim-host.ts'
import { SimProcessDisk } from './sim-process-disk.ts'
import { SimProcessNetwork } from './sim-process-network.ts'
import type { LogLine, Simulation } from './simulation.ts'

export type Main = (runtime: Runtime, self: SimProcess) => void | Promise<void>
export type TurnKind = 'main' | 'timer' | 'accept' | 'connect' | 'data' | 'disk' | 'exec' | 'close'

export interface Exited {
  readonly kind: 'exit' | 'kill' | 'crash' | 'power'
  readonly code: number
  readonly atMs: number
}

export interface SpawnOptions {
  /** An exception that escapes ends the process but not the run. */
  readonly mayCrash?: boolean
}

/** `end`: the kernel closes with FIN what had no unread bytes; `reset`: RST to every peer. */
export interface KillOptions {
  readonly sockets?: 'reset' | 'end'
}

interface Waiting {
  readonly kind: TurnKind
  readonly run: () => void
  readonly cancelled: () => boolean
}

const INBOX_MAX = 1_000_000
const NEVER_CANCELLED = (): boolean => false

export class SimProcess {
  readonly sim: Simulation
  readonly host: SimHost
  readonly name: string
  readonly label: string
  readonly pid: number
  readonly startedAtMs: number
  readonly mayCrash: boolean
  readonly runtime: Runtime
  readonly network: SimProcessNetwork
  readonly disk: SimProcessDisk
  exited: Exited | undefined
  turnCount = 0
  #paused = false
  #waking = false
  readonly #inbox: Waiting[] = []
  readonly #exitWatchers: ((exited: Exited) => void)[] = []

  constructor(host: SimHost, name: string, options: SpawnOptions) {
    this.sim = host.sim
    this.host = host
    this.name = name
    this.label = `${host.name}/${name}`
    this.pid = host.sim.pid()
    this.startedAtMs = host.sim.now
    this.mayCrash = options.mayCrash ?? false
    this.network = new SimProcessNetwork(this)
    this.disk = new SimProcessDisk(this)
    this.runtime = {
      clock: makeClock(this),
      random: host.sim.random.fork(`process/${this.label}/${this.pid}`),
      network: this.network,
      disk: this.disk,
      exec: new SimExec(this),
      logger: makeLogger(this, {}),
    }
  }

  get alive(): boolean {
    return this.exited === undefined
  }

  get paused(): boolean {
    return this.#paused
  }

  start(main: Main): void {
    this.turn('main', () => {
      Promise.resolve(main(this.runtime, this)).catch((error: unknown) => this.crash(error))
    })
  }

  /** kill -9. Nothing of it runs again; its sockets, listeners, timers and locks are gone. */
  kill(options: KillOptions = {}): void {
    this.#end('kill', 137, options.sockets ?? 'reset')
  }

  /** An orderly end: what was sent still goes out, then FIN. */
  exit(code = 0): void {
    this.#end('exit', code, 'end')
  }

  /** An exception escaped. */
  crash(error: unknown): void {
    if (!this.alive) return
    this.#end('crash', 1, 'reset')
    this.sim.noteCrash(this, error)
  }

  /** The power of the host failed: its peers hear nothing. */
  powerOff(): void {
    this.#end('power', 137, 'silent')
  }

  onExit(run: (exited: Exited) => void): void {
    this.#exitWatchers.push(run)
  }

  #end(kind: Exited['kind'], code: number, sockets: 'reset' | 'end' | 'silent'): void {
    if (!this.alive) return
    const exited: Exited = { kind, code, atMs: this.sim.now }
    this.exited = exited
    this.#inbox.length = 0
    this.sim.note(this.label, kind, code)
    this.network.end(sockets)
    this.disk.end()
    this.host.forget(this)
    for (const watch of this.#exitWatchers) watch(exited)
  }

  /** SIGSTOP, from the next turn on. */
  pause(): void {
    if (!this.alive || this.#paused) return
    this.#paused = true
    this.sim.note(this.label, 'paused')
  }

  /** SIGCONT: what fell due runs now, timers and the rest in an order chosen by the seed. */
  resume(): void {
    if (!this.alive || !this.#paused) return
    this.#paused = false
    this.sim.note(this.label, 'resumed', this.#inbox.length)
    const first = this.sim.random.fork(`resume/${this.label}/${this.sim.now}`).int(3)
    if (first > 0) {
      const isFirst = (item: Waiting): boolean => (item.kind === 'timer') === (first === 1)
      this.#inbox.sort((a, b) => Number(isFirst(b)) - Number(isFirst(a)))
    }
    this.#wake()
  }

  /** The event loop stands still for so long: a pause that ends by itself. */
  stall(durationMs: number): void {
    if (this.#paused) return
    this.pause()
    this.sim.event(durationMs, () => this.resume())
  }

  /** One turn of its event loop, now if it can, else once it goes on. */
  turn(kind: TurnKind, run: () => void, cancelled = NEVER_CANCELLED): void {
    if (!this.alive) return
    if (!this.#paused && this.#inbox.length === 0) {
      const lagMs = this.host.drawLagMs()
      if (lagMs > 0) this.stall(lagMs)
    }
    if (this.#paused || this.#inbox.length > 0) this.#hold({ kind, run, cancelled })
    else this.#take({ kind, run, cancelled })
  }

  #hold(item: Waiting): void {
    this.#inbox.push(item)
    if (this.#inbox.length > INBOX_MAX) {
      throw this.sim.failure(`${this.label}: more than ${INBOX_MAX} turns wait`)
    }
  }

  #wake(): void {
    if (this.#waking || this.#inbox.length === 0) return
    this.#waking = true
    this.sim.event(0, () => {
      this.#waking = false
      if (!this.alive || this.#paused) return
      const item = this.#inbox.shift()
      if (item !== undefined) this.#take(item)
      this.#wake()
    })
  }

  #take(item: Waiting): void {
    if (item.cancelled()) return
    const { beforeTurn } = this.sim
    if (beforeTurn !== undefined) {
      beforeTurn(this, item.kind, this.turnCount)
      if (!this.alive) return
      if (this.#paused) {
        this.#inbox.unshift(item)
        return
      }
    }
    this.turnCount++
    this.sim.note(this.label, item.kind)
    this.sim.noteCodeRan()
    try {
      item.run()
    } catch (error) {
      this.crash(error)
    }
  }
}

function makeClock(owner: SimProcess): Clock {
  const { sim, host } = owner
  const after = (delayMs: number, run: () => void): Cancel => {
    if (!owner.alive) return () => {}
    let cancelled = false
    const isCancelled = (): boolean => cancelled
    const due = (): void => owner.turn('timer', run, isCancelled)
    const event = sim.event(Math.max(0, delayMs), due)
    return () => {
      cancelled = true
      sim.cancel(event)
    }
  }
  const every = (intervalMs: number, run: () => void): Cancel => {
    let cancel: Cancel = () => {}
    const turn = (): void => {
      cancel = after(Math.max(1, intervalMs), turn)
      run()
    }
    cancel = after(Math.max(1, intervalMs), turn)
    return () => cancel()
  }
  const bootMs = host.monotonicOffsetMs
  return {
    now: () => sim.now + bootMs,
    wallTime: () => Math.floor(sim.wallTimeAtStartMs + sim.now + host.wallOffsetMs),
    after,
    every,
  }
}

function makeLogger(owner: SimProcess, bound: object): Logger {
  const { sim } = owner
  const log = (level: LogLine['level']) => (fields: object, message: string) => {
    if (!owner.alive) return
    const all = { ...bound, ...fields }
    sim.trace.add(sim.now, owner.label, `log ${level} ${message}`, all)
    sim.onLog?.({ atMs: sim.now, process: owner, level, fields: all, message })
  }
  return {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    child: fields => makeLogger(owner, { ...bound, ...fields }),
  }
}
