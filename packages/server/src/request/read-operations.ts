/**
 * The reads as a table. Each row reads its fields from the frame in wire order, checks, and writes
 * the reply's body; it returns an error code, and what it wrote then is dropped. Paths of reads are
 * not validated: a malformed one names no znode.
 */
import { ErrorCode, JuteError, MultiRequest, OpCode, Perms, SetWatches } from '@baton/jute'
import { SetWatches2 } from '@baton/jute'
import type { Reader, Writer } from '@baton/jute'
import { maskAcl, whoAmI } from '../state/acl.ts'
import type { DataTree } from '../state/data-tree.ts'
import type { Znode } from '../state/znode.ts'
import { writeMultiEnd, writeMultiError, writeMultiHeader } from './multi.ts'
import { MALFORMED, type ClientCnxn } from './request.ts'

export interface ReadContext {
  readonly tree: DataTree
  readonly skipAcl: boolean
}

type Run = (context: ReadContext, cnxn: ClientCnxn, reader: Reader, writer: Writer) => number

/** Queues watch events, which must come before its reply; the reply has no body. */
type RunFirst = (context: ReadContext, cnxn: ClientCnxn, reader: Reader) => number

type ReadOperation =
  | { readonly eventsFirst: false; readonly run: Run }
  | { readonly eventsFirst: true; readonly run: RunFirst }

function pathOf(reader: Reader): string {
  const path = reader.string()
  if (path === null) throw new JuteError('path: null')
  return path
}

function allows(context: ReadContext, node: Znode, perm: number, cnxn: ClientCnxn): boolean {
  return context.skipAcl || context.tree.allows(node, perm, cnxn.ids)
}

/** The znode if the connection may READ it, else the error code. */
function readable(context: ReadContext, path: string, cnxn: ClientCnxn): Znode | number {
  const node = context.tree.get(path)
  if (node === undefined) return ErrorCode.noNode
  return allows(context, node, Perms.read, cnxn) ? node : ErrorCode.noAuth
}

const ping: Run = () => ErrorCode.ok

/** On a missing znode the watch is left all the same: it waits for the creation. */
const exists: Run = (context, cnxn, reader, writer) => {
  const path = pathOf(reader)
  const watch = reader.boolean()
  if (path.includes('\0')) return ErrorCode.badArguments
  const node = context.tree.get(path)
  if (node !== undefined && !allows(context, node, Perms.read, cnxn)) return ErrorCode.noAuth
  if (watch) context.tree.dataWatches.add(path, cnxn)
  if (node === undefined) return ErrorCode.noNode
  node.writeStat(writer)
  return ErrorCode.ok
}

const getData: Run = (context, cnxn, reader, writer) => {
  const path = pathOf(reader)
  const watch = reader.boolean()
  const node = readable(context, path, cnxn)
  if (typeof node === 'number') return node
  if (watch) context.tree.dataWatches.add(path, cnxn)
  node.writeData(writer)
  node.writeStat(writer)
  return ErrorCode.ok
}

function getChildren(withStat: boolean): Run {
  return (context, cnxn, reader, writer) => {
    const path = pathOf(reader)
    const watch = reader.boolean()
    const node = readable(context, path, cnxn)
    if (typeof node === 'number') return node
    if (watch) context.tree.childWatches.add(path, cnxn)
    node.writeChildren(writer)
    if (withStat) node.writeStat(writer)
    return ErrorCode.ok
  }
}

/** Needs READ or ADMIN; without ADMIN the hashes of digest ids are masked (CVE-2019-0201). */
const getAcl: Run = (context, cnxn, reader, writer) => {
  const node = context.tree.get(pathOf(reader))
  if (node === undefined) return ErrorCode.noNode
  const admin = allows(context, node, Perms.admin, cnxn)
  if (!admin && !allows(context, node, Perms.read, cnxn)) return ErrorCode.noAuth
  const acl = admin ? node.acl.list : maskAcl(node.acl.list)
  writer.int(acl.length)
  for (const { perms, id } of acl) {
    writer.int(perms)
    writer.string(id.scheme)
    writer.string(id.id)
  }
  node.writeStat(writer)
  return ErrorCode.ok
}

const getAllChildrenNumber: Run = (context, cnxn, reader, writer) => {
  const path = pathOf(reader)
  const node = readable(context, path, cnxn)
  if (typeof node === 'number') return node
  writer.int(context.tree.allChildrenNumber(path))
  return ErrorCode.ok
}

/** The session's own; a plain prefix of text, where "" and "/" ask for all. */
const getEphemerals: Run = (context, cnxn, reader, writer) => {
  const prefix = reader.string() ?? ''
  const all = context.tree.ephemerals(cnxn.sessionId)
  const paths = prefix === '/' ? all : all.filter(path => path.startsWith(prefix))
  writeStrings(writer, paths)
  return ErrorCode.ok
}

function writeStrings(writer: Writer, values: readonly string[]): void {
  writer.int(values.length)
  for (const value of values) writer.string(value)
}

/** The reply's body is an `ErrorResponse` with code 0, which clients insist on. */
const addWatch: Run = (context, cnxn, reader, writer) => {
  const path = pathOf(reader)
  if (!context.tree.addWatch(path, reader.int(), cnxn)) return ErrorCode.marshallingError
  writer.int(ErrorCode.ok)
  return ErrorCode.ok
}

const checkWatches: Run = (context, cnxn, reader) => {
  const path = pathOf(reader)
  return context.tree.checkWatches(path, reader.int(), cnxn)
}

const removeWatches: Run = (context, cnxn, reader) => {
  const path = pathOf(reader)
  return context.tree.removeWatches(path, reader.int(), cnxn)
}

function setWatches(type: typeof SetWatches | typeof SetWatches2): RunFirst {
  return (context, cnxn, reader) => {
    context.tree.setWatches(type.read(reader), cnxn)
    return ErrorCode.ok
  }
}

const whoAmIReply: Run = (_context, cnxn, _reader, writer) => {
  const infos = whoAmI(cnxn.ids)
  writer.int(infos.length)
  for (const info of infos) {
    writer.string(info.authScheme)
    writer.string(info.user)
  }
  return ErrorCode.ok
}

/** Not atomic; each part has its own error, and its watch flag is ignored. */
const multiRead: Run = (context, cnxn, reader, writer) => {
  for (const part of MultiRequest.read(reader)) {
    if (part.type !== OpCode.getData && part.type !== OpCode.getChildren) {
      return ErrorCode.marshallingError
    }
    const node = readable(context, part.body.path, cnxn)
    if (typeof node === 'number') {
      writeMultiError(writer, node)
      continue
    }
    writeMultiHeader(writer, part.type, ErrorCode.ok)
    if (part.type === OpCode.getChildren) {
      node.writeChildren(writer)
      continue
    }
    node.writeData(writer)
    node.writeStat(writer)
  }
  writeMultiEnd(writer)
  return ErrorCode.ok
}

function row(run: Run): ReadOperation {
  return { eventsFirst: false, run }
}

function eventsFirst(run: RunFirst): ReadOperation {
  return { eventsFirst: true, run }
}

export const readOperations: Readonly<Record<number, ReadOperation>> = {
  [MALFORMED]: row(() => ErrorCode.marshallingError),
  [OpCode.ping]: row(ping),
  [OpCode.exists]: row(exists),
  [OpCode.getData]: row(getData),
  [OpCode.getACL]: row(getAcl),
  [OpCode.getChildren]: row(getChildren(false)),
  [OpCode.getChildren2]: row(getChildren(true)),
  [OpCode.getAllChildrenNumber]: row(getAllChildrenNumber),
  [OpCode.getEphemerals]: row(getEphemerals),
  [OpCode.addWatch]: row(addWatch),
  [OpCode.checkWatches]: row(checkWatches),
  [OpCode.removeWatches]: row(removeWatches),
  [OpCode.setWatches]: eventsFirst(setWatches(SetWatches)),
  [OpCode.setWatches2]: eventsFirst(setWatches(SetWatches2)),
  [OpCode.whoAmI]: row(whoAmIReply),
  [OpCode.multiRead]: row(multiRead),
}
