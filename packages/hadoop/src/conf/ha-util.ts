/**
 * Who the NameNodes are and where they listen, twin of Hadoop's `DFSUtil`, `HAUtil` and
 * `NNHAServiceTarget`. Every function throws `ConfigurationError` naming the key at fault.
 */
import { parseAddress, type Address } from '@baton/runtime'
import { ConfigurationError } from './configuration-error.ts'
import type { Configuration } from './configuration.ts'
import { isLoopbackOrAny } from './host-names.ts'
import { effectiveKey, suffixed } from './promote-keys.ts'

const NAMESERVICES = 'dfs.nameservices'
const RPC_ADDRESS = 'dfs.namenode.rpc-address'
const SERVICE_RPC_ADDRESS = 'dfs.namenode.servicerpc-address'
const LIFELINE_RPC_ADDRESS = 'dfs.namenode.lifeline.rpc-address'
export const NAMENODE_RPC_PORT_DEFAULT = 8020
export const ZKFC_PORT_DEFAULT = 8019

export interface Identity {
  readonly nameserviceId: string
  readonly namenodeId: string
}

export function getNameServiceIds(conf: Configuration): string[] {
  return [...new Set(conf.getTrimmedStrings(NAMESERVICES))]
}

export function getNameNodeIds(conf: Configuration, nameserviceId: string): string[] {
  return [...new Set(conf.getTrimmedStrings(suffixed('dfs.ha.namenodes', nameserviceId)))]
}

/** The sole nameservice where there is one and none was named. */
export function onlyNameServiceId(conf: Configuration): string {
  const ids = getNameServiceIds(conf)
  const [only] = ids
  if (only !== undefined && ids.length === 1) return only
  if (only === undefined) throw new ConfigurationError(['Unable to determine the name service ID.'])
  throw new ConfigurationError([
    'Unable to determine the name service ID. This is an HA configuration with multiple name' +
      ` services configured. ${NAMESERVICES} is set to [${ids.join(', ')}].` +
      ' Please re-run with the -ns option.',
  ])
}

/**
 * Which NameNode this machine's controller stands beside: dfs.nameservice.id and
 * dfs.ha.namenode.id, else the sole nameservice, else the NameNode whose RPC address is one of
 * `localAddresses` (IP literals of the interfaces; loopback is always local).
 */
export async function localIdentity(
  conf: Configuration,
  localAddresses: readonly string[],
  resolve: (host: string) => Promise<readonly string[]>,
): Promise<Identity> {
  const isLocal = await localNameNodes(conf, localAddresses, resolve)
  const nameserviceId = localNameServiceId(conf, isLocal)
  requireHaEnabled(conf, nameserviceId)
  const configured = conf.getTrimmed('dfs.ha.namenode.id')
  if (configured !== undefined && configured !== '') {
    return { nameserviceId, namenodeId: requireNameNode(conf, nameserviceId, configured) }
  }
  const matches = isLocal.filter(found => found.nameserviceId === nameserviceId)
  return { nameserviceId, namenodeId: onlyMatch(matches).namenodeId }
}

function localNameServiceId(conf: Configuration, local: readonly Identity[]): string {
  const configured = conf.getTrimmed('dfs.nameservice.id')
  if (configured !== undefined && configured !== '') return configured
  const ids = getNameServiceIds(conf)
  const [first] = ids
  if (first === undefined) {
    throw conf.problem(NAMESERVICES, 'names no nameservice; set it in hdfs-site.xml')
  }
  if (ids.length === 1) return first
  const namenodeId = conf.getTrimmed('dfs.ha.namenode.id')
  const matches = local.filter(found => (namenodeId ?? found.namenodeId) === found.namenodeId)
  return onlyMatch(matches).nameserviceId
}

function onlyMatch(matches: readonly Identity[]): Identity {
  const [first] = matches
  if (first === undefined) {
    throw new ConfigurationError([
      'Could not get the namenode ID of this node. You may run zkfc on the node other than' +
        ` namenode: no ${RPC_ADDRESS} is an address of this machine; set dfs.ha.namenode.id if` +
        ' it is one of the NameNodes',
    ])
  }
  if (matches.length === 1) return first
  const ids = matches.map(found => `${found.nameserviceId}.${found.namenodeId}`).join(', ')
  throw new ConfigurationError([
    "Configuration has multiple addresses that match local node's address. Please configure the" +
      ` system with dfs.nameservice.id and dfs.ha.namenode.id (matching: ${ids})`,
  ])
}

async function localNameNodes(
  conf: Configuration,
  localAddresses: readonly string[],
  resolve: (host: string) => Promise<readonly string[]>,
): Promise<readonly Identity[]> {
  if (isSet(conf, 'dfs.ha.namenode.id') && oneNameServiceIsClear(conf)) return []
  const local = new Set(localAddresses)
  const found: Identity[] = []
  for (const nameserviceId of getNameServiceIds(conf)) {
    for (const namenodeId of getNameNodeIds(conf, nameserviceId)) {
      const address = addressOf(conf, suffixed(RPC_ADDRESS, nameserviceId, namenodeId))
      if (address === undefined) continue
      const ips = await resolve(address.host).catch(() => []) // unresolved is not local, as in Java
      if (ips.some(ip => local.has(ip) || isLoopbackOrAny(ip))) {
        found.push({ nameserviceId, namenodeId })
      }
    }
  }
  return found
}

function isSet(conf: Configuration, key: string): boolean {
  return (conf.getTrimmed(key) ?? '') !== ''
}

function oneNameServiceIsClear(conf: Configuration): boolean {
  return isSet(conf, 'dfs.nameservice.id') || getNameServiceIds(conf).length === 1
}

function requireHaEnabled(conf: Configuration, nameserviceId: string): void {
  const ids = getNameNodeIds(conf, nameserviceId)
  const withAddress = ids.filter(id => conf.has(suffixed(RPC_ADDRESS, nameserviceId, id)))
  if (withAddress.length >= 2) return
  const key = suffixed('dfs.ha.namenodes', nameserviceId)
  throw new ConfigurationError([
    'HA is not enabled for this namenode. ' +
      conf.describe(
        key,
        `two or more NameNodes with ${RPC_ADDRESS}.${nameserviceId}.<id> are needed,` +
          ` found ${withAddress.length}`,
      ),
  ])
}

function requireNameNode(conf: Configuration, nameserviceId: string, namenodeId: string): string {
  const ids = getNameNodeIds(conf, nameserviceId)
  if (ids.includes(namenodeId)) return namenodeId
  const listed = `not among dfs.ha.namenodes.${nameserviceId} (${ids.join(', ')})`
  throw conf.problem('dfs.ha.namenode.id', listed)
}

/** Service RPC address where one is set, else the RPC address. Full suffix only, port 8020. */
export function serviceRpcAddress(
  conf: Configuration,
  nameserviceId: string,
  namenodeId: string,
): Address {
  for (const key of [SERVICE_RPC_ADDRESS, RPC_ADDRESS]) {
    const address = addressOf(conf, suffixed(key, nameserviceId, namenodeId))
    if (address !== undefined) return address
  }
  const text = `Unable to determine service address for namenode '${namenodeId}'`
  throw new ConfigurationError([text])
}

/** Only the fully suffixed key counts; undefined where there is no lifeline server. */
export function lifelineRpcAddress(
  conf: Configuration,
  nameserviceId: string,
  namenodeId: string,
): Address | undefined {
  return addressOf(conf, suffixed(LIFELINE_RPC_ADDRESS, nameserviceId, namenodeId))
}

/** The NameNode's host with dfs.ha.zkfc.port: where its controller answers. */
export function zkfcAddress(
  conf: Configuration,
  nameserviceId: string,
  namenodeId: string,
): Address {
  const { host } = serviceRpcAddress(conf, nameserviceId, namenodeId)
  return { host, port: zkfcPort(conf, nameserviceId, namenodeId) }
}

/**
 * Where the controller listens: the bind host of the service RPC or RPC server where one is set,
 * else the NameNode's own host. Never a wildcard unless a bind host says so.
 */
export function zkfcBindAddress(
  conf: Configuration,
  nameserviceId: string,
  namenodeId: string,
): Address {
  const port = zkfcPort(conf, nameserviceId, namenodeId)
  for (const name of ['dfs.namenode.servicerpc-bind-host', 'dfs.namenode.rpc-bind-host']) {
    const key = effectiveKey(conf, name, nameserviceId, namenodeId)
    const host = conf.getTrimmed(key)
    if (host !== undefined && host !== '') return { host, port }
  }
  return { host: serviceRpcAddress(conf, nameserviceId, namenodeId).host, port }
}

function zkfcPort(conf: Configuration, nameserviceId: string, namenodeId: string): number {
  const key = effectiveKey(conf, 'dfs.ha.zkfc.port', nameserviceId, namenodeId)
  const port = conf.getInt(key, ZKFC_PORT_DEFAULT)
  if (port < 0 || port > 65_535) throw conf.problem(key, 'port out of range 0-65535')
  return port
}

/** The web address; `0.0.0.0` as host stands for the host of the RPC address. */
export function httpAddress(
  conf: Configuration,
  nameserviceId: string,
  namenodeId: string,
): Address {
  const key = effectiveKey(conf, 'dfs.namenode.http-address', nameserviceId, namenodeId)
  const address = addressOf(conf, key, 9870) ?? { host: '0.0.0.0', port: 9870 }
  if (address.host !== '0.0.0.0') return address
  return { host: serviceRpcAddress(conf, nameserviceId, namenodeId).host, port: address.port }
}

/** dfs.ha.automatic-failover.enabled, per nameservice or for all; never per NameNode. */
export function isAutomaticFailoverEnabled(conf: Configuration, nameserviceId: string): boolean {
  const key = effectiveKey(conf, 'dfs.ha.automatic-failover.enabled', nameserviceId)
  return conf.getBoolean(key, false)
}

/** `host:port`, a `scheme://` in front and a path behind are dropped, as Java's NetUtils does. */
function addressOf(
  conf: Configuration,
  key: string,
  defaultPort = NAMENODE_RPC_PORT_DEFAULT,
): Address | undefined {
  const value = conf.getTrimmed(key)
  if (value === undefined) return undefined
  const plain = value.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '').replace(/\/.*$/, '')
  const text = plain.endsWith(':') ? plain.slice(0, -1) : plain
  try {
    const address = parseAddress(text, defaultPort)
    // Java takes such a name for a URI authority without a host.
    if (!/^[A-Za-z0-9.:%-]+$/.test(address.host)) throw new RangeError('not a host name')
    return address
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw conf.problem(key, `not a valid host:port: ${error.message}`)
  }
}
