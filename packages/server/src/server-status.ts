/** What the four-letter words tell of the server, gathered when one is asked. */
import type { Address } from '@baton/runtime'
import type { ServerConfig } from './config.ts'
import type { ServerMetrics } from './metrics.ts'
import type { ConnectionStatus, ServerStatus } from './net/four-letter-words.ts'
import type { DataTree } from './state/data-tree.ts'

/** The protocol and file formats are those of this release; monitors parse the number. */
export const SERVER_VERSION = '3.9.5-baton-0.1.0, built on unknown'

export interface StatusSource {
  readonly config: ServerConfig
  readonly clientAddress: Address
  readonly tree: DataTree
  readonly metrics: ServerMetrics
  readonly sessionCount: number
  readonly outstandingCount: number
  readonly uptimeMs: number
  readonly connections: readonly ConnectionStatus[]
}

export function serverStatus(source: StatusSource): ServerStatus {
  const { config, tree } = source
  return {
    version: SERVER_VERSION,
    serverState: 'standalone',
    lastProcessedZxid: tree.lastProcessedZxid,
    nodeCount: tree.nodeCount,
    ephemeralsCount: tree.ephemeralsCount,
    approximateDataSizeBytes: tree.approximateDataSizeBytes,
    watchCount: tree.watchCount,
    sessionCount: source.sessionCount,
    outstandingCount: source.outstandingCount,
    uptimeMs: source.uptimeMs,
    metrics: source.metrics,
    connections: source.connections,
    configuration: [
      ['clientPort', source.clientAddress.port],
      ['secureClientPort', -1],
      ['dataDir', `${config.dataDir}/version-2`],
      ['dataLogDir', `${config.dataLogDir}/version-2`],
      ['tickTime', config.tickTimeMs],
      ['maxClientCnxns', config.maxClientCnxns],
      ['minSessionTimeout', config.minSessionTimeoutMs],
      ['maxSessionTimeout', config.maxSessionTimeoutMs],
      ['clientPortListenBacklog', config.clientPortListenBacklog],
      // ZooKeeper standalone says 0 here, though its session ids say 1.
      ['serverId', 0],
    ],
  }
}
