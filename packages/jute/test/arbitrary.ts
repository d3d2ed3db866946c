/** Any value of any type of the tables, made from the tables themselves. */
import fc from 'fast-check'
import * as jute from '../src/index.ts'
import type { AnyType } from '../src/index.ts'

const text = fc.string({ unit: 'grapheme', maxLength: 12 })
const bytes = fc.uint8Array({ maxLength: 24 }).map(array => Buffer.from(array))

const primitives = new Map<AnyType, fc.Arbitrary<unknown>>([
  [jute.int, fc.integer()],
  [jute.long, fc.maxSafeInteger()],
  [jute.long64, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  [jute.boolean, fc.boolean()],
  [jute.buffer, fc.option(bytes, { nil: null })],
  [jute.ustring, text],
])

export function valuesOf(type: AnyType): fc.Arbitrary<unknown> {
  const primitive = primitives.get(type)
  if (primitive !== undefined) return primitive
  if ('element' in type) {
    const { element, nullable } = type as jute.VectorType<unknown, unknown>
    const list = fc.array(valuesOf(element), { maxLength: 4 })
    return nullable ? fc.option(list, { nil: null }) : list
  }
  if (!('fields' in type)) throw new Error(`no values are known for ${type.name}`)
  const { fields } = type as jute.RecordType<Record<string, AnyType>>
  return fc.record(
    Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, valuesOf(field)])),
  )
}

/** Every record that the package exports. */
export const allRecords: readonly AnyType[] = (Object.values(jute) as unknown[]).filter(
  (value): value is jute.RecordType<Record<string, AnyType>> =>
    typeof value === 'object' && value !== null && 'fields' in value && 'read' in value,
)

const requestBodies: readonly (readonly [number, AnyType])[] = [
  [jute.OpCode.create, jute.CreateRequest],
  [jute.OpCode.create2, jute.CreateRequest],
  [jute.OpCode.createContainer, jute.CreateRequest],
  [jute.OpCode.createTTL, jute.CreateTTLRequest],
  [jute.OpCode.delete, jute.DeleteRequest],
  [jute.OpCode.setData, jute.SetDataRequest],
  [jute.OpCode.check, jute.CheckVersionRequest],
  [jute.OpCode.getData, jute.PathAndWatchRequest],
  [jute.OpCode.getChildren, jute.PathAndWatchRequest],
]

const resultBodies: readonly (readonly [number, AnyType | undefined])[] = [
  [jute.OpCode.create, jute.CreateResponse],
  [jute.OpCode.create2, jute.Create2Response],
  [jute.OpCode.delete, undefined],
  [jute.OpCode.check, undefined],
  [jute.OpCode.setData, jute.StatResponse],
  [jute.OpCode.getData, jute.GetDataResponse],
  [jute.OpCode.getChildren, jute.GetChildrenResponse],
  [jute.OpCode.error, jute.ErrorResponse],
]

function parts<T>(bodies: readonly (readonly [number, AnyType | undefined])[]) {
  const one = bodies.map(([type, body]) =>
    fc.record({
      type: fc.constant(type),
      body: body === undefined ? fc.constant(undefined) : valuesOf(body),
    }),
  )
  return fc.array(fc.oneof(...one), { maxLength: 5 }) as fc.Arbitrary<unknown> as fc.Arbitrary<T>
}

export const multiRequests = parts<jute.MultiRequest>(requestBodies)
export const multiResponses = parts<jute.MultiResponse>(resultBodies)
