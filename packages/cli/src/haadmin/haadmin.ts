/**
 * `baton haadmin`, twin of `hdfs haadmin` (DFSHAAdmin of Hadoop 3.4): the same commands, texts and
 * exit codes, so that scripts written for it go on working. Exit code 0, or 255 for every failure.
 *
 * Beyond it: `--json` with every command that prints a state, and after a change of state the end
 * state is read back before success is reported.
 */
import { ConfigurationError, RemoteException, requireSimpleAuthentication } from '@baton/hadoop'
import { userName, type CliIo } from '../cli-io.ts'
import { confirm } from '../confirm.ts'
import { UsageError, type GenericOptions } from '../generic-options.ts'
import { hintWhereNoneWasRead, loadConfiguration } from '../load-configuration.ts'
import { HaCalls } from './ha-calls.ts'
import { HA_COMMANDS } from './ha-commands.ts'
import { EXIT_FAILED, EXIT_OK, HaAdminError, type HaAdminRun } from './haadmin-run.ts'
import { COMMANDS, FORCE_MANUAL_QUESTION, fullUsage, helpOf, usageOf } from './haadmin-usage.ts'
import { parseOptions } from './parse-options.ts'

/** The exit code. `generic` holds what stood in front of the command's own words. */
export async function runHaAdmin(io: CliIo, generic: GenericOptions): Promise<number> {
  try {
    return await runWords(io, generic)
  } catch (error) {
    io.stderr(`${failureText(error)}\n`)
    const ofConfiguration = error instanceof ConfigurationError || error instanceof HaAdminError
    if (ofConfiguration) io.stderr(await hintWhereNoneWasRead(io, generic))
    return EXIT_FAILED
  }
}

function failureText(error: unknown): string {
  if (error instanceof HaAdminError) return error.message
  if (error instanceof ConfigurationError || error instanceof UsageError) {
    return `Illegal argument: ${error.message}`
  }
  if (!(error instanceof Error)) return `Operation failed: ${String(error)}`
  const expected = error instanceof RemoteException || error.name === 'IpcError'
  return `Operation failed: ${expected ? error.message : (error.stack ?? error.message)}`
}

async function runWords(io: CliIo, generic: GenericOptions): Promise<number> {
  const words = stripNameservice(io, generic.rest)
  if (words === undefined) return EXIT_FAILED
  const [command = '', ...rest] = words.words
  if (!isKnownCommand(io, command)) return EXIT_FAILED
  if (command === '-help') return help(io, rest)
  const parsed = parseOptions(rest, COMMANDS[command]?.options ?? [])
  if (parsed === undefined) {
    io.stderr(`${command.slice(1)}: incorrect arguments\n${usageOf(command)}`)
    return EXIT_FAILED
  }
  const forced = parsed.options.has('forcemanual')
  if (forced && !(await confirm(io, FORCE_MANUAL_QUESTION))) {
    io.stderr('Aborted\n')
    return EXIT_FAILED
  }
  const conf = await loadConfiguration(io, generic)
  requireSimpleAuthentication(conf)
  const runtime = await io.runtime()
  const calls = new HaCalls(conf, runtime, userName(io))
  const run: HaAdminRun = {
    ...parsed,
    ...{ io, runtime, conf, calls, command, nameserviceId: words.nameserviceId },
    source: forced ? 'userForced' : 'user',
    json: parsed.options.has('json'),
  }
  try {
    return await (HA_COMMANDS[command]?.(run) ?? EXIT_FAILED)
  } finally {
    calls.close()
  }
}

interface Words {
  readonly nameserviceId: string | undefined
  readonly words: readonly string[]
}

/** `-ns <id>` counts only as the first word. undefined: a usage error was printed. */
function stripNameservice(io: CliIo, words: readonly string[]): Words | undefined {
  const complaint = nameserviceComplaint(words)
  if (complaint !== undefined) {
    io.stderr(complaint + fullUsage())
    return undefined
  }
  if (words[0] !== '-ns') return { nameserviceId: undefined, words }
  return { nameserviceId: words[1], words: words.slice(2) }
}

function nameserviceComplaint(words: readonly string[]): string | undefined {
  if (words.length === 0) return ''
  if (words[0] !== '-ns' || words.length > 2) return undefined
  return words.length === 1 ? 'Missing nameservice ID\n' : 'Missing command\n'
}

function isKnownCommand(io: CliIo, command: string): boolean {
  if (!command.startsWith('-')) {
    const text = `Bad command '${command}': expected command starting with '-'\n`
    io.stderr(text + fullUsage())
    return false
  }
  if (Object.hasOwn(COMMANDS, command)) return true
  io.stderr(`${command.slice(1)}: Unknown command\n${fullUsage()}`)
  return false
}

function help(io: CliIo, rest: readonly string[]): number {
  const [word] = rest
  if (word === undefined) {
    io.stdout(fullUsage())
    return EXIT_OK
  }
  if (rest.length > 1) {
    io.stderr(usageOf('-help'))
    return EXIT_FAILED
  }
  const command = word.startsWith('-') ? word : `-${word}`
  const text = Object.hasOwn(COMMANDS, command) ? helpOf(command) : undefined
  if (text === undefined) {
    io.stderr(`${command}: Unknown command\n${fullUsage()}`)
    return EXIT_FAILED
  }
  io.stdout(text)
  return EXIT_OK
}
