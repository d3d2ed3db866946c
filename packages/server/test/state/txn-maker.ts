/** Makes txns as prep would, applies them to its own tree, and keeps them for replays. */
import { OpCode, OPEN_ACL_UNSAFE } from '@baton/jute'
import type { ACL, TxnHeader } from '@baton/jute'
import { DataTree } from '../../src/state/data-tree.ts'
import type { DataTreeOptions, TxnResult } from '../../src/state/data-tree.ts'
import type { DigestSum } from '../../src/state/digest.ts'
import { parentPath } from '../../src/state/path.ts'
import type { Txn } from '../../src/state/txn.ts'

export interface MadeTxn {
  readonly header: TxnHeader
  readonly txn: Txn
  /** Of the tree after it. */
  readonly digest: DigestSum
}

export const bytes = (text: string): Buffer => Buffer.from(text)

export class TxnMaker {
  readonly tree: DataTree
  readonly made: MadeTxn[] = []
  zxid: number
  time = 1_700_000_000_000

  constructor(tree?: DataTree, options: DataTreeOptions = {}) {
    this.tree = tree ?? new DataTree(options)
    this.zxid = this.tree.lastProcessedZxid
  }

  apply(txn: Txn, session = 1n): TxnResult {
    this.zxid++
    this.time += 7
    const { zxid, time } = this
    const header = { clientId: session, cxid: zxid, zxid, time, type: txn.type }
    const result = this.tree.processTxn(header, txn)
    this.made.push({ header, txn, digest: this.tree.digest.copy() })
    return result
  }

  createTxn(path: string, data: Uint8Array | null, options: CreateOptions = {}): Txn {
    const parent = this.tree.get(parentPath(path))
    const parentCVersion = options.parentCVersion ?? (parent?.cversion ?? 0) + 1
    const { acl = OPEN_ACL_UNSAFE, session } = options
    const ephemeral = session !== undefined
    return { type: OpCode.create, body: { path, data, acl, ephemeral, parentCVersion } }
  }

  create(path: string, data: Uint8Array | null = null, options: CreateOptions = {}): TxnResult {
    return this.apply(this.createTxn(path, data, options), options.session)
  }

  delete(path: string): TxnResult {
    return this.apply({ type: OpCode.delete, body: { path } })
  }

  setData(path: string, data: Uint8Array | null): TxnResult {
    const version = (this.tree.get(path)?.version ?? 0) + 1
    return this.apply({ type: OpCode.setData, body: { path, data, version } })
  }

  setAcl(path: string, acl: readonly ACL[]): TxnResult {
    const version = (this.tree.get(path)?.aversion ?? 0) + 1
    return this.apply({ type: OpCode.setACL, body: { path, acl, version } })
  }

  createSession(session: bigint, timeOut = 10_000): TxnResult {
    return this.apply({ type: OpCode.createSession, body: { timeOut } }, session)
  }

  closeSession(session: bigint): TxnResult {
    const paths2Delete = this.tree.ephemerals(session)
    return this.apply({ type: OpCode.closeSession, body: { paths2Delete } }, session)
  }
}

export interface CreateOptions {
  readonly acl?: readonly ACL[] | null
  /** Makes it ephemeral. */
  readonly session?: bigint
  readonly parentCVersion?: number
}

/** One line a node, in order: everything that clients can see and what snapshots keep. */
export function dump(tree: DataTree): string {
  const lines: string[] = []
  const visit = (path: string): void => {
    const node = tree.get(path)
    if (node === undefined) throw new Error(`${path} is a child, but not there`)
    const { czxid, mzxid, ctime, mtime, version, cversion, aversion, ...rest } = node.stat()
    const data = node.data === null ? 'null' : `=${Buffer.from(node.data).toString()}`
    const acl = node.acl.list.map(({ perms, id }) => `${perms}:${id.scheme}:${id.id};`).join('')
    const { ephemeralOwner, dataLength, numChildren, pzxid } = rest
    const numbers = [czxid, mzxid, ctime, mtime, version, cversion, aversion]
    numbers.push(Number.NaN, dataLength, numChildren, pzxid)
    const text = numbers.map(n => (Number.isNaN(n) ? String(ephemeralOwner) : String(n))).join(' ')
    lines.push(`${path} ${data} ${text} ${acl}`)
    const names = [...node.childNames()].sort()
    for (const name of names) visit(path === '/' ? `/${name}` : `${path}/${name}`)
  }
  visit('/')
  return `${lines.join('\n')}\n`
}
