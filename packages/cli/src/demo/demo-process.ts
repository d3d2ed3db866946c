import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import type { WriteStream } from 'node:fs'
import { createInterface } from 'node:readline'

/**
 * One real daemon of the demo. It runs in a process group of its own, so that a Ctrl-C at the
 * terminal reaches the demo alone, which then ends the daemons in order.
 */
export class DemoProcess {
  readonly name: string
  readonly exited: Promise<number>
  readonly #process: ChildProcess
  readonly #log: WriteStream
  #running = true

  constructor(options: {
    readonly name: string
    readonly command: readonly string[]
    readonly logFile: string
    readonly env: Readonly<Record<string, string | undefined>>
    readonly onLine: (line: string) => void
  }) {
    this.name = options.name
    const [program = '', ...args] = options.command
    this.#log = createWriteStream(options.logFile, { flags: 'a' })
    this.#process = spawn(program, args, {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: options.env,
    })
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      if (stream === null) continue
      createInterface({ input: stream }).on('line', line => {
        this.#log.write(`${line}\n`)
        options.onLine(line)
      })
    }
    this.exited = new Promise(resolve => {
      const end = (code: number): void => {
        this.#running = false
        this.#log.end()
        resolve(code)
      }
      this.#process.on('error', () => end(127))
      this.#process.on('close', (code, signal) => end(signal === null ? (code ?? 1) : 128))
    })
  }

  get pid(): number {
    return this.#process.pid ?? -1
  }

  get running(): boolean {
    return this.#running
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.#running || this.pid < 0) return
    try {
      process.kill(-this.pid, signal)
    } catch (error) {
      // It ended between the question and the signal.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL')
    await this.exited
  }
}
