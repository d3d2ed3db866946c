import { localIdentity, promoteKeys } from '@baton/hadoop'
import type { Configuration, Identity } from '@baton/hadoop'
import type { Cancel, Runtime } from '@baton/runtime'
import { ON_STOP_KEY, readZkfcConfig } from './config.ts'
import type { EventListener } from './events.ts'
import { formatZk } from './format-zk.ts'
import type { LocalProcesses } from './process-evidence.ts'
import { Zkfc } from './zkfc.ts'
import { asStartError, resolveTargets, StartError } from './zkfc-start.ts'

/** `hdfs zkfc`, word for word. */
export const ZKFC_USAGE =
  'Usage: hdfs zkfc [ -formatZK [-force] [-nonInteractive] ]\n' +
  '\t-force: formats the znode if the znode exists.\n' +
  '\t-nonInteractive: formats the znode aborts if the znode exists,\n' +
  '\tunless -force option is specified.\n'

const GENERIC_OPTIONS = `
Generic options supported are:
-conf <configuration file>        specify an application configuration file
-D <property=value>               define a value for a given property
-fs <file:///|hdfs://namenode:port> specify default filesystem URL to use, overrides \
'fs.defaultFS' property from configurations.
-jt <local|resourcemanager:port>  specify a ResourceManager
-files <file1,...>                specify a comma-separated list of files to be copied to the map \
reduce cluster
-libjars <jar1,...>               specify a comma-separated list of jar files to be included in \
the classpath
-archives <archive1,...>          specify a comma-separated list of archives to be unarchived on \
the compute machines

The general command line syntax is:
command [genericOptions] [commandOptions]

`

export type StopSignal = 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'SIGUSR2'

/** All that the command sees of the process it runs in. */
export interface RunZkfcOptions {
  readonly runtime: Runtime
  readonly conf: Configuration
  /** Whether generic options stood in front of the words: `-help` counts only alone. */
  readonly hadGenericOptions: boolean
  readonly env: Readonly<Record<string, string | undefined>>
  readonly user: string
  /** IP literals of this machine's interfaces. */
  readonly localAddresses: readonly string[]
  readonly localProcesses: LocalProcesses
  readonly listeners?: readonly EventListener[]
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  /** The next line of standard input; undefined once it is closed. */
  readonly readLine: () => Promise<string | undefined>
  readonly onSignal: (names: readonly StopSignal[], run: (name: StopSignal) => void) => Cancel
}

const HELP: ReadonlySet<string> = new Set(['-h', '-help', '--help'])

/** `zkfc` with its own words (generic options taken off); the exit code, 0 to 6 as Java's. */
export async function runZkfc(words: readonly string[], options: RunZkfcOptions): Promise<number> {
  const [first] = words
  if (first !== undefined && words.length === 1 && !options.hadGenericOptions && HELP.has(first)) {
    options.stdout(`${ZKFC_USAGE}${GENERIC_OPTIONS}`)
    return 0
  }
  try {
    const identity = await localIdentity(options.conf, options.localAddresses, host =>
      options.runtime.network.resolve(host),
    )
    if (words.length > 0) return await runFormat(words, identity, options)
    return await runController(identity, options)
  } catch (error) {
    const { exitCode, message } = asStartError(error)
    // Not logged, too: the log goes to standard error as well, and would say it twice.
    options.stderr(`${message}\n`)
    return exitCode
  }
}

async function runFormat(
  words: readonly string[],
  identity: Identity,
  options: RunZkfcOptions,
): Promise<number> {
  const { runtime, conf } = options
  await resolveTargets(conf, identity, runtime)
  const promoted = promoteKeys(conf, identity.nameserviceId, identity.namenodeId)
  const config = await readZkfcConfig(promoted, identity.nameserviceId, runtime.disk)
  const bad = badWord(words)
  if (bad !== undefined) {
    options.stderr(`${ZKFC_USAGE}\n`)
    throw new StartError(1, `Bad argument: ${bad}`)
  }
  const result = await formatZk(runtime, config, {
    force: words.includes('-force'),
    interactive: !words.includes('-nonInteractive'),
    confirm: path => confirmFormat(path, options),
    tell: text => options.stderr(`${text}\n`),
  })
  return result === 'formatted' ? 0 : 2
}

function badWord(words: readonly string[]): string | undefined {
  const [first, ...more] = words
  if (first !== '-formatZK') return first
  return more.find(word => word !== '-force' && word !== '-nonInteractive')
}

const RULE = '==============================================='
const ANSWERS: Readonly<Record<string, boolean>> = { y: true, yes: true, n: false, no: false }

/** A closed input is a no: nobody is there to agree, and asking again would never end. */
async function confirmFormat(path: string, options: RunZkfcOptions): Promise<boolean> {
  options.stderr(
    `${RULE}\nThe configured parent znode ${path} already exists.\n` +
      'Are you sure you want to clear all failover information from\nZooKeeper?\n' +
      'WARNING: Before proceeding, ensure that all HDFS services and\n' +
      `failover controllers are stopped!\n${RULE}\n`,
  )
  for (;;) {
    options.stderr(`Proceed formatting ${path}? (Y or N) `)
    const line = await options.readLine()
    if (line === undefined) {
      options.stderr('\nStandard input is closed, taken as N.\n')
      return false
    }
    const answer = ANSWERS[line.trim().toLowerCase()]
    if (answer !== undefined) return answer
    options.stderr(`Invalid input: ${line.trim()}\n`)
  }
}

async function runController(identity: Identity, options: RunZkfcOptions): Promise<number> {
  const { runtime, conf, localProcesses, user, listeners } = options
  const env: Record<string, string> = {}
  for (const [name, value] of Object.entries(options.env)) {
    if (value !== undefined) env[name] = value
  }
  const given = { runtime, conf, identity, localProcesses, user, env }
  const zkfc = new Zkfc(listeners === undefined ? given : { ...given, listeners })
  const onStop = conf.getTrimmed(ON_STOP_KEY) === 'hand-over' ? 'handOver' : 'keep'
  // SIGUSR2 hands over whatever the key says: `systemctl stop` and a shutdown of the host send it.
  const cancel = options.onSignal(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR2'], name => {
    runtime.logger.info({ signal: name }, `RECEIVED SIGNAL: ${name}`)
    void zkfc.stop(name === 'SIGUSR2' ? 'handOver' : onStop)
  })
  try {
    await zkfc.start()
    const { exitCode, text } = await zkfc.whenEnded
    if (text !== undefined) options.stderr(`${text}\n`)
    return exitCode
  } finally {
    cancel()
  }
}
