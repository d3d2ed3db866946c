import { BadFencingConfigurationError, boundedOutput, readLimitMs } from './fence-method.ts'
import type {
  FenceMethod,
  FenceRequest,
  FenceRole,
  FencingConfiguration,
  FencingRuntime,
  FencingSurroundings,
  MethodVerdict,
} from './fence-method.ts'
import type { ExecResult } from '@baton/runtime'
import type { FencingLine } from './fencing-grammar.ts'
import { addressVariables, shellEnvironment, type EnvironmentSources } from './shell-environment.ts'
import { splitShellArgument } from './shell-argument.ts'

/*
 * `shell(COMMAND)`: fenced if `bash -e -c COMMAND` ends with exit code 0 in time (twin of Java's
 * ShellCommandFencer, which waits for ever). The script is the operator's, so its word is taken;
 * anything but a plain 0 is a failure: a time-out, a signal, a missing program.
 */

export const SHELL_TIMEOUT_KEY = 'baton.fencing.shell.timeout.ms'
export const SHELL_WARN_KEY = 'baton.fencing.shell.warn-after.ms'
export const SHELL_PASS_SECRETS_KEY = 'baton.fencing.shell.pass-secrets'
const TIMEOUT_MS = 300_000
const WARN_AFTER_MS = 30_000
/** Lines of one try that reach the log; a script in a loop must not fill the disk. */
const LOGGED_LINES_MAX = 1_000
const ABBREVIATED_LENGTH = 20

export class ShellCommandFencer implements FenceMethod {
  readonly text: string
  readonly javaText: string
  readonly #commands: readonly [string] | readonly [string, string]
  readonly #runtime: FencingRuntime
  readonly #sources: EnvironmentSources
  readonly #timeoutMs: number
  readonly #warnAfterMs: number

  private constructor(
    line: FencingLine,
    commands: readonly [string] | readonly [string, string],
    runtime: FencingRuntime,
    sources: EnvironmentSources,
  ) {
    this.text = line.text
    this.javaText = `org.apache.hadoop.ha.ShellCommandFencer(${line.argument ?? ''})`
    this.#commands = commands
    this.#runtime = runtime
    this.#sources = sources
    this.#timeoutMs = readLimitMs(sources.conf, SHELL_TIMEOUT_KEY, TIMEOUT_MS)
    this.#warnAfterMs = readLimitMs(sources.conf, SHELL_WARN_KEY, WARN_AFTER_MS)
  }

  static create(
    this: void,
    line: FencingLine,
    conf: FencingConfiguration,
    runtime: FencingRuntime,
    surroundings: FencingSurroundings,
  ): ShellCommandFencer {
    if (line.argument === undefined || line.argument.trim() === '') {
      throw new BadFencingConfigurationError(
        `dfs.ha.fencing.methods, line ${line.number}: No argument passed to 'shell' fencing ` +
          'method. Write the command between the parentheses: shell(/path/to/fence.sh)',
      )
    }
    const { commands, warning } = splitShellArgument(line.argument)
    if (warning !== undefined) {
      runtime.logger.warn(
        { key: 'dfs.ha.fencing.methods', line: line.number },
        `dfs.ha.fencing.methods, line ${line.number}: ${warning}`,
      )
    }
    return new ShellCommandFencer(line, commands, runtime, {
      inherited: surroundings.environment,
      conf,
      passSecrets: readPassSecrets(conf),
    })
  }

  appliesTo(): boolean {
    return true
  }

  async tryFence({ target, role, signal }: FenceRequest): Promise<MethodVerdict> {
    const command = this.#commandFor(role)
    const bothNames = role === 'zkfc' && this.#commands.length === 2
    const { exec, clock, logger } = this.#runtime
    const fields = { nameserviceId: target.nameserviceId, target: target.namenodeId }
    logger.info(fields, `Launched fencing command '${command}'`)
    const cancelWarning = clock.after(this.#warnAfterMs, () => {
      const seconds = Math.round(this.#warnAfterMs / 1000)
      const limit = Math.round(this.#timeoutMs / 1000)
      const short = abbreviate(command)
      const text = `${short}: still running after ${seconds} s; it is killed after ${limit} s`
      logger.warn(fields, text)
    })
    const variables = addressVariables(target, role, bothNames)
    try {
      const result = await exec.run(['bash', '-e', '-c', command], {
        timeoutMs: this.#timeoutMs,
        env: shellEnvironment(this.#sources, variables),
        signal,
        onLine: this.#lineLogger(command, fields),
      })
      return this.#judge(result, signal)
    } finally {
      cancelWarning()
    }
  }

  /** Two commands: for the node that becomes active, and for the one that must stop being it. */
  #commandFor(role: FenceRole): string {
    const [first, second] = this.#commands
    return role === 'becomingActive' ? first : (second ?? first)
  }

  #lineLogger(
    command: string,
    fields: object,
  ): (line: string, stream: 'stdout' | 'stderr') => void {
    const prefix = abbreviate(command)
    let count = 0
    return (line, stream) => {
      count += 1
      if (count > LOGGED_LINES_MAX) return
      const { logger } = this.#runtime
      if (stream === 'stdout') logger.info(fields, `${prefix}: ${line}`)
      else logger.warn(fields, `${prefix}: ${line}`)
      if (count === LOGGED_LINES_MAX) logger.warn(fields, `${prefix}: further lines not logged`)
    }
  }

  #judge(result: ExecResult, signal: AbortSignal): MethodVerdict {
    const { exitCode, timedOut } = result
    const ok = exitCode === 0 && !timedOut && !signal.aborted
    const cause = this.#causeOf(result, signal)
    return { ok, cause, output: boundedOutput(result.stdout, result.stderr), exitCode, timedOut }
  }

  #causeOf({ exitCode, timedOut }: ExecResult, signal: AbortSignal): string {
    if (timedOut) {
      return `killed after ${this.#timeoutMs} ms (${SHELL_TIMEOUT_KEY}): it may have fenced or not`
    }
    if (signal.aborted) return 'killed because the failover was called off'
    if (exitCode === 0) return 'the command ended with exit code 0'
    if (exitCode === 127) return 'exit code 127: bash, or a program it calls, was not found'
    if (exitCode === 126) return 'exit code 126: the program may not be executed'
    if (exitCode > 128) return `ended by signal ${exitCode - 128} (exit code ${exitCode})`
    return `the command ended with exit code ${exitCode}`
  }
}

function readPassSecrets(conf: FencingConfiguration): boolean {
  const text = conf.getTrimmed(SHELL_PASS_SECRETS_KEY) ?? 'false'
  if (text === 'true' || text === 'false') return text === 'true'
  throw new BadFencingConfigurationError(
    `${SHELL_PASS_SECRETS_KEY} is "${text}": expected true or false`,
  )
}

/** Java's prefix of each output line: 20 characters, "..." in the middle. */
export function abbreviate(command: string): string {
  if (command.length <= ABBREVIATED_LENGTH) return command
  const keep = ABBREVIATED_LENGTH - 3
  const head = Math.floor(keep / 2)
  return `${command.slice(0, head)}...${command.slice(-(keep - head))}`
}
