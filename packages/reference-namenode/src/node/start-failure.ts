/** Why a reference NameNode cannot start, in words that name the keys at fault. */
import {
  ConfigurationError,
  getNameNodeIds,
  suffixed,
  type Configuration,
  type Identity,
} from '@baton/hadoop'
import { NetworkError, parseAddress, type Address } from '@baton/runtime'

const RPC_ADDRESS = 'dfs.namenode.rpc-address'
const SERVICE_RPC_ADDRESS = 'dfs.namenode.servicerpc-address'
const ADDRESS_KEYS = [RPC_ADDRESS, SERVICE_RPC_ADDRESS, 'dfs.namenode.lifeline.rpc-address']
const PORT_DEFAULT = 8020

/** Throws `ConfigurationError` where no address of this NameNode is in the site files. */
export function requireAddress(conf: Configuration, identity: Identity, directory: string): void {
  const { nameserviceId, namenodeId } = identity
  const key = suffixed(RPC_ADDRESS, nameserviceId, namenodeId)
  if (conf.has(key) || conf.has(suffixed(SERVICE_RPC_ADDRESS, nameserviceId, namenodeId))) return
  const file = `${directory.replace(/\/+$/, '')}/hdfs-site.xml`
  const list = suffixed('dfs.ha.namenodes', nameserviceId)
  const ids = getNameNodeIds(conf, nameserviceId)
  const named = ids.length === 0 ? 'names none' : `names ${ids.join(', ')}`
  throw new ConfigurationError([
    `${key} is not set: set it in ${file}, or name another --id (${list} ${named})`,
  ])
}

/** undefined: the error's own message has to do. */
export function listenFailure(
  conf: Configuration,
  { nameserviceId, namenodeId }: Identity,
  error: unknown,
): string | undefined {
  if (!(error instanceof NetworkError)) return undefined
  const keys = ADDRESS_KEYS.map(key => suffixed(key, nameserviceId, namenodeId))
  const key = keys.find(candidate => isAddress(conf.getTrimmed(candidate), error.address))
  if (key === undefined) return undefined
  const { host, port } = error.address
  const causes: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${port} is in use by another process`,
    EACCES: `this user may not listen on port ${port}`,
    ENOTFOUND: `the host name "${host}" does not resolve`,
    EADDRNOTAVAIL: `"${host}" is no address of this machine`,
  }
  return conf.describe(key, causes[error.code] ?? error.message)
}

function isAddress(value: string | undefined, address: Address): boolean {
  if (value === undefined || value === '') return false
  const { host, port } = parseAddress(value, PORT_DEFAULT)
  return host === address.host && port === address.port
}
