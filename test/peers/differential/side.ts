/**
 * One side of a comparison: a server, the connections of a script to it, and the transcript of all
 * that was sent and came back. Two transcripts are compared line by line, so a line holds what a
 * client can see but for what must differ: session ids become names, times become a statement about
 * times, zxids are counted from where the script began (both servers had the same history), and
 * lists whose order is unspecified are sorted.
 */
import * as jute from '@baton/jute'
import { encode, frame, Reader } from '@baton/jute'
import { shapes } from './operations.ts'
import type { Operation, OperationName } from './operations.ts'
import { Normaliser } from './normaliser.ts'
import { WireClient } from './wire-client.ts'

export interface ConnectOptions {
  readonly session?: bigint
  readonly password?: Uint8Array | null
  readonly timeoutMs?: number
  readonly lastZxidSeen?: number
  readonly protocolVersion?: number
  readonly readOnly?: boolean | 'absent'
  /** More bytes in the connect frame, or frames sent with it in one write. */
  readonly trailing?: Uint8Array
  readonly early?: readonly Operation[]
}

export class Side {
  readonly port: number
  readonly lines: string[] = []
  readonly normaliser = new Normaliser()
  readonly #links: Link[] = []

  constructor(port: number) {
    this.port = port
  }

  log(line: string): void {
    this.lines.push(line)
  }

  /** A connection that said nothing yet. */
  async open(name: string): Promise<Link> {
    const link = new Link(this, name, await WireClient.open(this.port))
    this.#links.push(link)
    return link
  }

  /** A connection with a session, new or re-attached. */
  async connect(name: string, options: ConnectOptions = {}): Promise<Link> {
    const link = await this.open(name)
    await link.handshake(options)
    return link
  }

  async word(word: string | Uint8Array): Promise<string> {
    const client = await WireClient.open(this.port)
    client.write(typeof word === 'string' ? Buffer.from(word) : word)
    const text = await client.text()
    client.destroy()
    return text
  }

  end(): void {
    for (const link of this.#links) link.destroy()
  }
}

/** What a reply was, for scripts that go on from it. */
export interface Reply {
  readonly xid: number
  readonly zxid: number
  readonly err: number
  readonly body: Buffer
}

export class Link {
  sessionId = 0n
  password: Uint8Array = Buffer.alloc(16)
  lastZxid = 0
  readonly #side: Side
  readonly #name: string
  readonly #client: WireClient
  readonly #asked = new Map<number, OperationName>()
  #xid = 0

  constructor(side: Side, name: string, client: WireClient) {
    this.#side = side
    this.#name = name
    this.#client = client
  }

  destroy(): void {
    this.#client.destroy()
  }

  write(bytes: Uint8Array): void {
    this.#client.write(bytes)
  }

  #log(text: string): void {
    this.#side.log(`${this.#name} ${text}`)
  }

  async handshake(options: ConnectOptions = {}): Promise<void> {
    const known = options.session ?? 0n
    this.#log(`> connect to ${known === 0n ? 'a new session' : this.#side.normaliser.owner(known)}`)
    const request = encode(jute.ConnectRequest, {
      protocolVersion: options.protocolVersion ?? 0,
      lastZxidSeen: options.lastZxidSeen ?? 0,
      timeOut: options.timeoutMs ?? 3_600_000,
      sessionId: known,
      passwd: options.password === undefined ? Buffer.alloc(16) : options.password,
    })
    const { readOnly = false } = options
    const flag = readOnly === 'absent' ? [] : [Buffer.from([readOnly ? 1 : 0])]
    const whole = Buffer.concat([request, ...flag, options.trailing ?? Buffer.alloc(0)])
    const early = (options.early ?? []).map(operation => this.#encode(operation))
    this.write(Buffer.concat([frame(whole), ...early]))
    await this.connectResponse()
    for (let i = 0; i < early.length; i++) await this.receive()
  }

  async connectResponse(): Promise<void> {
    const payload = await this.#client.frame()
    if (typeof payload === 'string') return this.#log(`< ${payload}`)
    const response = jute.decode(jute.ConnectResponse, payload)
    this.sessionId = response.sessionId
    this.password = Buffer.from(response.passwd ?? [])
    const tail = payload.subarray(encode(jute.ConnectResponse, response).length).toString('hex')
    const zeros = this.password.every(byte => byte === 0)
    const password = `${this.password.length} bytes${zeros ? ' of zero' : ''}`
    const session = this.#side.normaliser.owner(this.sessionId)
    const { protocolVersion: version, timeOut } = response
    this.#log(
      `< version ${version} timeout ${timeOut} session ${session} password ${password} "${tail}"`,
    )
  }

  #encode(operation: Operation, xid?: number): Buffer {
    const row = shapes[operation.name] as (typeof shapes)['ping'] & { xid?: number }
    const chosen = xid ?? row.xid ?? ++this.#xid
    this.#asked.set(chosen, operation.name)
    const text = this.#side.normaliser.request(operation.request)
    this.#log(`> ${chosen} ${operation.name} ${text}`)
    const header = encode(jute.RequestHeader, { xid: chosen, type: row.type })
    const type: jute.AnyType | undefined = row.request
    const body = type === undefined ? Buffer.alloc(0) : encode(type, operation.request)
    return frame(Buffer.concat([header, body]))
  }

  send(operation: Operation, xid?: number): void {
    this.write(this.#encode(operation, xid))
  }

  /** Sends a frame of any type with any body; its reply is logged as bytes. */
  sendRaw(type: number, body: Uint8Array, xid = ++this.#xid): void {
    this.#log(`> ${xid} type ${type} ${Buffer.from(body).toString('hex')}`)
    const header = encode(jute.RequestHeader, { xid, type })
    this.write(frame(Buffer.concat([header, body])))
  }

  /** Each operation after the reply of the one before it. Returns the last reply. */
  async do(...operations: readonly Operation[]): Promise<Reply | undefined> {
    let reply: Reply | undefined
    for (const operation of operations) {
      this.send(operation)
      reply = await this.receive()
      if (reply === undefined) break
    }
    return reply
  }

  /** All in one write, then all replies. */
  async pipeline(...operations: readonly Operation[]): Promise<void> {
    this.write(Buffer.concat(operations.map(operation => this.#encode(operation))))
    for (let i = 0; i < operations.length; i++) await this.receive()
  }

  /** Logs everything up to the next reply; undefined where the connection ended instead. */
  async receive(): Promise<Reply | undefined> {
    for (;;) {
      const payload = await this.#client.frame()
      if (typeof payload === 'string') {
        this.#log(`< ${payload}`)
        return undefined
      }
      const reader = new Reader(payload)
      const header = jute.ReplyHeader.read(reader)
      const body = payload.subarray(reader.offset)
      if (header.xid === jute.Xid.notification) {
        this.#logReply('event', header, body, jute.WatcherEvent)
        continue
      }
      if (header.zxid > 0) this.lastZxid = header.zxid
      const name = this.#asked.get(header.xid)
      this.#logReply('reply', header, body, name === undefined ? undefined : shapes[name].reply)
      return { ...header, body }
    }
  }

  #logReply(
    what: string,
    header: { xid: number; zxid: number; err: number },
    body: Buffer,
    type: jute.AnyType | undefined,
  ): void {
    const { normaliser } = this.#side
    const shown = body.length === 0 ? '' : ` ${normaliser.body(body, type)}`
    const zxid = normaliser.zxid(header.zxid)
    this.#log(`< ${what} ${header.xid} zxid ${zxid} err ${header.err}${shown}`)
  }

  /** Sends nothing more and logs what comes until the server closes. */
  async untilClosed(): Promise<void> {
    while ((await this.receive()) !== undefined);
  }
}
