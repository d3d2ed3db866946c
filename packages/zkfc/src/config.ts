import { parseConnectString, Perms } from '@baton/client'
import type { ACL } from '@baton/client'
import { ConfigurationError, getIndirect, ProblemCollector } from '@baton/hadoop'
import type { Configuration } from '@baton/hadoop'
import type { Disk } from '@baton/runtime'

/*
 * The controller's keys, read once and checked at start; every problem is told at once. `conf` is
 * this NameNode's view (`promoteKeys`). Hadoop's keys keep Hadoop's meaning; those of our own begin
 * with `baton.zkfc.` and stand in the README's table.
 */
export const ON_STOP_KEY = 'baton.zkfc.on-stop'
export const STATE_DIRECTORY_KEY = 'baton.zkfc.state-dir'
const BACKOFF_BASE_KEY = 'baton.zkfc.activation-backoff.base.ms'
const BACKOFF_MAX_KEY = 'baton.zkfc.activation-backoff.max.ms'
const EVIDENCE_LIMIT_KEY = 'baton.zkfc.process-evidence.limit.ms'
const CRUMB_DELETE_LIMIT_KEY = 'baton.zkfc.breadcrumb-delete.limit.ms'
const TRUST_ADDRESS_KEY = 'baton.zkfc.breadcrumb.trust-configured-address'
const FENCE_CONNECT_KEY = 'baton.zkfc.graceful-fence.connect-timeout.ms'
const THREAD_DUMP_BYTES_KEY = 'baton.zkfc.thread-dump.bytes.max'

export interface ZkfcConfig {
  readonly quorum: string
  readonly sessionTimeoutMs: number
  /** `/hadoop-ha/<nameservice>`. */
  readonly parentPath: string
  readonly acl: readonly ACL[]
  readonly auth: readonly { readonly scheme: string; readonly auth: Uint8Array }[]
  readonly checkIntervalMs: number
  readonly connectRetryIntervalMs: number
  readonly sleepAfterDisconnectMs: number
  readonly healthTimeoutMs: number
  readonly connectTimeoutMs: number
  readonly newActiveTimeoutMs: number
  readonly gracefulFenceTimeoutMs: number
  readonly fenceConnectTimeoutMs: number
  readonly backoffBaseMs: number
  readonly backoffMaxMs: number
  readonly processEvidenceMs: number
  readonly crumbDeleteMs: number
  readonly trustConfiguredAddress: boolean
  readonly sharedEdits: string
  readonly threadDumpTimeoutMs: number
  readonly threadDumpBytesMax: number
  readonly onStop: 'keep' | 'handOver'
  readonly stateDirectory: string
  readonly administrators: string
}

const INT_MAX = 2 ** 31 - 1

export async function readZkfcConfig(
  conf: Configuration,
  nameserviceId: string,
  disk: Disk,
): Promise<ZkfcConfig> {
  const problems = new ProblemCollector()
  const ms = (key: string, fallback: number, least = 1): number =>
    problems.read(() => intWithin(conf, key, fallback, least), fallback)
  const acl = await problems.readLater(async () => {
    return parseAcl(conf, (await getIndirect(conf, 'ha.zookeeper.acl', disk)) ?? '')
  }, [])
  const auth = await problems.readLater(async () => {
    return parseAuth((await getIndirect(conf, 'ha.zookeeper.auth', disk)) ?? '')
  }, [])
  const ha = 'ha.failover-controller'
  const monitor = 'ha.health-monitor'
  const config: ZkfcConfig = {
    quorum: problems.read(() => requiredQuorum(conf), ''),
    sessionTimeoutMs: ms('ha.zookeeper.session-timeout.ms', 10_000),
    parentPath: problems.read(() => parentPath(conf, nameserviceId), '/'),
    acl,
    auth,
    checkIntervalMs: ms(`${monitor}.check-interval.ms`, 1000),
    connectRetryIntervalMs: ms(`${monitor}.connect-retry-interval.ms`, 1000),
    sleepAfterDisconnectMs: ms(`${monitor}.sleep-after-disconnect.ms`, 1000),
    healthTimeoutMs: ms(`${monitor}.rpc-timeout.ms`, 45_000),
    connectTimeoutMs: ms('ipc.client.connect.timeout', 20_000),
    newActiveTimeoutMs: ms(`${ha}.new-active.rpc-timeout.ms`, 60_000),
    gracefulFenceTimeoutMs: ms(`${ha}.graceful-fence.rpc-timeout.ms`, 5000),
    fenceConnectTimeoutMs: ms(FENCE_CONNECT_KEY, 2000),
    backoffBaseMs: ms(BACKOFF_BASE_KEY, 1000),
    backoffMaxMs: ms(BACKOFF_MAX_KEY, 30_000),
    processEvidenceMs: ms(EVIDENCE_LIMIT_KEY, 100, 0),
    crumbDeleteMs: ms(CRUMB_DELETE_LIMIT_KEY, 2000),
    trustConfiguredAddress: problems.read(() => conf.getBoolean(TRUST_ADDRESS_KEY, false), false),
    sharedEdits: conf.getTrimmed('dfs.namenode.shared.edits.dir') ?? '',
    threadDumpTimeoutMs: ms('dfs.ha.zkfc.nn.http.timeout.ms', 20_000, 0),
    threadDumpBytesMax: ms(THREAD_DUMP_BYTES_KEY, 65_536, 0),
    onStop: problems.read(() => onStop(conf), 'keep'),
    stateDirectory: stateDirectory(conf),
    administrators: conf.get('dfs.cluster.administrators') ?? ' ',
  }
  problems.throwIfAny()
  return config
}

function intWithin(conf: Configuration, key: string, fallback: number, least: number): number {
  const value = conf.getInt(key, fallback)
  if (value >= least && value <= INT_MAX) return value
  throw conf.problem(key, `expected a number from ${least} to ${INT_MAX}`)
}

function requiredQuorum(conf: Configuration): string {
  const key = 'ha.zookeeper.quorum'
  const value = conf.getTrimmed(key) ?? ''
  if (value !== '') {
    try {
      parseConnectString(value)
      return value
    } catch (error) {
      if (error instanceof RangeError) throw conf.problem(key, error.message)
      throw error
    }
  }
  const text = "Missing required configuration 'ha.zookeeper.quorum' for ZooKeeper quorum"
  throw new ConfigurationError([text])
}

function parentPath(conf: Configuration, nameserviceId: string): string {
  const parent = conf.getTrimmed('ha.zookeeper.parent-znode') ?? '/hadoop-ha'
  if (!parent.startsWith('/')) {
    throw conf.problem('ha.zookeeper.parent-znode', 'expected a path that begins with /')
  }
  return parent.endsWith('/') ? `${parent}${nameserviceId}` : `${parent}/${nameserviceId}`
}

function onStop(conf: Configuration): 'keep' | 'handOver' {
  const value = conf.getTrimmed(ON_STOP_KEY) ?? 'keep'
  if (value === 'keep') return 'keep'
  if (value === 'hand-over') return 'handOver'
  throw conf.problem(ON_STOP_KEY, 'expected keep or hand-over')
}

function stateDirectory(conf: Configuration): string {
  const value = conf.getTrimmed(STATE_DIRECTORY_KEY)
  if (value !== undefined && value !== '') return value
  return `${conf.getTrimmed('hadoop.tmp.dir') ?? '/tmp'}/baton`
}

const PERMISSIONS: Readonly<Record<string, number>> = {
  r: Perms.read,
  w: Perms.write,
  c: Perms.create,
  d: Perms.delete,
  a: Perms.admin,
}

/** `scheme:id:perms, ...`; the id may hold colons. Empty: the creator alone, with everything. */
function parseAcl(conf: Configuration, text: string): readonly ACL[] {
  const entries = commaList(text)
  if (entries.length === 0) return [{ perms: Perms.all, id: { scheme: 'auth', id: '' } }]
  return entries.map(entry => {
    const match = /^([^:]+):(.*):([rwcda]+)$/.exec(entry)
    const [, scheme, id, letters] = match ?? []
    if (scheme === undefined || id === undefined || letters === undefined) {
      const problem = `ACL '${entry}' not of expected form scheme:id:perm`
      throw conf.problem('ha.zookeeper.acl', problem)
    }
    const perms = [...letters].reduce((sum, letter) => sum | (PERMISSIONS[letter] ?? 0), 0)
    return { perms, id: { scheme, id } }
  })
}

/** The value is a secret: an error says which entry is wrong, not what it holds. */
function parseAuth(text: string): ZkfcConfig['auth'] {
  return commaList(text).map((entry, at) => {
    const colon = entry.indexOf(':')
    if (colon <= 0) {
      const problem = `entry ${at + 1} of ha.zookeeper.auth is not of the form scheme:auth`
      throw new ConfigurationError([problem])
    }
    const auth = new TextEncoder().encode(entry.slice(colon + 1))
    return { scheme: entry.slice(0, colon), auth }
  })
}

function commaList(text: string): readonly string[] {
  return text
    .split(',')
    .map(entry => entry.trim())
    .filter(entry => entry !== '')
}
