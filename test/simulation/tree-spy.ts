import { decodeActiveNodeInfo, ProtocolError } from '@baton/hadoop'
import { OpCode } from '@baton/jute'
import { FinalRequestProcessor } from '../../packages/server/src/request/final-request-processor.ts'
import type { DataTree } from '../../packages/server/src/state/data-tree.ts'
import type { TreeView } from './observations.ts'
import { PARENT } from './cluster/cluster-conf.ts'

/*
 * Sees every txn at the moment the server applies it, and with it lock and breadcrumb before and
 * after. A server that was started again may have found txns in its log that nobody was told of:
 * what they changed is seen before it answers the first request.
 */
const LOCK = `${PARENT}/ActiveStandbyElectorLock`
const CRUMB = `${PARENT}/ActiveBreadCrumb`
const NOTHING: TreeView = { lock: undefined, crumb: undefined }

export interface AppliedTxn {
  readonly session: bigint
  readonly before: TreeView
  readonly after: TreeView
  readonly closesSession: boolean
}

let listener: ((applied: AppliedTxn) => void) | undefined
let installed = false
let seen = NOTHING
/** Which versions of the two znodes `seen` shows. */
let seenKey = ''

/** One world at a time: the answer ends the listening. */
export function spyOnTree(run: (applied: AppliedTxn) => void): () => void {
  install()
  listener = run
  seen = NOTHING
  seenKey = ''
  return () => {
    if (listener === run) listener = undefined
  }
}

function install(): void {
  if (installed) return
  installed = true
  const prototype = FinalRequestProcessor.prototype
  const { apply, answer } = prototype
  prototype.answer = function (this: FinalRequestProcessor, ...request): void {
    lookForRecovered(this.tree)
    answer.apply(this, request)
  }
  prototype.apply = function (this: FinalRequestProcessor, request): void {
    lookForRecovered(this.tree)
    apply.call(this, request)
    const { header } = request
    if (header === undefined) return
    const before = seen
    look(this.tree)
    const closesSession = header.type === OpCode.closeSession
    listener?.({ session: header.clientId, before, after: seen, closesSession })
  }
}

/** Whose txn it was is not known any more: the owner of the lock is given the benefit of that. */
function lookForRecovered(tree: DataTree): void {
  const before = seen
  if (!look(tree)) return
  const session = before.lock?.owner ?? 0n
  listener?.({ session, before, after: seen, closesSession: false })
}

/** True: something changed since the last look. */
function look(tree: DataTree): boolean {
  const lock = tree.get(LOCK)
  const crumb = tree.get(CRUMB)
  const key = `${lock?.czxid} ${crumb?.czxid} ${crumb?.mzxid}`
  if (key === seenKey) return false
  seenKey = key
  seen = {
    lock: lock && { owner: lock.ephemeralOwner, names: nameIn(lock.data) },
    crumb: crumb && nameIn(crumb.data),
  }
  return true
}

function nameIn(data: Uint8Array | null): string {
  try {
    return decodeActiveNodeInfo(data ?? new Uint8Array(0)).namenodeId
  } catch (error) {
    if (error instanceof ProtocolError) return `bytes ${Buffer.from(data ?? []).toString('hex')}`
    throw error
  }
}
