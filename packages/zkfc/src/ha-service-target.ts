import {
  configuredHostName,
  encodeActiveNodeInfo,
  getNameNodeIds,
  httpAddress,
  lifelineRpcAddress,
  promoteKeys,
  resolveJavaAddressText,
  serviceRpcAddress,
  zkfcAddress,
} from '@baton/hadoop'
import type { Configuration, Identity } from '@baton/hadoop'
import type { Address, Network } from '@baton/runtime'
import type { NodeRef } from './core/messages.ts'

/** One NameNode and its controller, as the configuration has them (Java: NNHAServiceTarget). */
export interface HaServiceTarget {
  /** As the znodes name it. */
  readonly ref: NodeRef
  /** Java's text: `NameNode at host/ip:port`. */
  readonly name: string
  /** Where transitions go. */
  readonly address: Address
  /** Where health checks go: the lifeline server where there is one. */
  readonly healthAddress: Address
  readonly zkfcAddress: Address
  readonly httpAddress: Address
  /** The configuration with this NameNode's suffixed keys promoted. */
  readonly conf: Configuration
}

export async function createTarget(
  conf: Configuration,
  identity: Identity,
  network: Pick<Network, 'resolve' | 'reverse'>,
): Promise<HaServiceTarget> {
  const { nameserviceId, namenodeId } = identity
  const address = serviceRpcAddress(conf, nameserviceId, namenodeId)
  const lifeline = lifelineRpcAddress(conf, nameserviceId, namenodeId)
  const zkfc = zkfcAddress(conf, nameserviceId, namenodeId)
  const host = await configuredHostName(address, network)
  const shown = lifeline ?? address
  return {
    ref: { nameserviceId, namenodeId, host, port: address.port, zkfcPort: zkfc.port },
    name: `NameNode at ${await resolveJavaAddressText(shown, network, { named: true })}`,
    address,
    healthAddress: shown,
    zkfcAddress: zkfc,
    httpAddress: httpAddress(conf, nameserviceId, namenodeId),
    conf: promoteKeys(conf, nameserviceId, namenodeId),
  }
}

/** Every other NameNode of the nameservice, in configured order. */
export async function createOtherTargets(
  conf: Configuration,
  identity: Identity,
  network: Pick<Network, 'resolve' | 'reverse'>,
): Promise<readonly HaServiceTarget[]> {
  const { nameserviceId } = identity
  const ids = getNameNodeIds(conf, nameserviceId).filter(id => id !== identity.namenodeId)
  return Promise.all(
    ids.map(namenodeId => createTarget(conf, { nameserviceId, namenodeId }, network)),
  )
}

/** What both znodes hold while `node` is active; byte for byte Java's. */
export function znodeData(node: NodeRef): Uint8Array {
  const { nameserviceId, namenodeId, host, port, zkfcPort } = node
  return encodeActiveNodeInfo({ nameserviceId, namenodeId, hostname: host, port, zkfcPort })
}
