import { ConnectRequest, ConnectResponse, Reader } from '@baton/jute'
import type { Connection } from '@baton/runtime'
import { ZOOKEEPER_PORT } from './cluster-conf.ts'

const LENGTH_BYTES = 4

/** Reads the first frame each way of a client's link: which session was asked for, and given. */
export class SessionAnswers {
  readonly #onAnswer: (asked: bigint, answered: bigint) => void
  readonly #asked = new WeakMap<Connection, bigint>()
  readonly #received = new WeakMap<Connection, Buffer>()

  constructor(onAnswer: (asked: bigint, answered: bigint) => void) {
    this.#onAnswer = onAnswer
  }

  /** A client sends its connect request in one piece, and first. */
  onSend(bytes: Uint8Array, link: Connection): void {
    if (link.remote.port !== ZOOKEEPER_PORT || this.#asked.has(link)) return
    const { sessionId } = ConnectRequest.read(new Reader(bytes.subarray(LENGTH_BYTES)))
    this.#asked.set(link, sessionId)
    this.#received.set(link, Buffer.alloc(0))
  }

  onReceive(bytes: Uint8Array, link: Connection): void {
    const before = this.#received.get(link)
    if (before === undefined) return
    const all = Buffer.concat([before, bytes])
    this.#received.set(link, all)
    if (all.length < LENGTH_BYTES || all.length < LENGTH_BYTES + all.readInt32BE(0)) return
    this.#received.delete(link)
    const { sessionId } = ConnectResponse.read(new Reader(all.subarray(LENGTH_BYTES)))
    this.#onAnswer(this.#asked.get(link) ?? 0n, sessionId)
  }
}
