/** A client that speaks frames and decides nothing: tests say every byte it sends. */
import * as jute from '@baton/jute'
import { encode, frame, FrameDecoder, Reader } from '@baton/jute'
import type { Address, Connection, Runtime } from '@baton/runtime'

export interface Reply {
  readonly xid: number
  readonly zxid: number
  readonly err: number
  readonly body: Buffer
}

export interface Asked {
  readonly sessionId?: bigint
  readonly password?: Uint8Array
  readonly timeoutMs?: number
  readonly lastZxidSeen?: number
  readonly readOnlyByte?: boolean
}

const TIMEOUT_MS = 60_000

export class RawClient {
  readonly connection: Connection
  closed = false
  sessionId = 0n
  password: Uint8Array = new Uint8Array(16)
  timeoutMs = 0
  /** Bytes that were no frames: the answer to a four-letter word. */
  text = ''
  #frames: Buffer[] = []
  #waiting: ((frame: Buffer | undefined) => void) | undefined
  #whenClosed: (() => void)[] = []
  #xid = 0

  private constructor(connection: Connection, framed: boolean) {
    this.connection = connection
    const decoder = new FrameDecoder(64 * 1024 * 1024)
    connection.onClose = () => this.#onClose()
    connection.onData = bytes => {
      if (framed) decoder.push(bytes, payload => this.#onFrame(Buffer.from(payload)))
      else this.text += Buffer.from(bytes).toString()
    }
  }

  static async open(
    runtime: Pick<Runtime, 'network'>,
    address: Address,
    framed = true,
  ): Promise<RawClient> {
    const connection = await runtime.network.connect(address, { timeoutMs: TIMEOUT_MS })
    return new RawClient(connection, framed)
  }

  /** Opens and asks for a session; undefined is the answer of a server that just closed. */
  static async session(
    runtime: Pick<Runtime, 'network'>,
    address: Address,
    asked: Asked = {},
  ): Promise<RawClient> {
    const client = await RawClient.open(runtime, address)
    await client.connect(asked)
    return client
  }

  /** The length of the response, 0 where there was none. */
  async connect(asked: Asked = {}): Promise<number> {
    const request = encode(jute.ConnectRequest, {
      protocolVersion: 0,
      lastZxidSeen: asked.lastZxidSeen ?? 0,
      timeOut: asked.timeoutMs ?? 10_000,
      sessionId: asked.sessionId ?? 0n,
      passwd: asked.password ?? new Uint8Array(16),
    })
    const readOnly = asked.readOnlyByte === false ? [] : [Buffer.from([0])]
    this.raw(frame(Buffer.concat([request, ...readOnly])))
    const payload = await this.next()
    if (payload === undefined) return 0
    const response = jute.decode(jute.ConnectResponse, payload)
    this.sessionId = response.sessionId
    this.password = Buffer.from(response.passwd ?? [])
    this.timeoutMs = response.timeOut
    return payload.length
  }

  raw(bytes: Uint8Array): void {
    this.connection.send(bytes)
  }

  send(type: number, body: Uint8Array = new Uint8Array(0), xid = ++this.#xid): void {
    const header = encode(jute.RequestHeader, { xid, type })
    this.raw(frame(Buffer.concat([header, body])))
  }

  async call(type: number, body?: Uint8Array, xid?: number): Promise<Reply> {
    this.send(type, body, xid)
    return this.reply()
  }

  async reply(): Promise<Reply> {
    const reply = await this.replyOrEnd()
    if (reply === undefined) throw new Error('the server closed the connection')
    return reply
  }

  async replyOrEnd(): Promise<Reply | undefined> {
    const payload = await this.next()
    if (payload === undefined) return undefined
    const reader = new Reader(payload)
    const header = jute.ReplyHeader.read(reader)
    return { ...header, body: payload.subarray(reader.offset) }
  }

  /** The next frame; undefined once the connection is closed. */
  next(): Promise<Buffer | undefined> {
    const first = this.#frames.shift()
    if (first !== undefined || this.closed) return Promise.resolve(first)
    return new Promise(resolve => (this.#waiting = resolve))
  }

  whenClosed(): Promise<void> {
    if (this.closed) return Promise.resolve()
    return new Promise(resolve => this.#whenClosed.push(resolve))
  }

  close(): void {
    this.connection.close()
  }

  #onFrame(payload: Buffer): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting === undefined) this.#frames.push(payload)
    else waiting(payload)
  }

  #onClose(): void {
    this.closed = true
    this.#waiting?.(undefined)
    for (const run of this.#whenClosed) run()
  }
}
