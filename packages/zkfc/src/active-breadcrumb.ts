import { decodeActiveNodeInfo, ProtocolError } from '@baton/hadoop'
import type { NodeRef } from './core/messages.ts'
import type { NodeName } from './events.ts'

/*
 * What the breadcrumb says about whom to fence (Java: ActiveStandbyElector.fenceOldActive and
 * DFSZKFailoverController.dataToTarget).
 *
 * | the bytes are                                           | verdict                             |
 * | equal to our own                                        | own: nobody to fence                |
 * | our ids and address (another zkfcPort)                  | own                                 |
 * | our ids, another address                                | fence the stored address only: at   |
 * |                                                         | the configured one is our own node  |
 * | a configured node at its configured address             | fence it                            |
 * | a configured node at another address                    | fence both: the stored, then the    |
 * |                                                         | configured                          |
 * | another nameservice, an unknown NameNode, or no message | refuse: fence nothing, say why      |
 *
 * Java refuses the fourth kind for ever ("Mismatched address stored in ZK"). A NameNode is known by
 * its ids; where it moved, an old process may still run at the old address and a new one at the
 * new, so both must be made safe.
 */
export type BreadcrumbVerdict =
  | { readonly kind: 'own' }
  | { readonly kind: 'fence'; readonly nodes: readonly NodeRef[]; readonly names: NodeName }
  | { readonly kind: 'refuse'; readonly reason: string }

export function judgeBreadcrumb(
  data: Uint8Array,
  own: Uint8Array,
  local: NodeRef,
  others: readonly NodeRef[],
): BreadcrumbVerdict {
  if (sameBytes(data, own)) return { kind: 'own' }
  const stored = decodeBreadcrumb(data)
  if (typeof stored === 'string') {
    return { kind: 'refuse', reason: `it is not an ActiveNodeInfo (${stored})` }
  }
  const said = `${stored.nameserviceId}/${stored.namenodeId} at ${stored.host}:${stored.port}`
  if (stored.nameserviceId !== local.nameserviceId) {
    const ours = local.nameserviceId
    const reason = `it names ${said}, a NameNode of another nameservice (ours is ${ours})`
    return { kind: 'refuse', reason }
  }
  const configured = [local, ...others].find(node => node.namenodeId === stored.namenodeId)
  if (configured === undefined) {
    const key = `dfs.ha.namenodes.${local.nameserviceId}`
    return { kind: 'refuse', reason: `it names ${said}, which ${key} does not list` }
  }
  const names = { namenodeId: stored.namenodeId, address: `${stored.host}:${stored.port}` }
  const moved = stored.host !== configured.host || stored.port !== configured.port
  if (configured === local)
    return moved ? { kind: 'fence', nodes: [stored], names } : { kind: 'own' }
  return { kind: 'fence', nodes: moved ? [stored, configured] : [stored], names }
}

/** The node a lock or breadcrumb names, or why its bytes name none. Takes any bytes. */
export function decodeBreadcrumb(data: Uint8Array): NodeRef | string {
  try {
    const { nameserviceId, namenodeId, hostname, port, zkfcPort } = decodeActiveNodeInfo(data)
    return { nameserviceId, namenodeId, host: hostname, port, zkfcPort }
  } catch (error) {
    if (error instanceof ProtocolError) return error.message
    throw error
  }
}

/** For events: whom a lock's or breadcrumb's bytes name; undefined where they name nobody. */
export function nameOf(data: Uint8Array | undefined): NodeName | undefined {
  if (data === undefined) return undefined
  const node = decodeBreadcrumb(data)
  if (typeof node === 'string') return undefined
  return { namenodeId: node.namenodeId, address: `${node.host}:${node.port}` }
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at])
}
