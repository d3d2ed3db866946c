/**
 * `baton zkcli`, a small twin of zkCli.sh: one command from the command line, or a shell where
 * none is given. Where standard input is no terminal the shell reads commands line by line; a
 * failed one does not end it, and shows in the exit code.
 */
import { ZooKeeper, ZooKeeperError, type SessionState } from '@baton/client'
import type { CliIo } from '../cli-io.ts'
import type { GenericOptions } from '../generic-options.ts'
import { CommandError, errorText, ZKCLI_COMMANDS, zkcliHelp } from './zkcli-commands.ts'
import { parseCommand, parseNumber, splitLine, WordsError } from './words.ts'

export const ZKCLI_EXIT = { ok: 0, failed: 1, usage: 2, noServer: 3 } as const

const SERVER_DEFAULT = '127.0.0.1:2181'
const SESSION_TIMEOUT_MS = 30_000
/** A server that does not answer within this is not going to: a person waits for it. */
const CONNECT_TIMEOUT_MS = 10_000

interface Start {
  readonly server: string
  readonly sessionTimeoutMs: number
  readonly words: readonly string[]
}

export async function runZkCli(io: CliIo, generic: GenericOptions): Promise<number> {
  let zk: ZooKeeper | undefined
  try {
    const start = parseStart(generic.rest)
    const [command] = start.words
    if (command === 'help') {
      io.stdout(zkcliHelp())
      return ZKCLI_EXIT.ok
    }
    if (command !== undefined) checkCommand(start.words) // before anything is connected
    zk = await connect(io, start)
    if (zk === undefined) return ZKCLI_EXIT.noServer
    if (command === undefined) return await shell(io, zk)
    return await runCommand(io, zk, start.words)
  } catch (error) {
    if (!(error instanceof WordsError) && !(error instanceof RangeError)) throw error
    io.stderr(`${error.message}\n`)
    return ZKCLI_EXIT.usage
  } finally {
    await zk?.close()
  }
}

const FRONT_OPTIONS: ReadonlySet<string> = new Set(['-server', '-timeout'])

function parseStart(words: readonly string[]): Start {
  const values = new Map<string, string>()
  let at = 0
  for (; FRONT_OPTIONS.has(words[at] ?? ''); at += 2) {
    const value = words[at + 1]
    if (value === undefined) throw new WordsError(`${words[at]} needs a value`)
    values.set(words[at] ?? '', value)
  }
  const timeout = values.get('-timeout')
  return {
    server: values.get('-server') ?? SERVER_DEFAULT,
    sessionTimeoutMs:
      timeout === undefined ? SESSION_TIMEOUT_MS : parseNumber(timeout, '-timeout', 1),
    words: words.slice(at),
  }
}

/** undefined, with the reason on standard error, where no server took us in time. */
async function connect(io: CliIo, start: Start): Promise<ZooKeeper | undefined> {
  const runtime = await io.runtime()
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      cancel()
      io.stderr(`${why} (-server ${start.server})\n`)
      zk.detach()
      resolve(undefined)
    }
    const limitMs = Math.min(CONNECT_TIMEOUT_MS, start.sessionTimeoutMs)
    const cancel = runtime.clock.after(limitMs, () => fail(`No server answered in ${limitMs} ms`))
    const onState = (state: SessionState): void => {
      if (state === 'connected') {
        cancel()
        resolve(zk)
      } else if (state === 'expired' || state === 'authFailed') fail(`The session is ${state}`)
    }
    const { server: connectString, sessionTimeoutMs } = start
    let zk: ZooKeeper
    try {
      zk = new ZooKeeper({ runtime, connectString, sessionTimeoutMs, onState })
    } catch (error) {
      cancel()
      reject(error)
    }
  })
}

interface Checked {
  readonly row: (typeof ZKCLI_COMMANDS)[string]
  readonly words: ReturnType<typeof parseCommand>
  readonly path: string
}

/** Throws `WordsError` with the command's usage. */
function checkCommand(line: readonly string[]): Checked {
  const [name = '', ...rest] = line
  const row = Object.hasOwn(ZKCLI_COMMANDS, name) ? ZKCLI_COMMANDS[name] : undefined
  if (row === undefined) throw new WordsError(`Command not found: ${name} (try: help)`)
  try {
    const words = parseCommand(rest, row)
    const [least, most] = row.args
    if (words.args.length < least || words.args.length > most)
      throw new WordsError('Wrong arguments')
    return { row, words, path: words.args[0] ?? '/' }
  } catch (error) {
    if (!(error instanceof WordsError)) throw error
    throw new WordsError(`${error.message}\nusage: ${row.usage}`)
  }
}

async function runCommand(io: CliIo, zk: ZooKeeper, line: readonly string[]): Promise<number> {
  const { row, words, path } = checkCommand(line)
  try {
    await row.run({ zk, stdout: io.stdout }, words, path)
    return ZKCLI_EXIT.ok
  } catch (error) {
    const expected = error instanceof ZooKeeperError || error instanceof CommandError
    if (!expected && !(error instanceof RangeError)) throw error
    io.stderr(`${errorText(error, path)}\n`)
    return ZKCLI_EXIT.failed
  }
}

const END_WORDS: ReadonlySet<string> = new Set(['quit', 'exit'])

async function shell(io: CliIo, zk: ZooKeeper): Promise<number> {
  let exitCode: number = ZKCLI_EXIT.ok
  const reader = await io.openShell(Object.keys(ZKCLI_COMMANDS))
  try {
    for (let count = 0; ; count += 1) {
      const line = await reader.ask(`[zk: ${zk.server}(${zk.state.toUpperCase()}) ${count}] `)
      const words = splitLine(line ?? 'quit')
      const [name] = words
      if (name === undefined) continue
      if (END_WORDS.has(name)) return exitCode
      const code = name === 'help' ? showHelp(io) : await runLine(io, zk, words)
      if (code !== ZKCLI_EXIT.ok) exitCode = code
    }
  } finally {
    reader.close()
  }
}

function showHelp(io: CliIo): number {
  io.stdout(zkcliHelp())
  return ZKCLI_EXIT.ok
}

async function runLine(io: CliIo, zk: ZooKeeper, words: readonly string[]): Promise<number> {
  try {
    return await runCommand(io, zk, words)
  } catch (error) {
    if (!(error instanceof WordsError)) throw error
    io.stderr(`${error.message}\n`)
    return ZKCLI_EXIT.usage
  }
}
