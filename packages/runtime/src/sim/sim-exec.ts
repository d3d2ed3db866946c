import type { Exec, ExecOptions, ExecResult } from '../exec.ts'
import { OUTPUT_BYTES_MAX, OUTPUT_DROPPED_MARK } from '../output-limit.ts'
import type { SimProcess } from './sim-process.ts'

/** What a simulated program sees of the one who started it. */
export interface ProgramContext {
  readonly caller: SimProcess
  /** True once the program was killed: by its time limit or an abort. It must then do nothing. */
  readonly killed: boolean
  line(text: string, stream?: 'stdout' | 'stderr'): void
}

const START_MS_MIN = 1
const START_MS_MAX = 3
const KILLED_EXIT_CODE = 137

/** A caller that dies leaves its programs running, as a real one does. */
export class SimExec implements Exec {
  readonly #process: SimProcess

  constructor(owner: SimProcess) {
    this.#process = owner
  }

  run(command: readonly string[], options: ExecOptions): Promise<ExecResult> {
    const caller = this.#process
    const { sim, host } = caller
    return new Promise(resolve => {
      if (!caller.alive) return
      const boot = host.bootCount
      let killed = false
      let ended = false
      let linesGiven = false
      const finish = (result: ExecResult): void => {
        if (ended) return
        ended = true
        cancelLimit()
        options.signal?.removeEventListener('abort', onAbort)
        sim.note(host.name, 'program ended', result.exitCode)
        if (!linesGiven && options.onLine !== undefined) giveLines(caller, result, options.onLine)
        caller.turn('exec', () => resolve(limitOutput(result)))
      }
      const kill = (timedOut: boolean): void => {
        if (ended) return
        killed = true
        finish({ exitCode: KILLED_EXIT_CODE, stdout: '', stderr: '', timedOut })
      }
      const onAbort = (): void => {
        sim.event(0, () => kill(false))
      }
      const context: ProgramContext = {
        caller,
        get killed() {
          return killed || host.bootCount !== boot || !host.up
        },
        line: (text, stream = 'stdout') => {
          linesGiven = true
          if (!ended) caller.turn('exec', () => options.onLine?.(text, stream))
        },
      }
      // A timer of the caller: nobody kills at the limit while that is stopped or once it is dead.
      const cancelLimit = caller.runtime.clock.after(options.timeoutMs, () => kill(true))
      if (options.signal?.aborted === true) onAbort()
      else options.signal?.addEventListener('abort', onAbort, { once: true })
      const startMs = sim.random.fork(`exec/${sim.now}`).between(START_MS_MIN, START_MS_MAX)
      sim.event(startMs, () => {
        if (!ended) this.#start(command, options, context, finish)
      })
    })
  }

  #start(
    command: readonly string[],
    options: ExecOptions,
    context: ProgramContext,
    finish: (result: ExecResult) => void,
  ): void {
    const { sim, host } = this.#process
    sim.note(host.name, 'program started', command.join(' '))
    sim.noteCodeRan()
    const handler = host.execHandler
    if (handler === undefined) return finish(missing(command))
    const run = async (): Promise<ExecResult> => handler(command, options, host, context)
    run().then(finish, (error: unknown) => sim.fail(`the exec handler of ${host.name}`, error))
  }
}

function giveLines(
  caller: SimProcess,
  result: ExecResult,
  onLine: (line: string, stream: 'stdout' | 'stderr') => void,
): void {
  for (const stream of ['stdout', 'stderr'] as const) {
    const lines = result[stream].split('\n')
    if (lines.at(-1) === '') lines.pop()
    for (const line of lines) caller.turn('exec', () => onLine(line, stream))
  }
}

function missing(command: readonly string[]): ExecResult {
  const stderr = `could not start: ${command[0] ?? ''}`
  return { exitCode: 127, stdout: '', stderr, timedOut: false }
}

function limitOutput(result: ExecResult): ExecResult {
  return { ...result, stdout: limitText(result.stdout), stderr: limitText(result.stderr) }
}

function limitText(text: string): string {
  const bytes = new TextEncoder().encode(text)
  if (bytes.length <= OUTPUT_BYTES_MAX) return text
  return new TextDecoder().decode(bytes.subarray(0, OUTPUT_BYTES_MAX)) + OUTPUT_DROPPED_MARK
}
