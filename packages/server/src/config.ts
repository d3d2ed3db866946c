/**
 * zoo.cfg as one checked value (ZooKeeper 3.9 `QuorumPeerConfig`).
 *
 * Every key Baton reads is a row of `KEYS`; a key it does not know is kept in `properties` under
 * `zookeeper.<key>`, which is also where Java puts it. A row's key may be written with or without
 * the prefix `zookeeper.`. All problems of a file are reported at once, each with its line.
 */
import { parseAddress, type Address } from '@baton/runtime'
import { parseProperties, type Property } from './properties.ts'
import { UNUSED_ZOOKEEPER_KEYS } from './zookeeper-keys.ts'

/** What is wrong with a configuration file; `problems` holds all of it, in the order of lines. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]
  constructor(file: string, problems: readonly string[]) {
    super(`${file} cannot be used:\n${problems.map(problem => `  ${problem}`).join('\n')}`)
    this.problems = problems
  }
}

export interface ServerConfig {
  readonly dataDir: string
  readonly dataLogDir: string
  readonly clientAddress: Address
  readonly tickTimeMs: number
  readonly minSessionTimeoutMs: number
  readonly maxSessionTimeoutMs: number
  /** Per client IP address; 0 is no limit. */
  readonly maxClientCnxns: number
  /** Over all addresses; 0 is no limit. */
  readonly maxCnxns: number
  readonly clientPortListenBacklog: number
  /** Writes in progress above which connections with a request in progress are read no more. */
  readonly globalOutstandingMax: number
  readonly frameBytesMax: number
  readonly snapCount: number
  readonly snapSizeBytesMax: number
  readonly preAllocBytes: number
  /** -1 is no limit. */
  readonly txnLogBytesMax: number
  readonly snapRetainCount: number
  /** 0: snapshots and logs are never purged. */
  readonly purgeIntervalHours: number
  readonly fsyncWarningMs: number
  readonly sessionlessTimeoutMs: number
  readonly containerCheckIntervalMs: number
  readonly containerDeletesPerMinuteMax: number
  /** 0: a container that never had a child is kept. */
  readonly containerNeverUsedMs: number
  readonly outputQueueBytesMax: number
  readonly fsync: boolean
  readonly reconfigEnabled: boolean
  readonly extendedTypesEnabled: boolean
  readonly skipAcl: boolean
  readonly trustEmptySnapshot: boolean
  /** `user:base64(hash)` of the super user. */
  readonly superDigest: string | undefined
  /** `*` allows every word that exists. */
  readonly fourLetterWords: ReadonlySet<string>
  readonly serverId: number
  /** What no row reads, as `zookeeper.<key>`. */
  readonly properties: ReadonlyMap<string, string>
}

interface Row<T> {
  readonly key: string
  readonly absent: T
  readonly read: (text: string) => T
}

/** Thrown by a row's reader; says what was expected, the caller adds key, value and line. */
class Expected extends Error {}

const INT_MAX = 2 ** 31 - 1

function int(key: string, absent: number, min = 0, max = INT_MAX): Row<number> {
  const expected = `expected a whole number from ${min} to ${max}`
  return {
    key,
    absent,
    read(text) {
      const value = Number(text)
      if (!/^[+-]?\d+$/.test(text) || value < min || value > max) throw new Expected(expected)
      return value
    },
  }
}

function times(factor: number, row: Row<number>): Row<number> {
  return { key: row.key, absent: row.absent * factor, read: text => row.read(text) * factor }
}

/** Java's `Boolean.parseBoolean` takes any typing error for false; this row refuses it. */
function flag(key: string, absent: boolean, yes = 'true', no = 'false'): Row<boolean> {
  return {
    key,
    absent,
    read(text) {
      const value = text.toLowerCase()
      if (value === yes || value === 'true') return true
      if (value === no || value === 'false') return false
      throw new Expected(`expected ${yes} or ${no}`)
    },
  }
}

function text<T extends string | undefined>(key: string, absent: T): Row<string | T> {
  return { key, absent, read: value => value }
}

const KIB = 1024

/** `jute.maxbuffer` may be far above its default, not above what one buffer should ever take. */
const FRAME_BYTES_CONFIGURABLE_MAX = 256 * KIB * KIB

const KEYS = {
  dataDir: text('dataDir', undefined),
  dataLogDir: text('dataLogDir', undefined),
  clientPort: int('clientPort', -1, 0, 65_535),
  clientPortAddress: text('clientPortAddress', undefined),
  secureClientPort: int('secureClientPort', -1, -1, 65_535),
  tickTimeMs: int('tickTime', 3000, 1),
  minSessionTimeoutMs: int('minSessionTimeout', -1, -1),
  maxSessionTimeoutMs: int('maxSessionTimeout', -1, -1),
  maxClientCnxns: int('maxClientCnxns', 60),
  maxCnxns: int('maxCnxns', 0),
  clientPortListenBacklog: int('clientPortListenBacklog', -1, -1),
  globalOutstandingMax: int('globalOutstandingLimit', 1000, 1),
  frameBytesMax: int('jute.maxbuffer', 0xfffff, 1024, FRAME_BYTES_CONFIGURABLE_MAX),
  snapCount: int('snapCount', 100_000, 2),
  snapSizeBytesMax: times(KIB, int('snapSizeLimitInKb', 4_194_304, -1)),
  preAllocBytes: times(KIB, int('preAllocSize', 65_536, 0)),
  txnLogKib: int('txnLogSizeLimitInKb', -1, -1),
  snapRetainCount: int('autopurge.snapRetainCount', 3),
  purgeIntervalHours: int('autopurge.purgeInterval', 0),
  fsyncWarningMs: int('fsync.warningthresholdms', 1000),
  sessionlessTimeoutMs: int('nio.sessionlessCnxnTimeout', 10_000, 1),
  containerCheckIntervalMs: int('znode.container.checkIntervalMs', 60_000, 1),
  containerDeletesPerMinuteMax: int('znode.container.maxPerMinute', 10_000, 1),
  containerNeverUsedMs: int('znode.container.maxNeverUsedIntervalMs', 0),
  outputQueueBytesMax: int('baton.server.outputQueueBytesMax', 64 * KIB * KIB, 1024 * KIB),
  fsync: flag('forceSync', true, 'yes', 'no'),
  reconfigEnabled: flag('reconfigEnabled', false),
  extendedTypesEnabled: flag('extendedTypesEnabled', false),
  skipAcl: flag('skipACL', false, 'yes', 'no'),
  trustEmptySnapshot: flag('snapshot.trust.empty', false),
  superDigest: text('DigestAuthenticationProvider.superDigest', undefined),
  fourLetterWords: text('4lw.commands.whitelist', 'srvr'),
  serverId: int('baton.server.serverId', 1, 0, 254),
} as const

type Values = { -readonly [K in keyof typeof KEYS]: (typeof KEYS)[K]['absent'] }

/** Keys that ask for what this server does not have: refused, where ignoring them would mislead. */
const REFUSED: readonly (readonly [RegExp, string])[] = [
  [/^DigestAuthenticationProvider\.digestAlg$/, 'only SHA1 is offered; remove the line'],
  [/^DigestAuthenticationProvider\.enabled$/, 'digest is always offered; remove the line'],
  [/^secureClientPort$/, 'TLS is not offered; remove the line'],
  [/^sslQuorum$/, 'TLS between servers is not offered; remove the line'],
  [/^sessionRequireClientSASLAuth$/, 'SASL is not offered; remove the line'],
  [/^enforce\.auth\.enabled$/, 'enforced authentication is not offered; remove the line'],
  [/^authProvider\./, 'authentication plug-ins are not offered; remove the line'],
]

const rowNames = new Map<string, keyof typeof KEYS>(
  Object.entries(KEYS).map(([name, row]) => [row.key, name as keyof typeof KEYS]),
)

/** Every key without a dot that this server or ZooKeeper knows. */
export const KNOWN_KEYS: ReadonlySet<string> = new Set([
  ...[...rowNames.keys()].filter(key => !key.includes('.')),
  ...UNUSED_ZOOKEEPER_KEYS,
])

/** Keys of a file that nobody knows: typing errors, most likely. One with a dot is let be. */
export function unknownKeys(config: Pick<ServerConfig, 'properties'>): readonly string[] {
  return [...config.properties.keys()]
    .map(key => key.replace(/^zookeeper\./, ''))
    .filter(key => !key.includes('.') && !KNOWN_KEYS.has(key))
}

/** A refused key may be there with the value that asks for nothing. */
function isDefaultOf(key: string, value: string): boolean {
  if (key.startsWith('DigestAuthenticationProvider.')) return value === 'SHA1' || value === 'true'
  return value === 'false' || value === '-1'
}

interface Draft {
  readonly values: Values
  readonly lines: Map<string, number>
  readonly servers: Property[]
  readonly properties: Map<string, string>
  readonly problems: { line: number; text: string }[]
}

/**
 * Reads a zoo.cfg. `file` is for messages only. `overrides` are read after the file, as Java's
 * system properties are. Throws `ConfigError` with every problem at once.
 */
export function parseZooCfg(
  text: string,
  file: string,
  overrides: Iterable<readonly [string, string]> = [],
): ServerConfig {
  const draft: Draft = {
    values: Object.fromEntries(
      Object.entries(KEYS).map(([name, row]) => [name, row.absent]),
    ) as Values,
    lines: new Map(),
    servers: [],
    properties: new Map(),
    problems: [],
  }
  for (const property of parseProperties(text)) readProperty(draft, property)
  for (const [key, value] of overrides) readProperty(draft, { key, value, line: 0 })
  const config = finish(draft)
  if (draft.problems.length === 0) return config
  for (const key of unknownKeys(draft)) {
    draft.problems.push({ line: draft.lines.get(key) ?? 0, text: `${key}: no such key is known` })
  }
  draft.problems.sort((a, b) => a.line - b.line)
  throw new ConfigError(
    file,
    draft.problems.map(problem =>
      problem.line === 0 ? problem.text : `line ${problem.line}: ${problem.text}`,
    ),
  )
}

function readProperty(draft: Draft, property: Property): void {
  const { value, line } = property
  const key = property.key.replace(/^zookeeper\./, '')
  const refusal = REFUSED.find(([pattern]) => pattern.test(key))?.[1]
  if (refusal !== undefined && !isDefaultOf(key, value)) {
    draft.problems.push({ line, text: `${key}=${value}: ${refusal}` })
    return
  }
  if (/^server\.\d+$/.test(key)) {
    draft.servers.push({ key, value, line })
    return
  }
  const name = rowNames.get(key)
  if (name === undefined) {
    draft.properties.set(`zookeeper.${key}`, value)
    draft.lines.set(key, line)
    return
  }
  draft.lines.set(name, line)
  try {
    ;(draft.values as Record<string, unknown>)[name] = KEYS[name].read(value)
  } catch (error) {
    if (!(error instanceof Expected)) throw error
    draft.problems.push({ line, text: `${key}=${value}: ${error.message}` })
  }
}

function finish(draft: Draft): ServerConfig {
  const { values } = draft
  const dataDir = values.dataDir ?? ''
  if (dataDir === '') problem(draft, 'dataDir', 'dataDir is missing: name the directory for data')
  const { txnLogKib, ...rest } = values
  return {
    ...rest,
    dataDir,
    dataLogDir: values.dataLogDir ?? dataDir,
    clientAddress: clientAddress(draft),
    ...sessionTimeouts(draft),
    txnLogBytesMax: txnLogKib < 0 ? -1 : txnLogKib * KIB,
    fourLetterWords: new Set(values.fourLetterWords.split(',').map(word => word.trim())),
    properties: draft.properties,
  }
}

function problem(draft: Draft, name: keyof typeof KEYS, text: string): void {
  draft.problems.push({ line: draft.lines.get(name) ?? 0, text })
}

/** ZooKeeper binds every interface where no address is given; Baton binds what it was told. */
const DEFAULT_HOST = '127.0.0.1'

function clientAddress(draft: Draft): Address {
  const { clientPort, clientPortAddress } = draft.values
  const [only, second] = draft.servers
  if (only !== undefined && second !== undefined) {
    draft.problems.push({
      line: second.line,
      text: `${draft.servers.length} server.N lines describe an ensemble; this version runs
 a standalone server only: leave at most one server.N line`.replace('\n', ''),
    })
  }
  if (clientPort >= 0) return { host: clientPortAddress ?? DEFAULT_HOST, port: clientPort }
  const part = only?.value.split(';')[1]
  if (part !== undefined) {
    try {
      return parseAddress(part.includes(':') ? part : `${DEFAULT_HOST}:${part}`)
    } catch (error) {
      const reason = (error as Error).message
      draft.problems.push({ line: only?.line ?? 0, text: `${only?.key}: ${reason}` })
    }
  } else if (!draft.lines.has('clientPort')) {
    problem(draft, 'clientPort', 'clientPort is missing: name the port for clients, 2181 is usual')
  }
  return { host: DEFAULT_HOST, port: 0 }
}

/** -1 means 2 and 20 ticks. */
function sessionTimeouts(
  draft: Draft,
): Pick<ServerConfig, 'minSessionTimeoutMs' | 'maxSessionTimeoutMs'> {
  const { tickTimeMs, minSessionTimeoutMs: min, maxSessionTimeoutMs: max } = draft.values
  const minSessionTimeoutMs = min === -1 ? tickTimeMs * 2 : min
  const maxSessionTimeoutMs = max === -1 ? tickTimeMs * 20 : max
  if (minSessionTimeoutMs > maxSessionTimeoutMs) {
    const largest = `maxSessionTimeout ${maxSessionTimeoutMs}`
    const text = `minSessionTimeout ${minSessionTimeoutMs} is above ${largest}`
    problem(draft, min === -1 ? 'maxSessionTimeoutMs' : 'minSessionTimeoutMs', text)
  }
  return { minSessionTimeoutMs, maxSessionTimeoutMs }
}
