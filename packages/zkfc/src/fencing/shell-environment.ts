import type { FenceRole, FenceTarget, FencingConfiguration } from './fence-method.ts'

/*
 * The environment of a shell fencing command, as Java's ShellCommandFencer makes it: the
 * controller's own, then every configuration key with "." as "_" ("-" stays) and its value as
 * written, then the node's address under a prefix that tells its role.
 *
 * One difference: Java hands every password of the configuration to the child and all it starts,
 * readable in /proc/<pid>/environ. Keys that Hadoop itself treats as sensitive
 * (hadoop.security.sensitive-config-keys) are left out here, with ZooKeeper's digest and the
 * event store's URL. `baton.fencing.shell.pass-secrets=true` brings them back for a script that
 * needs them.
 */

/** Hadoop's default patterns, then those it forgot. Paths of key files are not secrets. */
const SECRET_KEYS: readonly RegExp[] = [
  /secret$/i,
  /password$/i,
  /ssl\.keystore\.pass$/,
  /fs\.s3.*[Ss]ecret\.?[Kk]ey/,
  /fs\.s3a.*\.server-side-encryption\.key/,
  /fs\.azure\.account\.key/,
  /credential$/,
  /oauth.*(?:secret|password|token)/i,
  /\.token$/i,
  /^ha\.zookeeper\.auth(?:\.|$)/,
  /^baton\.events\.redis\.url(?:\.|$)/,
]

export function isSecretKey(key: string): boolean {
  return SECRET_KEYS.some(pattern => pattern.test(key))
}

/** What a shell gets when nobody says what the controller's environment is. */
export const FALLBACK_ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
}

/** Linux refuses a program any of whose variables is longer than 128 KiB. */
const VALUE_LENGTH_MAX = 32 * 1024

export interface EnvironmentSources {
  readonly inherited: Readonly<Record<string, string | undefined>> | undefined
  readonly conf: FencingConfiguration
  readonly passSecrets: boolean
}

export function shellEnvironment(
  sources: EnvironmentSources,
  variables: Readonly<Record<string, string>>,
): Record<string, string> {
  const environment: Record<string, string> = {}
  const put = (name: string, value: string | undefined): void => {
    if (value === undefined || value.length > VALUE_LENGTH_MAX) return
    if (name === '' || /[=\0]/.test(name) || value.includes('\0')) return
    environment[name] = value
  }
  const inherited = sources.inherited ?? FALLBACK_ENVIRONMENT
  for (const [name, value] of Object.entries(inherited)) put(name, value)
  for (const key of sources.conf.keys()) {
    if (!sources.passSecrets && isSecretKey(key)) continue
    put(key.replaceAll('.', '_'), sources.conf.getRaw(key))
  }
  for (const [name, value] of Object.entries(variables)) put(name, value)
  return environment
}

type Prefix = 'target' | 'source'

/**
 * `target_*` for the old active of a controller and for the node that becomes active, `source_*`
 * for the node that becomes standby (Java, HDFS-14090). `bothNames`: a command written for the node
 * that becomes standby reads `source_*` and now runs for a controller.
 */
export function addressVariables(
  target: FenceTarget,
  role: FenceRole,
  bothNames: boolean,
): Record<string, string> {
  const prefixes: readonly Prefix[] =
    role === 'becomingStandby' ? ['source'] : bothNames ? ['target', 'source'] : ['target']
  const variables: Record<string, string> = {}
  for (const prefix of prefixes) {
    variables[`${prefix}_host`] = target.host
    variables[`${prefix}_port`] = String(target.port)
    variables[`${prefix}_address`] = target.addressText
    variables[`${prefix}_nameserviceid`] = target.nameserviceId
    variables[`${prefix}_namenodeid`] = target.namenodeId
  }
  return variables
}
