import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf'
import { decodeMessage, encodeMessage } from './message-codec.ts'

/** One RPC method: its names on the wire and how its two messages become bytes and back. */
export interface Method<Request, Response> {
  readonly protocol: string
  readonly name: string
  encodeRequest(request: Request): Uint8Array
  /** Throws `ProtocolError`. */
  decodeRequest(bytes: Uint8Array): Request
  encodeResponse(response: Response): Uint8Array
  /** Throws `ProtocolError`. */
  decodeResponse(bytes: Uint8Array): Response
}

/** How a value of ours and a protobuf message become each other. */
export interface Shape<Value, Desc extends DescMessage> {
  readonly schema: Desc
  toMessage(value: Value): MessageInitShape<Desc>
  fromMessage(message: MessageShape<Desc>): Value
}

/** A message without fields, and `{}` on our side. */
export type Empty = Readonly<Record<never, never>>

export function emptyShape<Desc extends DescMessage>(schema: Desc): Shape<Empty, Desc> {
  const init = {} as MessageInitShape<Desc>
  return { schema, toMessage: () => init, fromMessage: () => ({}) }
}

export function defineMethod<Request, In extends DescMessage, Response, Out extends DescMessage>(
  protocol: string,
  name: string,
  request: Shape<Request, In>,
  response: Shape<Response, Out>,
): Method<Request, Response> {
  return {
    protocol,
    name,
    encodeRequest: value => encodeMessage(request.schema, request.toMessage(value)),
    decodeRequest: bytes => request.fromMessage(decodeMessage(request.schema, bytes)),
    encodeResponse: value => encodeMessage(response.schema, response.toMessage(value)),
    decodeResponse: bytes => response.fromMessage(decodeMessage(response.schema, bytes)),
  }
}
