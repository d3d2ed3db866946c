/**
 * The operations of a session that have no answer yet: waiting (never sent) and sent, both in
 * order, bounded together by count and by bytes. A sent one is answered by its reply or failed when
 * its connection drops; it is never sent twice, because its outcome is unknown.
 */
import { RequestHeader, Writer } from '@baton/jute'
import { assert } from '@baton/runtime'
import { Fifo } from './fifo.ts'
import type { Operation, Reply } from './operation.ts'

/** A word instead of an operation: what the session itself sends. */
export interface Packet {
  readonly xid: number
  readonly operation: Operation | 'setWatches' | 'closeSession'
  readonly reply: Reply<unknown> | undefined
  readonly bytes: Buffer
  /** Monotonic ms of its sending; 0 while it waits. */
  sentAt: number
}

const XID_MAX = 0x7fffffff

export class RequestQueue {
  readonly countMax: number
  readonly bytesMax: number
  readonly #waiting = new Fifo<Packet>()
  readonly #sent = new Fifo<Packet>()
  #bytes = 0
  #xid: number

  constructor(countMax: number, bytesMax: number, lastXid = 0) {
    this.#xid = lastXid
    this.countMax = countMax
    this.bytesMax = bytesMax
  }

  get count(): number {
    return this.#waiting.length + this.#sent.length
  }

  /** Ids go up by one and start again at 1, so that they never meet the special negative ones. */
  nextXid(): number {
    this.#xid = this.#xid === XID_MAX ? 1 : this.#xid + 1
    return this.#xid
  }

  /** Why one more request of this size is refused; undefined where it fits. */
  refusal(bytes: number): string | undefined {
    if (this.count >= this.countMax) {
      return `the queue is full: ${this.count} operations have no answer yet`
    }
    if (this.#bytes + bytes > this.bytesMax) {
      return `the queue is full: ${this.#bytes} bytes of operations have no answer yet`
    }
    return undefined
  }

  wait(packet: Packet): void {
    this.#bytes += packet.bytes.length
    this.#waiting.push(packet)
  }

  sent(packet: Packet, now: number): void {
    packet.sentAt = now
    this.#bytes += packet.bytes.length
    this.#sent.push(packet)
  }

  /** Moves every waiting packet to the sent ones and returns them in order. */
  sendWaiting(now: number): readonly Packet[] {
    const packets = this.takeWaiting()
    for (const packet of packets) this.sent(packet, now)
    return packets
  }

  get oldestSent(): Packet | undefined {
    return this.#sent.peek()
  }

  answered(): void {
    const packet = this.#sent.shift()
    assert(packet !== undefined, 'only a sent packet is answered')
    this.#bytes -= packet.bytes.length
  }

  takeSent(): readonly Packet[] {
    return this.#release(this.#sent.takeAll())
  }

  takeWaiting(): readonly Packet[] {
    return this.#release(this.#waiting.takeAll())
  }

  #release(packets: readonly Packet[]): readonly Packet[] {
    for (const packet of packets) this.#bytes -= packet.bytes.length
    return packets
  }
}

/** A whole frame: length, request header, body. */
export function requestFrame(xid: number, type: number, body?: (writer: Writer) => void): Buffer {
  const writer = new Writer()
  writer.int(0)
  RequestHeader.write(writer, { xid, type })
  body?.(writer)
  const bytes = writer.finish()
  bytes.writeInt32BE(bytes.length - 4, 0)
  return bytes
}
