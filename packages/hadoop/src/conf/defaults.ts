/**
 * Hadoop 3.4's defaults of the keys that Baton reads or hands to a fencing command. Key by key
 * from `core-default.xml` and `hdfs-default.xml`; a key without a default is not here.
 *
 * They are two tables since the order of loading is core-default, core-site, hdfs-default,
 * hdfs-site: a `dfs.*` default beats what `core-site.xml` says.
 */
export const CORE_DEFAULTS: Readonly<Record<string, string>> = {
  'fs.defaultFS': 'file:///',
  'hadoop.tmp.dir': '/tmp/hadoop-${user.name}',
  'hadoop.security.authentication': 'simple',
  'hadoop.security.authorization': 'false',
  'hadoop.rpc.protection': 'authentication',
  'ha.zookeeper.session-timeout.ms': '10000',
  'ha.zookeeper.parent-znode': '/hadoop-ha',
  'ha.zookeeper.acl': 'world:anyone:rwcda',
  'ha.health-monitor.connect-retry-interval.ms': '1000',
  'ha.health-monitor.check-interval.ms': '1000',
  'ha.health-monitor.sleep-after-disconnect.ms': '1000',
  'ha.health-monitor.rpc.connect.max.retries': '1',
  'ha.health-monitor.rpc-timeout.ms': '45000',
  'ha.failover-controller.new-active.rpc-timeout.ms': '60000',
  'ha.failover-controller.graceful-fence.rpc-timeout.ms': '5000',
  'ha.failover-controller.graceful-fence.connection.retries': '1',
  'ha.failover-controller.active-standby-elector.zk.op.retries': '3',
  'ha.failover-controller.cli-check.rpc-timeout.ms': '20000',
  'dfs.ha.fencing.ssh.connect-timeout': '30000',
  'ipc.client.connect.timeout': '20000',
  'ipc.client.connect.retry.interval': '1000',
  'ipc.client.connect.max.retries': '10',
  'ipc.client.connect.max.retries.on.timeouts': '45',
  'ipc.client.connect.max.retries.on.sasl': '5',
  'ipc.client.connection.maxidletime': '10000',
  'ipc.client.ping': 'true',
  'ipc.ping.interval': '60000',
  'ipc.client.rpc-timeout.ms': '120000',
  'ipc.client.tcpnodelay': 'true',
  'ipc.client.low-latency': 'false',
  'ipc.client.fallback-to-simple-auth-allowed': 'false',
  'ipc.maximum.data.length': '134217728',
  'ipc.maximum.response.length': '134217728',
}

export const HDFS_DEFAULTS: Readonly<Record<string, string>> = {
  'dfs.ha.automatic-failover.enabled': 'false',
  'dfs.ha.zkfc.port': '8019',
  'dfs.ha.zkfc.nn.http.timeout.ms': '20000',
  'dfs.ha.zkfc.client.ssl.enabled': 'false',
  'dfs.ha.nn.not-become-active-in-safemode': 'false',
  'dfs.ha.allow.stale.reads': 'false',
  'dfs.ha.log-roll.period': '120',
  'dfs.ha.tail-edits.period': '60',
  'dfs.ha.tail-edits.period.backoff-max': '0',
  'dfs.ha.tail-edits.namenode-retries': '3',
  'dfs.ha.tail-edits.rolledits.timeout': '60',
  'dfs.ha.tail-edits.in-progress': 'false',
  'dfs.ha.standby.checkpoints': 'true',
  'dfs.http.policy': 'HTTP_ONLY',
  'dfs.namenode.http-address': '0.0.0.0:9870',
  'dfs.namenode.https-address': '0.0.0.0:9871',
  'dfs.namenode.name.dir': 'file://${hadoop.tmp.dir}/dfs/name',
  'dfs.namenode.handler.count': '10',
  'dfs.namenode.resource.du.reserved': '104857600',
  'dfs.namenode.resource.check.interval': '5000',
  'dfs.namenode.safemode.threshold-pct': '0.999f',
  'dfs.namenode.safemode.extension': '30000',
  'dfs.journalnode.rpc-address': '0.0.0.0:8485',
  'dfs.journalnode.http-address': '0.0.0.0:8480',
  'dfs.journalnode.https-address': '0.0.0.0:8481',
  'dfs.journalnode.edits.dir': '/tmp/hadoop/dfs/journalnode/',
  'dfs.journalnode.handler.count': '5',
  'dfs.journalnode.enable.sync': 'true',
  'dfs.journalnode.sync.interval': '120000',
  'dfs.qjournal.start-segment.timeout.ms': '20000',
  'dfs.qjournal.write-txns.timeout.ms': '20000',
  'dfs.qjm.operations.timeout': '60s',
}

/** Both tables; the two name different keys. */
export const DEFAULTS: Readonly<Record<string, string>> = { ...CORE_DEFAULTS, ...HDFS_DEFAULTS }

/** Old names still honoured: whichever name is set last wins, whichever is asked for answers. */
const DEPRECATED: ReadonlyMap<string, string> = new Map([
  ['dfs.federation.nameservices', 'dfs.nameservices'],
  ['dfs.federation.nameservice.id', 'dfs.nameservice.id'],
])

/** The name under which a key is kept. */
export function currentName(key: string): string {
  return DEPRECATED.get(key) ?? key
}
