import { decodeActiveNodeInfo, ProtocolError } from '@baton/hadoop'
import { OpCode } from '@baton/jute'
import { FinalRequestProcessor } from '../../packages/server/src/request/final-request-processor.ts'
import type { DataTree } from '../../packages/server/src/state/data-tree.ts'
import type { TreeView } from './observations.ts'
import { PARENT } from './cluster/cluster-conf.ts'

/*
 * Sees every txn at the moment the server applies it, and with it lock and breadcrumb before and
 * after. Txns that are only replayed at a start are not seen: they are no news.
 */
const LOCK = `${PARENT}/ActiveStandbyElectorLock`
const CRUMB = `${PARENT}/ActiveBreadCrumb`

export interface AppliedTxn {
  readonly session: bigint
  readonly before: TreeView
  readonly after: TreeView
  readonly closesSession: boolean
}

let listener: ((applied: AppliedTxn) => void) | undefined
let installed = false

/** One world at a time: the answer ends the listening. */
export function spyOnTree(run: (applied: AppliedTxn) => void): () => void {
  install()
  listener = run
  return () => {
    if (listener === run) listener = undefined
  }
}

function install(): void {
  if (installed) return
  installed = true
  const prototype = FinalRequestProcessor.prototype
  const apply = prototype.apply
  prototype.apply = function (this: FinalRequestProcessor, request): void {
    const header = request.header
    if (header === undefined || listener === undefined) return apply.call(this, request)
    const before = viewOf(this.tree)
    apply.call(this, request)
    const after = viewOf(this.tree)
    const closesSession = header.type === OpCode.closeSession
    listener({ session: header.clientId, before, after, closesSession })
  }
}

function viewOf(tree: DataTree): TreeView {
  const lock = tree.get(LOCK)
  const crumb = tree.get(CRUMB)
  return {
    lock: lock && { owner: lock.ephemeralOwner, names: nameIn(lock.data) },
    crumb: crumb && nameIn(crumb.data),
  }
}

function nameIn(data: Uint8Array | null): string {
  try {
    return decodeActiveNodeInfo(data ?? new Uint8Array(0)).namenodeId
  } catch (error) {
    if (error instanceof ProtocolError) return `bytes ${Buffer.from(data ?? []).toString('hex')}`
    throw error
  }
}
