/**
 * A server that says what a test tells it to, on any network. It grants sessions as asked for, and
 * answers pings and closeSession by itself; everything else is up to the script.
 */
import * as jute from '@baton/jute'
import { FrameDecoder, OpCode, Reader, Xid } from '@baton/jute'
import type { Address, Connection, Listener, Runtime } from '@baton/runtime'
import { connectText, expired, grant, PASSWORD, reply, requestText, SESSION_ID } from './wire.ts'

export interface Asked {
  readonly xid: number
  readonly type: number
  /** The request as a line, without its xid. */
  readonly line: string
  readonly link: FakeLink
}

export class FakeLink {
  readonly connection: Connection
  readonly #server: FakeServer
  readonly #decoder = new FrameDecoder()
  #greeted = false

  constructor(connection: Connection, server: FakeServer) {
    this.connection = connection
    this.#server = server
    connection.onData = bytes => {
      this.#decoder.push(bytes, payload => this.#onFrame(payload))
    }
    connection.onClose = () => this.#server.links.delete(this)
  }

  send(...frames: Uint8Array[]): void {
    this.connection.send(Buffer.concat(frames))
  }

  #onFrame(payload: Buffer): void {
    const bytes = jute.frame(payload)
    if (!this.#greeted) {
      this.#greeted = true
      this.#server.log.push(connectText(bytes))
      return this.#greet(jute.ConnectRequest.read(new Reader(payload)))
    }
    const { xid, type } = jute.RequestHeader.read(new Reader(payload))
    if (type === OpCode.ping && this.#server.answersPings) return this.send(reply(Xid.ping))
    const line = requestText(bytes).replace(` xid ${xid}`, '')
    this.#server.log.push(line)
    if (type === OpCode.closeSession && this.#server.answersClose) {
      this.send(reply(xid))
      return this.connection.close()
    }
    this.#server.onRequest({ xid, type, line, link: this })
  }

  #greet(hello: jute.ConnectRequest): void {
    const known = hello.sessionId === SESSION_ID && Buffer.from(hello.passwd ?? []).equals(PASSWORD)
    if (this.#server.answersHello === false) return
    if (hello.sessionId === 0n || (known && this.#server.knowsSession)) {
      return this.send(grant({ timeoutMs: this.#server.timeoutMs }))
    }
    this.send(expired())
    this.connection.close()
  }
}

export class FakeServer {
  readonly log: string[] = []
  readonly links = new Set<FakeLink>()
  timeoutMs = 6_000
  answersHello = true
  answersPings = true
  answersClose = true
  knowsSession = true
  onRequest: (asked: Asked) => void = () => {}
  #listener: Listener | undefined

  async listen(network: Runtime['network'], address: Address): Promise<Address> {
    this.#listener = await network.listen(address, connection => {
      this.links.add(new FakeLink(connection, this))
    })
    return this.#listener.address
  }

  /** Cuts every link; the listener stays. */
  cut(): void {
    for (const { connection } of this.links) connection.destroy('cut by the test')
  }

  async stop(): Promise<void> {
    this.cut()
    await this.#listener?.close()
  }
}
