import { JuteError, Reader } from './reader.ts'
import { Writer } from './writer.ts'

/** One row's type: a reader and a writer that are each other's inverse. */
export interface Type<T> {
  readonly name: string
  read(reader: Reader): T
  write(writer: Writer, value: T): void
}

export type TypeOf<R> = R extends Type<infer T> ? T : never

export const int: Type<number> = {
  name: 'int',
  read: reader => reader.int(),
  write: (writer, value) => writer.int(value),
}

/** 64 bits that fit a double: zxids, times, counts. */
export const long: Type<number> = {
  name: 'long',
  read: reader => reader.long(),
  write: (writer, value) => writer.long(value),
}

/** 64 bits that need all of them: session ids, digests, TTL owners. */
export const long64: Type<bigint> = {
  name: 'long64',
  read: reader => reader.long64(),
  write: (writer, value) => writer.long64(value),
}

export const boolean: Type<boolean> = {
  name: 'boolean',
  read: reader => reader.boolean(),
  write: (writer, value) => writer.boolean(value),
}

/** May be null, which is not the same as empty. Reading gives a view of the frame. */
export const buffer: Type<Uint8Array | null> = {
  name: 'buffer',
  read: reader => reader.bytes(),
  write: (writer, value) => writer.bytes(value),
}

/** A string that must be there: null on the wire is an error. */
export const ustring: Type<string> = {
  name: 'ustring',
  read(reader) {
    const value = reader.string()
    if (value === null) throw new JuteError('ustring: null')
    return value
  },
  write: (writer, value) => writer.string(value),
}

/** The element's type is kept, so that tests and tools can walk the tables. */
export interface VectorType<T, V> extends Type<V> {
  readonly element: Type<T>
  readonly nullable: boolean
}

/** A vector that must be there. */
export function vector<T>(element: Type<T>): VectorType<T, readonly T[]> {
  const inner = nullableVector(element)
  return {
    name: inner.name,
    element,
    nullable: false,
    read(reader) {
      const value = inner.read(reader)
      if (value === null) throw new JuteError(`${inner.name}: null`)
      return value
    },
    write: inner.write,
  }
}

export function nullableVector<T>(element: Type<T>): VectorType<T, readonly T[] | null> {
  const name = `vector<${element.name}>`
  return {
    name,
    element,
    nullable: true,
    read(reader) {
      const count = reader.int()
      if (count === -1) return null
      // Every element takes at least one byte, so a count beyond what is left is a lie.
      if (count < 0 || count > reader.remaining) throw new JuteError(`${name}: count ${count}`)
      const values: T[] = []
      for (let i = 0; i < count; i++) values.push(element.read(reader))
      return values
    },
    write(writer, values) {
      if (values === null) return writer.int(-1)
      writer.int(values.length)
      for (const value of values) element.write(writer, value)
    },
  }
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a table mixes any types of rows
export type AnyType = Type<any>
type Fields = Readonly<Record<string, AnyType>>
export type RecordOf<F extends Fields> = { readonly [K in keyof F]: TypeOf<F[K]> }

export interface RecordType<F extends Fields> extends Type<RecordOf<F>> {
  readonly fields: F
}

/** A record is its fields in the order written; the wire has no tags. */
export function record<F extends Fields>(name: string, fields: F): RecordType<F> {
  const rows = Object.entries(fields) as [string, Type<unknown>][]
  return {
    name,
    fields,
    read(reader) {
      const value: Record<string, unknown> = {}
      for (const [key, type] of rows) value[key] = type.read(reader)
      return value as RecordOf<F>
    },
    write(writer, value) {
      const source = value as Record<string, unknown>
      for (const [key, type] of rows) type.write(writer, source[key])
    },
  }
}

/** The bytes of one value. */
export function encode<T>(type: Type<T>, value: T): Buffer {
  const writer = new Writer()
  type.write(writer, value)
  return writer.finish()
}

/** Reads one value; what follows it is left alone. Throws `JuteError`. */
export function decode<T>(type: Type<T>, bytes: Uint8Array): T {
  return type.read(new Reader(bytes))
}
