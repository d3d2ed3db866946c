import { Configuration, ConfigurationError, requirePlainZooKeeper } from '@baton/hadoop'
import type { Runtime } from '@baton/runtime'
import { createLogger, type LogLevel } from '@baton/runtime/node'
import { runZkfc, type EventListener } from '@baton/zkfc'
import { createProcLocalProcesses } from '@baton/zkfc/node'
import { userName, type CliIo } from './cli-io.ts'
import { UsageError, type GenericOptions } from './generic-options.ts'
import { hintWhereNoneWasRead, loadConfiguration } from './load-configuration.ts'

const EXIT_FAILED = 1
const LOG_LEVEL_KEY = 'baton.log.level'
const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent']
const REDIS_URL_KEY = 'baton.events.redis.url'
const HELP: ReadonlySet<string> = new Set(['-h', '-help', '--help'])

/** `baton zkfc`: gives `runZkfc`, which does the work, the process around it. */
export async function runZkfcCommand(io: CliIo, generic: GenericOptions): Promise<number> {
  try {
    const exitCode = await runWith(io, generic)
    if (exitCode === EXIT_FAILED) io.stderr(await hintWhereNoneWasRead(io, generic))
    return exitCode
  } catch (error) {
    // The console's own error class is not loaded unless the sink is.
    const known = error instanceof ConfigurationError || error instanceof UsageError
    const ofSink = error instanceof Error && error.name === 'EventSinkConfigurationError'
    if (!known && !ofSink) throw error
    io.stderr(`${error.message}\n`)
    return EXIT_FAILED
  }
}

async function runWith(io: CliIo, generic: GenericOptions): Promise<number> {
  const conf = await configurationOf(io, generic)
  const runtime = await io.runtime(
    createLogger({ level: logLevel(conf), fields: { component: 'zkfc' } }),
  )
  const sink = await createSink(conf, runtime)
  try {
    return await runZkfc(generic.rest, {
      runtime,
      conf,
      hadGenericOptions: hadGenericOptions(generic),
      env: io.env,
      user: userName(io),
      localAddresses: io.localAddresses(),
      localProcesses: createProcLocalProcesses(),
      stdout: io.stdout,
      stderr: io.stderr,
      readLine: io.readLine,
      onSignal: io.onSignal,
      ...(sink === undefined ? {} : { listeners: [sink.listener] }),
    })
  } finally {
    await sink?.close()
  }
}

/** Help needs no files, and must be had where they are broken. */
async function configurationOf(io: CliIo, generic: GenericOptions): Promise<Configuration> {
  const [word = ''] = generic.rest
  const onlyHelp = generic.rest.length === 1 && HELP.has(word) && !hadGenericOptions(generic)
  if (onlyHelp) return Configuration.fromEntries([])
  const conf = await loadConfiguration(io, generic)
  requirePlainZooKeeper(conf)
  return conf
}

/** `--conf` is our own and does not count: Java gets its directory by other means. */
function hadGenericOptions(generic: GenericOptions): boolean {
  return generic.overrides.length > 0 || generic.ignored.length > 0
}

function logLevel(conf: Configuration): LogLevel {
  const value = conf.getTrimmed(LOG_LEVEL_KEY) ?? 'info'
  const level = LOG_LEVELS.find(known => known === value)
  if (level === undefined) throw conf.problem(LOG_LEVEL_KEY, `expected ${LOG_LEVELS.join(', ')}`)
  return level
}

interface Sink {
  readonly listener: EventListener
  close(): Promise<void>
}

/** The shared history; its client is loaded only where it is asked for. */
async function createSink(conf: Configuration, runtime: Runtime): Promise<Sink | undefined> {
  if ((conf.getTrimmed(REDIS_URL_KEY) ?? '') === '') return undefined
  const { createRedisEventSink } = await import('@baton/console')
  return createRedisEventSink(conf, runtime)
}
