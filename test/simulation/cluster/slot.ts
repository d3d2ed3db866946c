import type { Runtime } from '@baton/runtime'
import type { Exited, SimHost, SimProcess } from '@baton/runtime/sim'

export interface SlotOptions {
  readonly host: SimHost
  readonly name: string
  readonly main: (runtime: Runtime, self: SimProcess) => Promise<void>
  readonly onStart?: (started: SimProcess) => void
  readonly onExit?: (ended: SimProcess, exited: Exited) => void
  /** Until a process that ended is started again, where no fault said otherwise. */
  readonly restartMs: () => number
}

/** A service under a supervisor that starts it again whenever it has ended, as systemd does. */
export class Slot {
  readonly #options: SlotOptions
  process: SimProcess | undefined
  /** For the next end only. */
  restartAfterMs: number | undefined
  /** False: what ends stays ended. */
  supervised = true
  startCount = 0

  constructor(options: SlotOptions) {
    this.#options = options
  }

  get host(): SimHost {
    return this.#options.host
  }

  start(): void {
    const { host, name, main, onStart, onExit } = this.#options
    if (this.process !== undefined || !host.up) return
    const started = host.spawn(name, main)
    this.process = started
    this.startCount += 1
    onStart?.(started)
    started.onExit(exited => {
      this.process = undefined
      onExit?.(started, exited)
      this.#restart()
    })
  }

  #restart(): void {
    const { host, restartMs } = this.#options
    const delayMs = this.restartAfterMs ?? restartMs()
    this.restartAfterMs = undefined
    if (!this.supervised) return
    host.sim.schedule(host.sim.now + delayMs, () => this.start())
  }
}
