/** The words of haadmin's help, as DFSHAAdmin of Hadoop 3.4 prints them. */

export interface CommandUsage {
  readonly args: string | undefined
  readonly help: string
  /** Options it takes, `-x` and `--x` alike. */
  readonly options: readonly string[]
}

const row = (args: string | undefined, help: string, ...options: string[]): CommandUsage => ({
  args,
  help,
  options: [...options, 'json'],
})

/** Sorted: this is the order in which the usage lists them. */
export const COMMANDS: Readonly<Record<string, CommandUsage>> = {
  '-checkHealth': row(
    '<serviceId>',
    'Requests that the service perform a health check.\n' +
      'The HAAdmin tool will exit with a non-zero exit code\nif the check fails.',
  ),
  '-failover': row(
    '[--forcefence] [--forceactive] <serviceId> <serviceId>',
    'Failover from the first service to the second.\n' +
      'Unconditionally fence services if the --forcefence option is used.\n' +
      'Try to failover to the target service even if it is not ready if the --forceactive' +
      ' option is used.',
    'forcefence',
    'forceactive',
    'forcemanual',
  ),
  '-getAllServiceState': row(undefined, 'Returns the state of all the services'),
  '-getServiceState': row('<serviceId>', 'Returns the state of the service'),
  '-help': row('<command>', 'Displays help on the specified command'),
  '-transitionToActive': row(
    '[--forceactive] <serviceId>',
    'Transitions the service into Active state',
    'forceactive',
    'forcemanual',
  ),
  '-transitionToObserver': row(
    '<serviceId>',
    'Transitions the service into Observer state',
    'forcemanual',
  ),
  '-transitionToStandby': row(
    '<serviceId>',
    'Transitions the service into Standby state',
    'forcemanual',
  ),
}

const HEAD = 'Usage: haadmin [-ns <nameserviceId>]'

/** What Hadoop's tools print below their own usage. */
const GENERIC_OPTIONS: readonly (readonly [string, string])[] = [
  ['-conf <configuration file>', 'specify an application configuration file'],
  ['-D <property=value>', 'define a value for a given property'],
  [
    '-fs <file:///|hdfs://namenode:port>',
    "specify default filesystem URL to use, overrides 'fs.defaultFS'" +
      ' property from configurations.',
  ],
  ['-jt <local|resourcemanager:port>', 'specify a ResourceManager'],
  [
    '-files <file1,...>',
    'specify a comma-separated list of files to be copied to the map reduce cluster',
  ],
  [
    '-libjars <jar1,...>',
    'specify a comma-separated list of jar files to be included in the classpath',
  ],
  [
    '-archives <archive1,...>',
    'specify a comma-separated list of archives to be unarchived on the compute machines',
  ],
]
const OPTION_WIDTH = 33

export const GENERIC_USAGE = [
  'Generic options supported are:',
  ...GENERIC_OPTIONS.map(([option, text]) => `${option.padEnd(OPTION_WIDTH)} ${text}`),
  '',
  'The general command line syntax is:',
  'command [genericOptions] [commandOptions]',
  '\n',
].join('\n')

export function fullUsage(): string {
  const lines = Object.entries(COMMANDS).map(
    ([name, { args }]) => `    [${withArgs(name, args)}]\n`,
  )
  return `${HEAD}\n${lines.join('')}\n${GENERIC_USAGE}`
}

export function usageOf(command: string): string {
  return `${HEAD} [${withArgs(command, COMMANDS[command]?.args)}]\n`
}

/** The text of `-help <command>`. */
export function helpOf(command: string): string | undefined {
  const usage = COMMANDS[command]
  if (usage === undefined) return undefined
  const args = usage.args === undefined ? '' : ` [${usage.args}]`
  return `${command}${args}: ${usage.help}\n`
}

function withArgs(name: string, args: string | undefined): string {
  return args === undefined ? name : `${name} ${args}`
}

export const GUARD_TEXT =
  '\nRefusing to manually manage HA state, since it may cause\n' +
  'a split-brain scenario or other incorrect state.\n' +
  'If you are very sure you know what you are doing, please \n' +
  'specify the --forcemanual flag.\n'

export const FORCE_MANUAL_QUESTION =
  'You have specified the --forcemanual flag. This flag is dangerous, as it can induce a' +
  ' split-brain scenario that WILL CORRUPT your HDFS namespace, possibly irrecoverably.\n\n' +
  'It is recommended not to use this flag, but instead to shut down the cluster and disable' +
  ' automatic failover if you prefer to manually manage your HA state.\n\n' +
  "You may abort safely by answering 'n' or hitting ^C now.\n\n" +
  'Are you sure you want to continue?'
