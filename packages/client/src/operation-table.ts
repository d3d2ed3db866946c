/**
 * Operations as rows: the opcode, how the request is written, how the reply is read, and which
 * watch table the reply fills. Chroot mapping happens here and nowhere else.
 */
import * as jute from '@baton/jute'
import { AddWatchMode, CreateMode, ErrorCode, OpCode, WatcherType } from '@baton/jute'
import type { MultiRequestOp, MultiResult, Reader, Writer } from '@baton/jute'
import type { Kind, MultiReadResult, Operation, OperationOf, Results } from './operation.ts'
import { pathProblem } from './paths.ts'
import type { Chroot } from './paths.ts'
import type { Watch, WatchKind } from './watch-manager.ts'
import { MultiError, ZooKeeperError } from './zookeeper-error.ts'

export interface Registration {
  readonly table: WatchKind
  readonly path: string
  readonly watch: Watch
}

interface Row<K extends Kind> {
  readonly opCode: OpCode | ((op: OperationOf<K>) => OpCode)
  /** Why it cannot be sent, as a sentence's end; undefined where it can. */
  problem?(op: OperationOf<K>): string | undefined
  write(writer: Writer, op: OperationOf<K>, chroot: Chroot): void
  /** May throw `JuteError` (garbage) or `ZooKeeperError` (an error inside the body). */
  read(reader: Reader, op: OperationOf<K>, chroot: Chroot): Results[K]
  /** The table its watch goes to, given the reply's error code; undefined: none was left. */
  watchTable?(op: OperationOf<K>, code: number): WatchKind | undefined
}

const TTL_MS_MAX = 2 ** 40 - 1
const sequentialModes: ReadonlySet<CreateMode> = new Set([
  CreateMode.persistentSequential,
  CreateMode.ephemeralSequential,
  CreateMode.persistentSequentialWithTtl,
])
const ttlModes: ReadonlySet<CreateMode> = new Set([
  CreateMode.persistentWithTtl,
  CreateMode.persistentSequentialWithTtl,
])

type AnyCreate = OperationOf<'create' | 'create2'>

function modeOf(op: AnyCreate): CreateMode {
  return op.mode ?? CreateMode.persistent
}

function createOpCode(op: AnyCreate): OpCode {
  if (ttlModes.has(modeOf(op))) return OpCode.createTTL
  if (modeOf(op) === CreateMode.container) return OpCode.createContainer
  return op.kind === 'create' ? OpCode.create : OpCode.create2
}

function createProblem(op: AnyCreate): string | undefined {
  // A sequence number follows the name, so only there a trailing slash is a whole path.
  const problem = pathProblem(sequentialModes.has(modeOf(op)) ? `${op.path}1` : op.path)
  if (problem !== undefined) return `the path ${problem}`
  const needsTtl = ttlModes.has(modeOf(op))
  if (needsTtl !== (op.ttlMs !== undefined))
    return 'ttlMs belongs to the TTL modes, and they need it'
  const ttl = op.ttlMs ?? 1
  if (ttl < 1 || ttl > TTL_MS_MAX) return `ttlMs ${ttl} is outside 1 to ${TTL_MS_MAX}`
  return undefined
}

function writeCreate(writer: Writer, op: AnyCreate, chroot: Chroot): void {
  const request = {
    path: chroot.toServer(op.path),
    data: op.data,
    acl: op.acl ?? jute.OPEN_ACL_UNSAFE,
    flags: modeOf(op),
  }
  if (op.ttlMs === undefined) jute.CreateRequest.write(writer, request)
  else jute.CreateTTLRequest.write(writer, { ...request, ttl: op.ttlMs })
}

function onePath(op: { readonly path: string }): string | undefined {
  const problem = pathProblem(op.path)
  return problem === undefined ? undefined : `the path ${problem}`
}

type Read = OperationOf<'exists' | 'getData' | 'getChildren'>

function writeRead(writer: Writer, op: Read, chroot: Chroot): void {
  const request = { path: chroot.toServer(op.path), watch: op.watch !== undefined }
  jute.PathAndWatchRequest.write(writer, request)
}

function writePath(writer: Writer, op: { readonly path: string }, chroot: Chroot): void {
  jute.PathRequest.write(writer, { path: chroot.toServer(op.path) })
}

const nothing = (): undefined => undefined

const rows: { readonly [K in Kind]: Row<K> } = {
  create: {
    opCode: createOpCode,
    problem: createProblem,
    write: writeCreate,
    // A container's and a TTL node's reply has a Stat behind the path, which `create` leaves.
    read: (reader, _op, chroot) => chroot.toClient(jute.CreateResponse.read(reader).path),
  },
  create2: {
    opCode: createOpCode,
    problem: createProblem,
    write: writeCreate,
    read(reader, _op, chroot) {
      const { path, stat } = jute.Create2Response.read(reader)
      return { path: chroot.toClient(path), stat }
    },
  },
  delete: {
    opCode: OpCode.delete,
    problem: onePath,
    write(writer, op, chroot) {
      const request = { path: chroot.toServer(op.path), version: op.version ?? -1 }
      jute.DeleteRequest.write(writer, request)
    },
    read: nothing,
  },
  exists: {
    opCode: OpCode.exists,
    problem: onePath,
    write: writeRead,
    read: reader => jute.Stat.read(reader),
    watchTable(_op, code) {
      if (code === ErrorCode.ok) return 'data'
      return code === ErrorCode.noNode ? 'exist' : undefined
    },
  },
  getData: {
    opCode: OpCode.getData,
    problem: onePath,
    write: writeRead,
    read(reader) {
      const { data, stat } = jute.GetDataResponse.read(reader)
      // A copy: a view would keep the whole receive buffer alive for as long as the data.
      return { data: data === null ? null : Buffer.from(data), stat }
    },
    watchTable: (_op, code) => (code === ErrorCode.ok ? 'data' : undefined),
  },
  getChildren: {
    opCode: OpCode.getChildren2,
    problem: onePath,
    write: writeRead,
    read: reader => jute.GetChildren2Response.read(reader),
    watchTable: (_op, code) => (code === ErrorCode.ok ? 'child' : undefined),
  },
  setData: {
    opCode: OpCode.setData,
    problem: onePath,
    write(writer, op, chroot) {
      const path = chroot.toServer(op.path)
      jute.SetDataRequest.write(writer, { path, data: op.data, version: op.version ?? -1 })
    },
    read: reader => jute.Stat.read(reader),
  },
  getACL: {
    opCode: OpCode.getACL,
    problem: onePath,
    write: writePath,
    read(reader) {
      const { acl, stat } = jute.GetACLResponse.read(reader)
      return { acl: acl ?? [], stat }
    },
  },
  setACL: {
    opCode: OpCode.setACL,
    problem: onePath,
    write(writer, op, chroot) {
      const path = chroot.toServer(op.path)
      jute.SetACLRequest.write(writer, { path, acl: op.acl, version: op.version ?? -1 })
    },
    read: reader => jute.Stat.read(reader),
  },
  sync: {
    opCode: OpCode.sync,
    problem: onePath,
    write: writePath,
    read: (reader, _op, chroot) => chroot.toClient(jute.SyncResponse.read(reader).path),
  },
  multi: {
    opCode: OpCode.multi,
    problem: op => partsProblem(op.ops),
    write: (writer, op, chroot) => jute.MultiRequest.write(writer, op.ops.map(inChroot(chroot))),
    read(reader, op, chroot) {
      const results = jute.MultiResponse.read(reader)
      const codes = results.map(codeOf)
      if (codes.some(code => code !== ErrorCode.ok)) {
        throw new MultiError(
          codes,
          op.ops.map(part => part.body.path),
          undefined,
        )
      }
      return results.map(outOfChroot(chroot)) as Results['multi']
    },
  },
  multiRead: {
    opCode: OpCode.multiRead,
    problem: op => partsProblem(op.ops),
    write: (writer, op, chroot) => jute.MultiRequest.write(writer, op.ops.map(inChroot(chroot))),
    read(reader, op) {
      return jute.MultiResponse.read(reader).map((result, index): MultiReadResult => {
        if (result.type === OpCode.getData || result.type === OpCode.getChildren) return result
        const operation = `multiRead, part ${index + 1}`
        return new ZooKeeperError(codeOf(result), { operation, path: op.ops[index]?.body.path })
      })
    },
  },
  addWatch: {
    opCode: OpCode.addWatch,
    problem: onePath,
    write(writer, op, chroot) {
      const path = chroot.toServer(op.path)
      jute.AddWatchRequest.write(writer, { path, mode: AddWatchMode[op.mode] })
    },
    read: nothing,
    watchTable(op, code) {
      if (code !== ErrorCode.ok) return undefined
      return op.mode === 'persistent' ? 'persistent' : 'recursive'
    },
  },
  removeWatches: {
    opCode: OpCode.removeWatches,
    problem: onePath,
    write(writer, op, chroot) {
      const path = chroot.toServer(op.path)
      jute.WatcherTypeRequest.write(writer, { path, type: WatcherType[op.type] })
    },
    read: nothing,
  },
  getEphemerals: {
    opCode: OpCode.getEphemerals,
    problem: op => onePath({ path: op.prefix }),
    write: (writer, op, chroot) => writePath(writer, { path: op.prefix }, chroot),
    read(reader, _op, chroot) {
      const found = jute.GetEphemeralsResponse.read(reader).ephemerals
      // The server compares text, so `/app` also finds `/application`.
      return found.filter(path => chroot.covers(path)).map(path => chroot.toClient(path))
    },
  },
  getAllChildrenNumber: {
    opCode: OpCode.getAllChildrenNumber,
    problem: onePath,
    write: writePath,
    read: reader => jute.GetAllChildrenNumberResponse.read(reader).totalNumber,
  },
  whoAmI: {
    opCode: OpCode.whoAmI,
    write: nothing,
    read: reader => jute.WhoAmIResponse.read(reader).clientInfo,
  },
}

/** A failed part's code; 0 for one that did what it says. */
function codeOf(result: MultiResult): number {
  return result.type === OpCode.error ? result.body.err : ErrorCode.ok
}

function partsProblem(parts: readonly MultiRequestOp[]): string | undefined {
  for (const [index, { type, body }] of parts.entries()) {
    const sequential = 'flags' in body && sequentialModes.has(body.flags as CreateMode)
    const problem = pathProblem(sequential ? `${body.path}1` : body.path)
    if (problem !== undefined) return `part ${index + 1} (type ${type}): the path ${problem}`
  }
  return undefined
}

function inChroot(chroot: Chroot) {
  return (part: MultiRequestOp): MultiRequestOp => {
    if (chroot.prefix === '') return part
    const body = { ...part.body, path: chroot.toServer(part.body.path) }
    return { ...part, body } as MultiRequestOp
  }
}

function outOfChroot(chroot: Chroot) {
  return (result: MultiResult): MultiResult => {
    if (result.type !== OpCode.create && result.type !== OpCode.create2) return result
    const body = { ...result.body, path: chroot.toClient(result.body.path) }
    return { ...result, body } as MultiResult
  }
}

/** The row of any operation, its own type forgotten: `op` must be of the row's kind. */
function rowOf(op: Operation): Row<never> {
  return rows[op.kind] as unknown as Row<never>
}

/** Why it must not be sent at all, as the end of a sentence. */
export function problemOf(op: Operation): string | undefined {
  return rowOf(op).problem?.(op as never)
}

export function opCodeOf(op: Operation): OpCode {
  const { opCode } = rowOf(op)
  return typeof opCode === 'function' ? opCode(op as never) : opCode
}

export function writeOperation(writer: Writer, op: Operation, chroot: Chroot): void {
  rowOf(op).write(writer, op as never, chroot)
}

export function readResult(reader: Reader, op: Operation, chroot: Chroot): unknown {
  return rowOf(op).read(reader, op as never, chroot)
}

export function pathOf(op: Operation): string | undefined {
  return 'path' in op ? op.path : undefined
}

/** The watch that a reply with this error code has left at the server, if any. */
export function registrationOf(
  op: Operation,
  code: number,
  chroot: Chroot,
): Registration | undefined {
  if (!('watch' in op) || op.watch === undefined) return undefined
  const table = rowOf(op).watchTable?.(op as never, code)
  if (table === undefined) return undefined
  return { table, path: chroot.toServer(op.path), watch: op.watch }
}
