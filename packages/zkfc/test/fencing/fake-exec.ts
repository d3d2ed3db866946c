import type { Exec, ExecOptions, ExecResult, Logger, Runtime } from '@baton/runtime'
import { nodeClock } from '@baton/runtime/node'
import type { FencingConfiguration, FenceTarget } from '../../src/fencing/index.ts'

export interface Run {
  readonly command: readonly string[]
  readonly options: ExecOptions
}

export const EXITED: ExecResult = { exitCode: 0, stdout: '', stderr: '', timedOut: false }

/** Answers each run with what `answer` says and keeps what it was asked. */
export class FakeExec implements Exec {
  readonly runs: Run[] = []
  readonly #answer: (run: Run) => Partial<ExecResult> | Promise<Partial<ExecResult>>

  constructor(
    answer: (run: Run) => Partial<ExecResult> | Promise<Partial<ExecResult>> = () => ({}),
  ) {
    this.#answer = answer
  }

  async run(command: readonly string[], options: ExecOptions): Promise<ExecResult> {
    const run = { command, options }
    this.runs.push(run)
    return { ...EXITED, ...(await this.#answer(run)) }
  }
}

export interface LogLine {
  readonly level: string
  readonly message: string
}

export function recordingLogger(lines: LogLine[]): Logger {
  const at = (level: string) => (_fields: object, message: string) => {
    lines.push({ level, message })
  }
  const logger: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger,
  }
  return logger
}

export function fencingRuntime(
  exec: Exec,
  lines: LogLine[] = [],
): Pick<Runtime, 'clock' | 'exec' | 'logger'> {
  return { clock: nodeClock, exec, logger: recordingLogger(lines) }
}

export function configuration(entries: Readonly<Record<string, string>>): FencingConfiguration {
  const get = (key: string): string | undefined => entries[key]
  return { get, getRaw: get, getTrimmed: key => get(key)?.trim(), keys: () => Object.keys(entries) }
}

export const NN1: FenceTarget = {
  nameserviceId: 'mycluster',
  namenodeId: 'nn1',
  host: 'host1',
  port: 8020,
  addressText: 'host1/192.0.2.1:8020',
}

export const NN2: FenceTarget = {
  ...NN1,
  namenodeId: 'nn2',
  host: 'host2',
  addressText: 'host2/192.0.2.2:8020',
}

export const never = (): AbortSignal => new AbortController().signal
