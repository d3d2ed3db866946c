/**
 * Protobuf (proto2) through the generated schemas, with two habits of the Java side added: a
 * message without a required field is refused in Java's words, and unknown fields are dropped, so
 * that what we write holds only what our own `.proto` files name.
 */
import { create, fromBinary, isFieldSet, toBinary } from '@bufbuild/protobuf'
import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf'
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt'

/** Bytes of a peer or of a znode that are not the message they should be. */
export class ProtocolError extends Error {
  override readonly name: string = 'ProtocolError'
}

const READ_OPTIONS = { readUnknownFields: false }
const WRITE_OPTIONS = { writeUnknownFields: false }

export function encodeMessage<Desc extends DescMessage>(
  schema: Desc,
  init: MessageInitShape<Desc>,
): Uint8Array {
  return toBinary(schema, create(schema, init), WRITE_OPTIONS)
}

/** Throws `ProtocolError` on broken bytes and on a missing required field. */
export function decodeMessage<Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array,
): MessageShape<Desc> {
  let message: MessageShape<Desc>
  try {
    message = fromBinary(schema, bytes, READ_OPTIONS)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ProtocolError(`not a valid ${schema.name} message: ${reason}`, { cause })
  }
  const missing = missingFields(schema, message)
  if (missing.length > 0) {
    throw new ProtocolError(`Message missing required fields: ${missing.join(', ')}`)
  }
  return message
}

/** Paths of unset required fields, nested ones with a dot, in Java's names. */
function missingFields<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
): readonly string[] {
  const missing: string[] = []
  for (const field of schema.fields) {
    if (!isFieldSet(message, field)) {
      if (field.presence === FeatureSet_FieldPresence.LEGACY_REQUIRED) missing.push(field.localName)
    } else if (field.fieldKind === 'message') {
      const inner = (message as unknown as Record<string, MessageShape<DescMessage>>)[
        field.localName
      ]
      if (inner === undefined) continue
      for (const name of missingFields(field.message, inner)) {
        missing.push(`${field.localName}.${name}`)
      }
    }
  }
  return missing
}
