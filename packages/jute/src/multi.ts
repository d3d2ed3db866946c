/**
 * multi and multiRead: repeated {MultiHeader, body}, ended by a header of type -1. The header's
 * type chooses the body's table (ZooKeeper 3.9 `MultiOperationRecord`, `MultiResponse`).
 */
import { OpCode } from './opcodes.ts'
import { JuteError } from './reader.ts'
import type { Reader } from './reader.ts'
import * as records from './records.ts'
import type { AnyType, Type } from './types.ts'
import type { Writer } from './writer.ts'

export type MultiRequestOp =
  | {
      readonly type: typeof OpCode.create | typeof OpCode.create2
      readonly body: records.CreateRequest
    }
  | { readonly type: typeof OpCode.createContainer; readonly body: records.CreateRequest }
  | { readonly type: typeof OpCode.createTTL; readonly body: records.CreateTTLRequest }
  | { readonly type: typeof OpCode.delete; readonly body: records.DeleteRequest }
  | { readonly type: typeof OpCode.setData; readonly body: records.SetDataRequest }
  | { readonly type: typeof OpCode.check; readonly body: records.CheckVersionRequest }
  | {
      readonly type: typeof OpCode.getData | typeof OpCode.getChildren
      readonly body: records.PathAndWatchRequest
    }

export type MultiResult =
  | { readonly type: typeof OpCode.create; readonly body: records.CreateResponse }
  | { readonly type: typeof OpCode.create2; readonly body: records.Create2Response }
  | { readonly type: typeof OpCode.delete | typeof OpCode.check; readonly body: undefined }
  | { readonly type: typeof OpCode.setData; readonly body: records.StatResponse }
  | { readonly type: typeof OpCode.getData; readonly body: records.GetDataResponse }
  | { readonly type: typeof OpCode.getChildren; readonly body: records.GetChildrenResponse }
  | { readonly type: typeof OpCode.error; readonly body: records.ErrorResponse }

const NOTHING: Type<undefined> = { name: 'nothing', read: () => undefined, write() {} }

const requestBodies: Readonly<Record<number, AnyType>> = {
  [OpCode.create]: records.CreateRequest,
  [OpCode.create2]: records.CreateRequest,
  [OpCode.createContainer]: records.CreateRequest,
  [OpCode.createTTL]: records.CreateTTLRequest,
  [OpCode.delete]: records.DeleteRequest,
  [OpCode.setData]: records.SetDataRequest,
  [OpCode.check]: records.CheckVersionRequest,
  [OpCode.getData]: records.PathAndWatchRequest,
  [OpCode.getChildren]: records.PathAndWatchRequest,
}

const resultBodies: Readonly<Record<number, AnyType>> = {
  [OpCode.create]: records.CreateResponse,
  [OpCode.create2]: records.Create2Response,
  [OpCode.delete]: NOTHING,
  [OpCode.check]: NOTHING,
  [OpCode.setData]: records.StatResponse,
  [OpCode.getData]: records.GetDataResponse,
  [OpCode.getChildren]: records.GetChildrenResponse,
  [OpCode.error]: records.ErrorResponse,
}

type Tagged = { readonly type: number; readonly body: unknown }

function list<T extends Tagged>(
  name: string,
  bodies: Readonly<Record<number, AnyType>>,
  requestHeaders: boolean,
): Type<readonly T[]> {
  const bodyOf = (type: number): Type<unknown> => {
    const body = bodies[type]
    if (body === undefined) throw new JuteError(`${name}: type ${type} is not allowed in it`)
    return body
  }
  return {
    name,
    read(reader: Reader) {
      const ops: T[] = []
      for (;;) {
        const header = records.MultiHeader.read(reader)
        if (header.done) return ops
        ops.push({ type: header.type, body: bodyOf(header.type).read(reader) } as T)
      }
    },
    write(writer: Writer, ops: readonly T[]) {
      for (const op of ops) {
        const err = requestHeaders ? -1 : errOf(op)
        records.MultiHeader.write(writer, { type: op.type, done: false, err })
        bodyOf(op.type).write(writer, op.body)
      }
      records.MultiHeader.write(writer, { type: -1, done: true, err: -1 })
    },
  }
}

function errOf(op: Tagged): number {
  return op.type === OpCode.error ? (op.body as records.ErrorResponse).err : 0
}

export const MultiRequest = list<MultiRequestOp>('MultiRequest', requestBodies, true)
export type MultiRequest = readonly MultiRequestOp[]

export const MultiResponse = list<MultiResult>('MultiResponse', resultBodies, false)
export type MultiResponse = readonly MultiResult[]
