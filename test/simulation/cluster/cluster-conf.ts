import { Configuration } from '@baton/hadoop'

/*
 * One nameservice in which everything is due soon, so that a minute of virtual time holds many
 * failovers: sessions of 4 s, health calls given up after 4 s, fencing programs after 3 s.
 */
export const NAMESERVICE = 'mycluster'
export const ZOOKEEPER_PORT = 2181
export const RPC_PORT = 8020
export const ZKFC_PORT = 8019
export const SESSION_TIMEOUT_MS = 4000
export const FENCE_LIMIT_MS = 3000
export const PARENT = `/hadoop-ha/${NAMESERVICE}`

export function clusterConf(
  nodes: readonly string[],
  id: string,
  entries: readonly (readonly [string, string])[] = [],
): Configuration {
  return Configuration.fromEntries([
    ['dfs.nameservices', NAMESERVICE],
    [`dfs.ha.namenodes.${NAMESERVICE}`, nodes.join(',')],
    ...nodes.map(
      node => [`dfs.namenode.rpc-address.${NAMESERVICE}.${node}`, `${node}:${RPC_PORT}`] as const,
    ),
    ['dfs.ha.automatic-failover.enabled', 'true'],
    ['dfs.ha.fencing.methods', 'shell(fence)'],
    ['baton.fencing.shell.timeout.ms', String(FENCE_LIMIT_MS)],
    ['dfs.namenode.shared.edits.dir', 'qjournal://j1:8485;j2:8485;j3:8485/mycluster'],
    ['ha.zookeeper.quorum', 'zk:2181'],
    ['ha.zookeeper.session-timeout.ms', String(SESSION_TIMEOUT_MS)],
    ['ha.health-monitor.rpc-timeout.ms', '4000'],
    ['ha.failover-controller.graceful-fence.rpc-timeout.ms', '1000'],
    ['ha.failover-controller.new-active.rpc-timeout.ms', '4000'],
    ['ipc.client.connect.timeout', '2000'],
    ['baton.zkfc.graceful-fence.connect-timeout.ms', '1000'],
    ['baton.zkfc.activation-backoff.base.ms', '500'],
    ['baton.zkfc.activation-backoff.max.ms', '3000'],
    ['dfs.ha.zkfc.nn.http.timeout.ms', '0'],
    ['dfs.ha.namenode.id', id],
    ...entries,
  ])
}

export const ZOO_CFG = [
  'dataDir=/data',
  'clientPort=2181',
  'clientPortAddress=0.0.0.0',
  'tickTime=500',
  'preAllocSize=64',
  '',
].join('\n')
