/**
 * Suffixed keys: `key.<nameservice>.<namenode>` beats `key.<nameservice>` beats `key`. One
 * NameNode's view of the configuration has the most specific value under the plain key, twin of
 * `NameNode.initializeGenericKeys` and `DFSUtil.setGenericConf`.
 */
import type { Configuration } from './configuration.ts'

/** `NameNode.NAMENODE_SPECIFIC_KEYS` and the controller's own `ZKFC_CONF_KEYS`. */
export const NAMENODE_SPECIFIC_KEYS: readonly string[] = [
  'dfs.namenode.rpc-address',
  'dfs.namenode.rpc-bind-host',
  'dfs.namenode.name.dir',
  'dfs.namenode.edits.dir',
  'dfs.namenode.shared.edits.dir',
  'dfs.namenode.checkpoint.dir',
  'dfs.namenode.checkpoint.edits.dir',
  'dfs.namenode.lifeline.rpc-address',
  'dfs.namenode.lifeline.rpc-bind-host',
  'dfs.namenode.servicerpc-address',
  'dfs.namenode.servicerpc-bind-host',
  'dfs.namenode.http-address',
  'dfs.namenode.https-address',
  'dfs.namenode.http-bind-host',
  'dfs.namenode.https-bind-host',
  'dfs.namenode.keytab.file',
  'dfs.namenode.secondary.http-address',
  'dfs.namenode.secondary.https-address',
  'dfs.secondary.namenode.keytab.file',
  'dfs.namenode.backup.address',
  'dfs.namenode.backup.http-address',
  'dfs.namenode.backup.dnrpc-address',
  'dfs.namenode.kerberos.principal',
  'dfs.namenode.kerberos.internal.spnego.principal',
  'dfs.ha.fencing.methods',
  'dfs.ha.zkfc.port',
]

export const CONTROLLER_SPECIFIC_KEYS: readonly string[] = [
  'ha.zookeeper.quorum',
  'ha.zookeeper.session-timeout.ms',
  'ha.zookeeper.parent-znode',
  'ha.zookeeper.acl',
  'ha.zookeeper.auth',
]

export const NAMESERVICE_SPECIFIC_KEYS: readonly string[] = ['dfs.ha.automatic-failover.enabled']

/** `key.a.b`; parts that are absent are left out. */
export function suffixed(key: string, ...parts: readonly (string | undefined)[]): string {
  return [key, ...parts.filter(part => part !== undefined && part !== '')].join('.')
}

/** The key that counts for this NameNode: the most specific one that is set. */
export function effectiveKey(
  conf: Configuration,
  key: string,
  nameserviceId: string,
  namenodeId?: string,
): string {
  const full = suffixed(key, nameserviceId, namenodeId)
  if (conf.has(full)) return full
  const perNameservice = suffixed(key, nameserviceId)
  return conf.has(perNameservice) ? perNameservice : key
}

/**
 * This NameNode's view. Values are promoted substituted, as Java does; `sourceOf` names the key
 * they came from. Sets dfs.nameservice.id, dfs.ha.namenode.id and fs.defaultFS too.
 */
export function promoteKeys(
  conf: Configuration,
  nameserviceId: string,
  namenodeId: string,
): Configuration {
  let promoted = conf.with(
    [
      ['dfs.nameservice.id', nameserviceId],
      ['dfs.ha.namenode.id', namenodeId],
    ],
    'identity of this NameNode',
  )
  const promote = (keys: readonly string[], namenode: string | undefined): void => {
    for (const key of keys) {
      const from = effectiveKey(conf, key, nameserviceId, namenode)
      const value = from === key ? undefined : conf.get(from)
      if (value === undefined) continue
      promoted = promoted.with([[key, value]], `${conf.sourceOf(from)}, from ${from}`)
    }
  }
  promote(NAMENODE_SPECIFIC_KEYS, namenodeId)
  promote(CONTROLLER_SPECIFIC_KEYS, namenodeId)
  promote(NAMESERVICE_SPECIFIC_KEYS, undefined)
  const address = promoted.getTrimmed('dfs.namenode.rpc-address')
  if (address === undefined) return promoted
  const source = 'from dfs.namenode.rpc-address'
  return promoted.with([['fs.defaultFS', `hdfs://${address}`]], source)
}
