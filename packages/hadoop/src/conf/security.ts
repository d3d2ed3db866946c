/**
 * What this version cannot do safely it refuses at start, naming the key: Kerberos, SASL and TLS.
 * It never falls back to plain connections where the configuration asks for more.
 */
import { ConfigurationError } from './configuration-error.ts'
import type { Configuration } from './configuration.ts'

/**
 * Throws where Hadoop RPC would need SASL: hadoop.security.authentication other than `simple`, or
 * an hadoop.rpc.protection of `integrity` or `privacy` (a quality of protection only SASL gives).
 */
export function requireSimpleAuthentication(conf: Configuration): void {
  const problems = [...authenticationProblems(conf), ...protectionProblems(conf)]
  if (problems.length > 0) throw new ConfigurationError(problems)
}

function authenticationProblems(conf: Configuration): readonly string[] {
  const key = 'hadoop.security.authentication'
  const value = (conf.getTrimmed(key) ?? 'simple').toLowerCase()
  if (value === 'simple') return []
  return [conf.describe(key, 'only "simple" is supported by this version (no Kerberos, no SASL)')]
}

const PROTECTIONS: ReadonlySet<string> = new Set(['authentication', 'integrity', 'privacy'])

function protectionProblems(conf: Configuration): readonly string[] {
  const key = 'hadoop.rpc.protection'
  const values = conf.getTrimmedStrings(key).map(value => value.toLowerCase())
  const unknown = values.filter(value => !PROTECTIONS.has(value))
  if (unknown.length > 0) {
    return [conf.describe(key, 'expected authentication, integrity or privacy')]
  }
  if (values.every(value => value === 'authentication')) return []
  return [conf.describe(key, 'integrity and privacy need SASL, which this version has not')]
}

const TLS_KEY = 'dfs.ha.zkfc.client.ssl.enabled'
/** Where set, it overrides the other key. */
const TLS_KEY_COMMON = 'hadoop.zk.ssl.enabled'

/**
 * Throws where the connection to ZooKeeper is to be TLS, and where the value is neither true nor
 * false: what was meant to be encrypted must not go out plain because of a typing error.
 */
export function requirePlainZooKeeper(conf: Configuration): void {
  const key = conf.has(TLS_KEY_COMMON) ? TLS_KEY_COMMON : TLS_KEY
  const value = (conf.getTrimmed(key) ?? 'false').toLowerCase()
  if (value === 'false') return
  if (value !== 'true') throw conf.problem(key, 'expected true or false')
  throw conf.problem(key, 'TLS to ZooKeeper is not supported by this version; set it to false')
}
