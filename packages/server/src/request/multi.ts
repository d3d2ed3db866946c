/** Answers to multi and multiRead (ZooKeeper 3.9 `MultiResponse`): {header, body}*, end header. */
import { OpCode, type Writer } from '@baton/jute'
import type { TxnResult } from '../state/data-tree.ts'

/** {type, done, err} */
export function writeMultiHeader(writer: Writer, type: number, err: number): void {
  writer.int(type)
  writer.boolean(false)
  writer.int(err)
}

export function writeMultiEnd(writer: Writer): void {
  writer.int(-1)
  writer.boolean(true)
  writer.int(-1)
}

/** A part that failed: its code stands in the header and again as the body. */
export function writeMultiError(writer: Writer, err: number): void {
  writeMultiHeader(writer, OpCode.error, err)
  writer.int(err)
}

/** How each kind of part is answered: the type shown, and which of path and stat follow. */
const shapes: Readonly<Record<number, { type: number; path: boolean; stat: boolean }>> = {
  [OpCode.create]: { type: OpCode.create, path: true, stat: false },
  [OpCode.create2]: { type: OpCode.create2, path: true, stat: true },
  [OpCode.createContainer]: { type: OpCode.create2, path: true, stat: true },
  [OpCode.createTTL]: { type: OpCode.create2, path: true, stat: true },
  [OpCode.delete]: { type: OpCode.delete, path: false, stat: false },
  [OpCode.setData]: { type: OpCode.setData, path: false, stat: true },
  [OpCode.check]: { type: OpCode.check, path: false, stat: false },
}

export function writeMultiResult(writer: Writer, parts: readonly TxnResult[]): void {
  for (const part of parts) {
    const shape = shapes[part.type]
    if (shape === undefined) {
      writeMultiError(writer, part.error)
      continue
    }
    writeMultiHeader(writer, shape.type, 0)
    if (shape.path) writer.string(part.path ?? null)
    if (shape.stat && part.stat !== undefined) writer.raw(part.stat)
  }
  writeMultiEnd(writer)
}
