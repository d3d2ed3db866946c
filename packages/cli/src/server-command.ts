import { readFile, type Address, type Cancel, type Logger, type Network } from '@baton/runtime'
import { createLogger, type LogLevel } from '@baton/runtime/node'
import {
  ConfigError,
  KNOWN_KEYS,
  parseZooCfg,
  unknownKeys,
  ZooKeeperServer,
  type ServerConfig,
} from '@baton/server'
import type { CliIo, Signal } from './cli-io.ts'
import type { GenericOptions } from './generic-options.ts'
import { nearest } from './nearest.ts'
import { startFailure } from './server-errors.ts'

export const SERVER_EXIT = { ok: 0, failed: 1, configuration: 2 } as const
const CONFIGURATION_BYTES_MAX = 1_048_576
const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent']

interface ServerWords {
  readonly file: string
  readonly level: LogLevel
}

/** `baton server zoo.cfg`: runs until SIGTERM or SIGINT, or until the server cannot go on. */
export async function runServer(io: CliIo, generic: GenericOptions): Promise<number> {
  const words = parseWords(generic.rest)
  if (typeof words === 'string') {
    io.stderr(`${words}\n`)
    io.stderr('Usage: baton server [--log-level debug|info|warn|error|silent] <zoo.cfg>\n')
    return SERVER_EXIT.configuration
  }
  const config = await readConfig(io, words.file)
  if (config === undefined) return SERVER_EXIT.configuration
  for (const text of unknownKeyWarnings(config)) io.stderr(`WARN: ${words.file}: ${text}\n`)
  const logger = createLogger({ level: words.level, fields: { component: 'server' } })
  const runtime = await io.runtime(logger)
  let server: ZooKeeperServer
  try {
    await tryAddress(runtime.network, config.clientAddress)
    server = await ZooKeeperServer.start({ runtime, config })
  } catch (error) {
    const cause = startFailure(words.file, config, error) ?? messageOf(error)
    io.stderr(`The server could not start: ${cause}\n`)
    return SERVER_EXIT.failed
  }
  const cancel = stopAtSignal(io, server, logger)
  const { error } = await server.whenEnded
  cancel()
  if (error === undefined) return SERVER_EXIT.ok
  io.stderr(`The server ended: ${error.message}\n`)
  return SERVER_EXIT.failed
}

/** Bound for a moment before any file is made: a server that cannot listen is to leave none. */
async function tryAddress(network: Network, address: Address): Promise<void> {
  const listener = await network.listen(address, link => {
    link.onData = () => {}
    link.onClose = () => {}
    link.destroy('the server only starts now')
  })
  await listener.close()
}

function stopAtSignal(io: CliIo, server: ZooKeeperServer, logger: Logger): Cancel {
  return io.onSignal(['SIGTERM', 'SIGINT'], (signal: Signal) => {
    logger.info({ signal }, 'stopping')
    server.stop().catch((error: unknown) => {
      logger.error({ error: messageOf(error) }, 'stopping did not go as it should')
    })
  })
}

/** What is wrong with the words, where something is. */
function parseWords(words: readonly string[]): ServerWords | string {
  const files: string[] = []
  let level: LogLevel = 'info'
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    if (word === '--log-level') {
      const named = LEVELS.find(known => known === words[at + 1])
      if (named === undefined) return `--log-level: expected ${LEVELS.join(', ')}`
      level = named
      at++
    } else if (word.startsWith('-')) return `unknown option '${word}'`
    else files.push(word)
  }
  const [file, ...more] = files
  if (file === undefined) return 'the file zoo.cfg is not named'
  return more.length === 0 ? { file, level } : `one zoo.cfg is expected, found ${files.length}`
}

/** undefined after all that is wrong with the file was printed. */
async function readConfig(io: CliIo, file: string): Promise<ServerConfig | undefined> {
  try {
    const { disk } = await io.runtime()
    const bytes = await readFile(disk, file, CONFIGURATION_BYTES_MAX)
    if (bytes !== undefined) return parseZooCfg(new TextDecoder().decode(bytes), file)
    io.stderr(`${file}: no such file\n`)
  } catch (error) {
    io.stderr(
      error instanceof ConfigError ? `${error.message}\n` : `${file}: ${messageOf(error)}\n`,
    )
  }
  return undefined
}

function unknownKeyWarnings(config: ServerConfig): readonly string[] {
  return unknownKeys(config).map(key => {
    const near = nearest(key, KNOWN_KEYS)
    const question = near === undefined ? '' : `; is ${near} meant?`
    return `${key}: no such key is known, nothing is done with it${question}`
  })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
