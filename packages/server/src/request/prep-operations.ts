/** One row an operation: the checks of `PrepRequestProcessor.pRequest2Txn`, in their order. */
import { CreateMode, ErrorCode, OpCode, Perms } from '@baton/jute'
import type {
  CheckVersionRequest,
  CreateRequest,
  CreateTTLRequest,
  DeleteRequest,
  PathRequest,
  SetACLRequest,
  SetDataRequest,
} from '@baton/jute'
import { fixupAcl } from '../state/acl.ts'
import { isSystemPath, pathProblem, sequentialPath } from '../state/path.ts'
import type { Txn } from '../state/txn.ts'
import type { ChangeRecord } from './outstanding-changes.ts'
import type { PrepContext, PrepRequestProcessor } from './prep-request-processor.ts'

type Outcome = Txn | number

export type Preparer = (
  prep: PrepRequestProcessor,
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- each row names its own record
  record: any,
  context: PrepContext,
  type: number,
) => Outcome

type Kind = ChangeRecord['kind']

interface Mode {
  readonly kind: Kind
  readonly sequential: boolean
}

const modes: Readonly<Record<number, Mode>> = {
  [CreateMode.persistent]: { kind: 'persistent', sequential: false },
  [CreateMode.ephemeral]: { kind: 'ephemeral', sequential: false },
  [CreateMode.persistentSequential]: { kind: 'persistent', sequential: true },
  [CreateMode.ephemeralSequential]: { kind: 'ephemeral', sequential: true },
  [CreateMode.container]: { kind: 'container', sequential: false },
  [CreateMode.persistentWithTtl]: { kind: 'ttl', sequential: false },
  [CreateMode.persistentSequentialWithTtl]: { kind: 'ttl', sequential: true },
}

/** Whether a create flag asks for a TTL; undefined where there is no such flag. */
export function isTtlFlag(flags: number): boolean | undefined {
  const mode = modes[flags]
  return mode === undefined ? undefined : mode.kind === 'ttl'
}

/** 40 bits of milliseconds. */
const TTL_MS_MAX = 2 ** 40 - 1

/**
 * What is before the last slash; undefined where there is none or the path holds a NUL. Not the
 * same as `parentPath`: the path is a client's and may be anything.
 */
function parentOf(path: string): string | undefined {
  const slash = path.lastIndexOf('/')
  return slash < 0 || path.includes('\0') ? undefined : path.slice(0, slash) || '/'
}

/** Wraps as Java's int does; -1 is passed through. */
function increment(version: number): number {
  return (version + 1) | 0
}

function versionRefused(expected: number, current: number): boolean {
  return expected !== -1 && expected !== current
}

/** A TTL is for TTL modes only; ZooKeeper lets a negative one pass, then fails to apply it. */
function modeProblem(prep: PrepRequestProcessor, mode: Mode, type: number, ttl: number): number {
  if (mode.kind !== 'ttl') return type === OpCode.createTTL ? ErrorCode.badArguments : ErrorCode.ok
  if (!prep.extendedTypes) return ErrorCode.unimplemented
  if (type !== OpCode.createTTL || ttl <= 0 || ttl > TTL_MS_MAX) return ErrorCode.badArguments
  return ErrorCode.ok
}

function prepareCreate(
  prep: PrepRequestProcessor,
  record: CreateRequest | CreateTTLRequest,
  context: PrepContext,
  type: number,
): Outcome {
  const mode = modes[record.flags]
  if (mode === undefined) return ErrorCode.badArguments
  const ttl = 'ttl' in record ? record.ttl : 0
  const refused = modeProblem(prep, mode, type, ttl)
  if (refused !== ErrorCode.ok) return refused
  const parentName = parentOf(record.path)
  if (parentName === undefined) return ErrorCode.badArguments
  const acl = fixupAcl(record.acl, context.ids)
  if (acl === undefined) return ErrorCode.invalidACL
  const parent = prep.changes.get(parentName)
  if (parent === undefined) return ErrorCode.noNode
  if (!prep.allows(parent.acl, Perms.create, context)) return ErrorCode.noAuth
  const path = mode.sequential ? sequentialPath(record.path, parent.cversion) : record.path
  if (pathProblem(path) !== undefined) return ErrorCode.badArguments
  if (prep.changes.get(path) !== undefined) return ErrorCode.nodeExists
  if (parent.kind === 'ephemeral') return ErrorCode.noChildrenForEphemerals

  const parentCVersion = increment(parent.cversion)
  const kind = nodeKind(mode, type)
  prep.changes.add(context.zxid, {
    ...parent,
    childCount: parent.childCount + 1,
    cversion: parentCVersion,
  })
  prep.changes.add(context.zxid, {
    path,
    exists: true,
    version: 0,
    cversion: 0,
    aversion: 0,
    kind,
    owner: kind === 'ephemeral' ? context.sessionId : 0n,
    childCount: 0,
    acl,
  })
  const common = { path, data: record.data, acl, parentCVersion }
  if (type === OpCode.createContainer) return { type, body: common }
  if (type === OpCode.createTTL) return { type, body: { ...common, ttl } }
  const ephemeral = mode.kind === 'ephemeral'
  return { type: type === OpCode.create ? type : OpCode.create2, body: { ...common, ephemeral } }
}

/** What the txn will make of it: the operation decides, the flag only between the plain kinds. */
function nodeKind(mode: Mode, type: number): Kind {
  if (type === OpCode.createContainer) return 'container'
  if (type === OpCode.createTTL) return 'ttl'
  return mode.kind === 'ephemeral' ? 'ephemeral' : 'persistent'
}

function removeNode(prep: PrepRequestProcessor, context: PrepContext, node: ChangeRecord): void {
  const parentName = parentOf(node.path)
  const parent = parentName === undefined ? undefined : prep.changes.get(parentName)
  if (parent !== undefined) {
    prep.changes.add(context.zxid, { ...parent, childCount: parent.childCount - 1 })
  }
  prep.changes.add(context.zxid, { ...node, exists: false })
}

function prepareDelete(
  prep: PrepRequestProcessor,
  record: DeleteRequest,
  context: PrepContext,
): Outcome {
  const parentName = parentOf(record.path)
  if (parentName === undefined || isSystemPath(record.path)) return ErrorCode.badArguments
  const parent = prep.changes.get(parentName)
  if (parent === undefined) return ErrorCode.noNode
  if (!prep.allows(parent.acl, Perms.delete, context)) return ErrorCode.noAuth
  const node = prep.changes.get(record.path)
  if (node === undefined) return ErrorCode.noNode
  if (versionRefused(record.version, node.version)) return ErrorCode.badVersion
  if (node.childCount > 0) return ErrorCode.notEmpty
  removeNode(prep, context, node)
  return { type: OpCode.delete, body: { path: record.path } }
}

/**
 * Meant for the server's own checker of containers, yet clients can send it. ZooKeeper then asks
 * for no permission; Baton asks for the one that delete needs.
 */
function prepareDeleteContainer(
  prep: PrepRequestProcessor,
  record: PathRequest,
  context: PrepContext,
): Outcome {
  const parentName = parentOf(record.path)
  if (parentName === undefined || isSystemPath(record.path)) return ErrorCode.badArguments
  const node = prep.changes.get(record.path)
  if (node === undefined) return ErrorCode.noNode
  const parent = prep.changes.get(parentName)
  if (parent !== undefined && !prep.allows(parent.acl, Perms.delete, context)) {
    return ErrorCode.noAuth
  }
  if (node.childCount > 0) return ErrorCode.notEmpty
  if (node.kind === 'ephemeral') return ErrorCode.badVersion
  removeNode(prep, context, node)
  return { type: OpCode.deleteContainer, body: { path: record.path } }
}

function prepareSetData(
  prep: PrepRequestProcessor,
  record: SetDataRequest,
  context: PrepContext,
): Outcome {
  if (pathProblem(record.path) !== undefined) return ErrorCode.badArguments
  const node = prep.changes.get(record.path)
  if (node === undefined) return ErrorCode.noNode
  if (!prep.allows(node.acl, Perms.write, context)) return ErrorCode.noAuth
  if (versionRefused(record.version, node.version)) return ErrorCode.badVersion
  const version = increment(node.version)
  prep.changes.add(context.zxid, { ...node, version })
  return { type: OpCode.setData, body: { path: record.path, data: record.data, version } }
}

function prepareSetAcl(
  prep: PrepRequestProcessor,
  record: SetACLRequest,
  context: PrepContext,
): Outcome {
  if (pathProblem(record.path) !== undefined) return ErrorCode.badArguments
  const acl = fixupAcl(record.acl, context.ids)
  if (acl === undefined) return ErrorCode.invalidACL
  const node = prep.changes.get(record.path)
  if (node === undefined) return ErrorCode.noNode
  if (!prep.allows(node.acl, Perms.admin, context)) return ErrorCode.noAuth
  if (versionRefused(record.version, node.aversion)) return ErrorCode.badVersion
  const version = increment(node.aversion)
  prep.changes.add(context.zxid, { ...node, aversion: version, acl })
  return { type: OpCode.setACL, body: { path: record.path, acl, version } }
}

function prepareCheck(
  prep: PrepRequestProcessor,
  record: CheckVersionRequest,
  context: PrepContext,
): Outcome {
  if (pathProblem(record.path) !== undefined) return ErrorCode.badArguments
  const node = prep.changes.get(record.path)
  if (node === undefined) return ErrorCode.noNode
  if (!prep.allows(node.acl, Perms.read, context)) return ErrorCode.noAuth
  if (versionRefused(record.version, node.version)) return ErrorCode.badVersion
  return {
    type: OpCode.check,
    body: { path: record.path, version: increment(node.version) },
  }
}

/** One txn, one zxid, for all that the session leaves behind. */
function prepareCloseSession(
  prep: PrepRequestProcessor,
  _record: undefined,
  context: PrepContext,
): Outcome {
  const paths2Delete = prep.changes.ephemerals(context.sessionId)
  for (const path of paths2Delete) {
    const node = prep.changes.get(path)
    if (node !== undefined) removeNode(prep, context, node)
  }
  return { type: OpCode.closeSession, body: { paths2Delete } }
}

/** A standalone server has no configuration to change. */
function prepareReconfig(prep: PrepRequestProcessor): Outcome {
  return prep.reconfigEnabled ? ErrorCode.unimplemented : ErrorCode.reconfigDisabled
}

export const preparers: Readonly<Record<number, Preparer>> = {
  [OpCode.create]: prepareCreate,
  [OpCode.create2]: prepareCreate,
  [OpCode.createContainer]: prepareCreate,
  [OpCode.createTTL]: prepareCreate,
  [OpCode.delete]: prepareDelete,
  [OpCode.deleteContainer]: prepareDeleteContainer,
  [OpCode.setData]: prepareSetData,
  [OpCode.setACL]: prepareSetAcl,
  [OpCode.check]: prepareCheck,
  [OpCode.closeSession]: prepareCloseSession,
  [OpCode.reconfig]: prepareReconfig,
}
