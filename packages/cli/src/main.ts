/**
 * The `baton` program: global options, then the command's name, then its own words. Each command
 * is loaded when it is called, so that a short one such as haadmin starts quickly.
 */
import { Command, CommanderError, Option } from 'commander'
import type { CliIo } from './cli-io.ts'
import { parseGenericOptions, UsageError, type GenericOptions } from './generic-options.ts'
import { nearest } from './nearest.ts'
import { VERSION } from './version.ts'

export const EXIT_USAGE = 1

interface GlobalOptions {
  readonly conf?: string
  readonly D?: readonly string[]
}

/** A command that takes its words as Hadoop's or ZooKeeper's own program does. */
interface CommandRow {
  readonly name: string
  readonly words: string
  readonly description: string
  readonly help: string
  readonly run: (io: CliIo, generic: GenericOptions) => Promise<number>
}

const COMMANDS: readonly CommandRow[] = [
  {
    name: 'haadmin',
    words: '[-ns <nameserviceId>] -command [words...]',
    description: 'ask and change the state of NameNodes, as `hdfs haadmin`',
    help: `
Examples:
  baton haadmin -getAllServiceState
  baton haadmin -getServiceState nn1 --json
  baton haadmin -ns mycluster -failover nn1 nn2
  baton --conf /etc/hadoop/conf haadmin -checkHealth nn1
  baton haadmin -help                      every command; -help <command> for one

--json, with the commands that print a state: -getServiceState, -getAllServiceState,
-checkHealth, -failover.
Exit code: 0, or 255 for every failure (as hdfs haadmin).`,
    run: async (io, generic) => (await import('./haadmin/haadmin.ts')).runHaAdmin(io, generic),
  },
  {
    name: 'zkcli',
    words: '[-server <host:port>] [command] [words...]',
    description: 'read and change znodes, as zkCli.sh; a shell where no command is given',
    help: `
Examples:
  baton zkcli -server 127.0.0.1:2181 ls /hadoop-ha
  baton zkcli -server 127.0.0.1:2181 get -s /hadoop-ha/mycluster/ActiveBreadCrumb
  baton zkcli -server z1:2181,z2:2181/chroot create -s /queue/item data
  baton zkcli help                         every command with its options

Exit code: 0; 1 for a failed command; 2 for wrong words; 3 where no server could be reached.`,
    run: async (io, generic) => (await import('./zkcli/zkcli.ts')).runZkCli(io, generic),
  },
  {
    name: 'zkfc',
    words: '[-formatZK [-force] [-nonInteractive]]',
    description: 'run the failover controller of the local NameNode, as `hdfs zkfc`',
    help: `
Examples:
  baton zkfc -formatZK -nonInteractive     once, before the first controller starts
  baton --conf /etc/hadoop/conf zkfc
  baton zkfc -D dfs.ha.namenode.id=nn1     where several NameNodes are on one machine
  baton zkfc -help                         the usage as hdfs zkfc prints it

Signals: SIGTERM, SIGINT and SIGHUP stop as baton.zkfc.on-stop says (keep the role for a restart,
or hand it over); SIGUSR2 hands it over.
Exit code: 0; 1 for an error; 2 format denied; 3 no parent znode; 4 fencing missing or wrong;
5 automatic failover not enabled; 6 ZooKeeper unreachable.`,
    run: async (io, generic) => (await import('./zkfc-command.ts')).runZkfcCommand(io, generic),
  },
  {
    name: 'server',
    words: '[--log-level <level>] <zoo.cfg>',
    description: 'run a coordination server in the foreground, as zkServer.sh start-foreground',
    help: `
Examples:
  baton server /etc/zookeeper/zoo.cfg
  baton server --log-level debug ./zoo.cfg

Stops in order at SIGTERM and SIGINT. Exit code: 0 after a stop; 1 where it could not
start or go on; 2 for a wrong zoo.cfg or wrong words.`,
    run: async (io, generic) => (await import('./server-command.ts')).runServer(io, generic),
  },
  {
    name: 'reference-namenode',
    words: '--conf <dir> --id <namenode> --edits <dir> [--ns <id>] [--safemode]',
    description: 'run a small stand-in NameNode, to try things without Hadoop',
    help: `
Example:
  baton reference-namenode --conf ./conf --id nn1 --edits ./edits

Exit code: 0 after SIGTERM or SIGINT; 1 where it ended itself or could not start; 2 for
wrong words.`,
    run: async (_io, generic) => {
      const { runReferenceNameNode } = await import('@baton/reference-namenode/node')
      const conf = generic.conf === undefined ? [] : ['--conf', generic.conf]
      return runReferenceNameNode([...conf, ...generic.rest])
    },
  },
]

const COMMAND_NAMES: ReadonlySet<string> = new Set([
  ...COMMANDS.map(row => row.name),
  'demo',
  'help',
])
const WITH_VALUE: ReadonlySet<string> = new Set(['--conf', '-D'])

/** Looked for before anything else: `nope --help` would show the general help and end with 0. */
function unknownCommand(words: readonly string[]): string | undefined {
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    if (WITH_VALUE.has(word)) at++
    else if (!word.startsWith('-') && word !== 'help') {
      return COMMAND_NAMES.has(word) ? undefined : word
    }
  }
  return undefined
}

/** Runs one command to its end; the exit code of the process. Never rejects. */
export async function main(words: readonly string[], io: CliIo): Promise<number> {
  const unknown = unknownCommand(words)
  if (unknown !== undefined) {
    const near = nearest(unknown, COMMAND_NAMES)
    const question = near === undefined ? '' : ` (did you mean ${near}?)`
    io.stderr(`error: unknown command '${unknown}'${question}\n`)
    return EXIT_USAGE
  }
  let exitCode = 0
  const program = createProgram(io, code => {
    exitCode = code
  })
  try {
    await program.parseAsync(words, { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode
    const text = error instanceof UsageError ? error.message : textOf(error)
    io.stderr(`baton: ${text}\n`)
    return EXIT_USAGE
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

function createProgram(io: CliIo, ended: (exitCode: number) => void): Command {
  const program = new Command('baton')
    .description('Keeps HDFS up when a NameNode dies.')
    .version(VERSION, '--version', 'the version of this program')
    .option(
      '--conf <dir>',
      'directory of core-site.xml and hdfs-site.xml (else HADOOP_CONF_DIR, /etc/hadoop/conf)',
    )
    .option('-D <key=value>', 'set a configuration key; beats every file', append)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeOut: io.stdout, writeErr: io.stderr })
    .addHelpText('after', '\nExample:\n  baton --conf /etc/hadoop/conf haadmin -getAllServiceState')
  for (const row of COMMANDS) {
    program
      .command(row.name)
      .description(row.description)
      .usage(row.words)
      .helpOption('--help', 'this text')
      .argument('[words...]')
      .allowUnknownOption()
      .passThroughOptions()
      .addHelpText('after', row.help)
      .action(async (own: readonly string[]) => {
        ended(await row.run(io, merge(program.opts<GlobalOptions>(), own)))
      })
  }
  addDemo(program, ended)
  return program
}

function append(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value]
}

/** Options in front of the command's name and right behind it count alike; the latter win. */
function merge(globals: GlobalOptions, words: readonly string[]): GenericOptions {
  const before = parseGenericOptions((globals.D ?? []).flatMap(pair => ['-D', pair]))
  const own = parseGenericOptions(words)
  return {
    conf: own.conf ?? globals.conf,
    overrides: [...before.overrides, ...own.overrides],
    rest: own.rest,
    ignored: own.ignored,
  }
}

const DEMO_HELP = `
Examples:
  baton demo                               the tour, in a temporary directory, on loopback
  baton demo --keep                        the tour, then commands to try until Ctrl-C
  baton demo --json > result.json          the result as data; the story on standard error

Exit code: 0 every promise held; 1 one did not; 130 interrupted.`

function addDemo(program: Command, ended: (exitCode: number) => void): void {
  program
    .command('demo')
    .description(
      'the whole job on this machine: cluster, faults, failovers; nothing is left behind',
    )
    .helpOption('--help', 'this text')
    .addOption(new Option('--keep', 'stay up afterwards, until Ctrl-C').default(false))
    .addOption(new Option('--json', 'the result as data on standard output').default(false))
    .addHelpText('after', DEMO_HELP)
    .action(async (options: { readonly keep: boolean; readonly json: boolean }) => {
      const { runDemo } = await import('./demo/demo.ts')
      ended(await runDemo({ ...options, stdout: process.stdout, stderr: process.stderr }))
    })
}
