/** Frames are made of messages, each behind its length as a varint ("delimited" in protobuf). */
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire'
import { ProtocolError } from '../protocol/message-codec.ts'

/** One frame: 4-byte length, then every message behind its varint length. */
export function encodeFrame(...messages: readonly Uint8Array[]): Uint8Array {
  const writer = new BinaryWriter()
  for (const message of messages) writer.bytes(message)
  const body = writer.finish()
  const frame = new Uint8Array(4 + body.length)
  new DataView(frame.buffer).setInt32(0, body.length)
  frame.set(body, 4)
  return frame
}

/** Reads the messages of one frame in order. */
export class DelimitedReader {
  readonly #reader: BinaryReader

  constructor(frame: Uint8Array) {
    this.#reader = new BinaryReader(frame)
  }

  get atEnd(): boolean {
    return this.#reader.pos >= this.#reader.len
  }

  /** Throws `ProtocolError` where no whole message follows. */
  next(what: string): Uint8Array {
    try {
      return this.#reader.bytes()
    } catch (cause) {
      throw new ProtocolError(`the frame ends before or within the ${what}`, { cause })
    }
  }
}
