import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A real process under test, its output in a file, ended with its whole group. */
export class Child {
  readonly name: string
  readonly logFile: string
  readonly exited: Promise<number>
  readonly #process: ChildProcess
  #exitCode: number | undefined

  constructor(options: {
    readonly name: string
    readonly command: readonly string[]
    readonly logFile: string
    readonly env?: Readonly<Record<string, string>>
    readonly cwd?: string
  }) {
    this.name = options.name
    this.logFile = options.logFile
    const log = openSync(options.logFile, 'a')
    const [program = '', ...args] = options.command
    this.#process = spawn(program, args, {
      stdio: ['ignore', log, log],
      detached: true,
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    })
    closeSync(log)
    this.exited = new Promise(resolve => {
      this.#process.on('error', () => resolve((this.#exitCode = 127)))
      this.#process.on('exit', (code, signal) => {
        resolve((this.#exitCode = code ?? (signal === null ? 1 : 128)))
      })
    })
  }

  get pid(): number {
    return this.#process.pid ?? -1
  }

  get exitCode(): number | undefined {
    return this.#exitCode
  }

  get log(): string {
    return readFileSync(this.logFile, 'utf8')
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#exitCode === undefined && this.pid > 0) process.kill(this.pid, signal)
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL')
    await this.exited
  }

  /** TERM, then KILL where it does not end in time. */
  async stop(withinMs = 10_000): Promise<number> {
    this.signal('SIGCONT')
    this.signal('SIGTERM')
    const code = await Promise.race([this.exited, sleep(withinMs, undefined, { ref: false })])
    if (code === undefined) await this.kill()
    return this.exited
  }

  /** Resident memory in bytes, from the kernel. */
  residentBytes(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8')
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024
  }
}

/** Waits until `check` gives something, or fails with `what` and the tails of the named logs. */
export async function until<T>(
  what: string,
  check: () => Promise<T | undefined | false> | T | undefined | false,
  options: {
    readonly withinMs: number
    readonly everyMs?: number
    readonly watch?: readonly Child[]
  },
): Promise<T> {
  const deadline = performance.now() + options.withinMs
  for (;;) {
    const found = await check()
    if (found !== undefined && found !== false) return found
    const dead = options.watch?.find(child => child.exitCode !== undefined)
    if (dead !== undefined || performance.now() > deadline) {
      const why = dead === undefined ? `not within ${options.withinMs} ms` : `${dead.name} ended`
      const tails = (options.watch ?? []).map(c => `--- ${c.name}\n${tail(c.log)}`).join('\n')
      throw new Error(`${what}: ${why}\n${tails}`)
    }
    await sleep(options.everyMs ?? 25)
  }
}

function tail(text: string): string {
  return text.split('\n').slice(-25).join('\n')
}

export async function canConnect(host: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host, port })
    const done = (answer: boolean): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(1_000, () => done(false))
    socket.on('connect', () => done(true))
    socket.on('error', () => done(false))
  })
}

/**
 * Loopback ports that are free now, all different, below the range from which the kernel takes the
 * source ports of connections: whoever polls a closed port of that range may connect to itself.
 */
export async function freePorts(count: number): Promise<number[]> {
  const found: number[] = []
  for (let tried = 0; found.length < count; tried++) {
    if (tried > 1_000) throw new Error(`fewer than ${count} free ports`)
    const port = 10_000 + randomInt(20_000)
    if (!found.includes(port) && (await isFree(port))) found.push(port)
  }
  return found
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1)
  return port
}

/** Undoes what a test started, last first, also when the test fails in the middle. */
export class Teardown {
  readonly #steps: (() => Promise<unknown> | unknown)[] = []

  add(step: () => Promise<unknown> | unknown): void {
    this.#steps.push(step)
  }

  child(child: Child): Child {
    this.add(async () => {
      child.signal('SIGCONT')
      await child.kill()
    })
    return child
  }

  async run(): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) await step()
  }
}
