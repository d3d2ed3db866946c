import {
  isAutomaticFailoverEnabled,
  lifelineRpcAddress,
  onlyNameServiceId,
  promoteKeys,
  resolveJavaAddressText,
  serviceRpcAddress,
  zkfcAddress,
  type Configuration,
} from '@baton/hadoop'
import type { Address, Network } from '@baton/runtime'

/** One NameNode as haadmin sees it; twin of Java's NNHAServiceTarget. */
export interface HaTarget {
  readonly nameserviceId: string
  readonly namenodeId: string
  readonly address: Address
  /** The lifeline address where one is set: it is what Java prints. */
  readonly shownAddress: Address
  readonly zkfcAddress: Address
  readonly autoFailover: boolean
  /** Its own view of the configuration: fencing methods and their keys. */
  readonly conf: Configuration
}

/** Throws `ConfigurationError`; without `nameserviceId` the sole nameservice is meant. */
export function resolveTarget(
  conf: Configuration,
  nameserviceId: string | undefined,
  namenodeId: string,
): HaTarget {
  const nameservice = nameserviceId ?? onlyNameServiceId(conf)
  const address = serviceRpcAddress(conf, nameservice, namenodeId)
  return {
    nameserviceId: nameservice,
    namenodeId,
    address,
    shownAddress: lifelineRpcAddress(conf, nameservice, namenodeId) ?? address,
    zkfcAddress: zkfcAddress(conf, nameservice, namenodeId),
    autoFailover: isAutomaticFailoverEnabled(conf, nameservice),
    conf: promoteKeys(conf, nameservice, namenodeId),
  }
}

/**
 * `NameNode at localhost/127.0.0.1:8020`; before anything was sent to it, `named` false, Java knows
 * no name for an IP literal and prints `NameNode at /127.0.0.1:8020`.
 */
export async function targetText(
  target: HaTarget,
  network: Pick<Network, 'resolve' | 'reverse'>,
  named = true,
): Promise<string> {
  return `NameNode at ${await resolveJavaAddressText(target.shownAddress, network, { named })}`
}
