/**
 * What is said on a session's live link: requests out, replies and events in (ZooKeeper 3.9
 * `ClientCnxn.SendThread.readResponse`). A part of the core: it writes effects into the list of the
 * current step, and tells by an `Outcome` what the life cycle in `client-cnxn.ts` must do.
 *
 * Replies come in the order of the requests, with three kinds beside that order, told by their
 * xid: watch events (-1), pings (-2), auth (-4).
 */
import { AuthPacket, ErrorCode, errorName, OpCode, Reader } from '@baton/jute'
import { ReplyHeader, WatcherEvent, WatcherType, Xid } from '@baton/jute'
import type { EventType } from '@baton/jute'
import { Fifo } from './fifo.ts'
import type { AuthInfo, Effect } from './inputs-and-effects.ts'
import { opCodeOf, pathOf, problemOf } from './operation-table.ts'
import { readResult, registrationOf, writeOperation } from './operation-table.ts'
import type { Operation, Reply } from './operation.ts'
import type { Chroot } from './paths.ts'
import { requestFrame, RequestQueue } from './request-queue.ts'
import type { Packet } from './request-queue.ts'
import { WatchManager } from './watch-manager.ts'
import { ZooKeeperError } from './zookeeper-error.ts'

export interface ConversationOptions {
  readonly chroot: Chroot
  readonly auth: readonly AuthInfo[]
  readonly outstandingMax: number
  readonly outstandingBytesMax: number
  readonly requestBytesMax: number
}

/** The link to speak on, and where its effects go. */
export interface Link {
  readonly generation: number
  readonly server: string
  readonly out: Effect[]
  readonly now: number
}

/** What a frame means for the life of the session; undefined: it goes on. */
export type Outcome =
  | { readonly kind: 'broken'; readonly reason: string }
  | { readonly kind: 'authFailed'; readonly reason: string }
  | { readonly kind: 'sessionClosed' }
  | undefined

interface Ping {
  readonly reply: Reply<undefined> | undefined
  readonly sentAt: number
}

/** `reply` is there until the server has first answered for it. */
interface AuthEntry {
  readonly info: AuthInfo
  reply: Reply<undefined> | undefined
}

const AUTH_MAX = 64

export class Conversation {
  readonly watches = new WatchManager()
  /** The newest zxid a reply has shown; the next server must not be behind it. */
  lastZxidSeen = 0
  /** When the newest request was sent that a server has answered: it touched the session since. */
  lastAcknowledgedSendMs = Number.NEGATIVE_INFINITY
  readonly #options: ConversationOptions
  readonly #queue: RequestQueue
  readonly #pings = new Fifo<Ping>()
  readonly #auth: AuthEntry[]
  readonly #authSent = new Fifo<AuthEntry>()

  constructor(options: ConversationOptions) {
    this.#options = options
    this.#auth = options.auth.map(info => ({ info, reply: undefined }))
    this.#queue = new RequestQueue(options.outstandingMax, options.outstandingBytesMax)
  }

  get outstandingCount(): number {
    return this.#queue.count
  }

  /** When the oldest request without an answer was sent; undefined: the server owes nothing. */
  get oldestSentAt(): number | undefined {
    const request = this.#queue.oldestSent?.sentAt
    const ping = this.#pings.peek()?.sentAt
    if (request === undefined || ping === undefined) return request ?? ping
    return Math.min(request, ping)
  }

  /** The first words on a new link: who we are, what we watch, then what has waited. */
  open(link: Link): void {
    for (const entry of this.#auth) this.#sendAuth(entry, link)
    for (const request of this.watches.rearm(this.lastZxidSeen)) {
      const bytes = requestFrame(Xid.setWatches, request.opCode, writer => request.write(writer))
      this.#send(own('setWatches', Xid.setWatches, bytes), link)
    }
    for (const packet of this.#queue.sendWaiting(link.now)) sendBytes(packet.bytes, link)
  }

  /** `live`: the link may be spoken on; else the operation waits for one. */
  submit(operation: Operation, reply: Reply<unknown>, link: Link, live: boolean): void {
    const refused = this.#refusal(operation)
    if (refused !== undefined) return answer(reply, refused, link)
    const xid = this.#queue.nextXid()
    const bytes = requestFrame(xid, opCodeOf(operation), writer => {
      writeOperation(writer, operation, this.#options.chroot)
    })
    const full = this.#sizeRefusal(operation, bytes.length)
    if (full !== undefined) return answer(reply, full, link)
    const packet: Packet = { xid, operation, reply, bytes, sentAt: 0 }
    if (live) this.#send(packet, link)
    else this.#queue.wait(packet)
  }

  #refusal(operation: Operation): ZooKeeperError | undefined {
    const problem = problemOf(operation)
    if (problem !== undefined) return errorOf(ErrorCode.badArguments, operation, problem)
    if (operation.kind !== 'removeWatches') return undefined
    const path = this.#options.chroot.toServer(operation.path)
    if (this.watches.has(WatcherType[operation.type], path)) return undefined
    return errorOf(ErrorCode.noWatcher, operation, 'this client has no such watch')
  }

  /** A frame above the server's limit would cost the whole connection, so it never leaves. */
  #sizeRefusal(operation: Operation, bytes: number): ZooKeeperError | undefined {
    const most = this.#options.requestBytesMax
    if (bytes - 4 > most) {
      const detail = `the request has ${bytes - 4} bytes; at most ${most} are allowed`
      return errorOf(ErrorCode.marshallingError, operation, detail)
    }
    const full = this.#queue.refusal(bytes)
    return full === undefined ? undefined : errorOf(ErrorCode.throttledOp, operation, full)
  }

  /** A ping asks about the present link, so without one it fails at once. */
  ping(reply: Reply<undefined> | undefined, link: Link, live: boolean): void {
    if (!live) return failPing(reply, ErrorCode.connectionLoss, link, 'there is no connection')
    if (this.#pings.length >= this.#options.outstandingMax) {
      const full = `the queue is full: ${this.#pings.length} pings have no answer yet`
      return failPing(reply, ErrorCode.throttledOp, link, full)
    }
    this.#pings.push({ reply, sentAt: link.now })
    sendBytes(requestFrame(Xid.ping, OpCode.ping), link)
  }

  /** Kept for every later link too. */
  addAuth(info: AuthInfo, reply: Reply<undefined>, link: Link, live: boolean): void {
    if (this.#auth.length >= AUTH_MAX) {
      const detail = `a session holds at most ${AUTH_MAX} credentials`
      return answer(reply, new ZooKeeperError(ErrorCode.badArguments, { detail }), link)
    }
    const entry: AuthEntry = { info, reply }
    this.#auth.push(entry)
    if (live) this.#sendAuth(entry, link)
  }

  closeSession(link: Link): void {
    const xid = this.#queue.nextXid()
    this.#send(own('closeSession', xid, requestFrame(xid, OpCode.closeSession)), link)
  }

  #sendAuth(entry: AuthEntry, link: Link): void {
    this.#authSent.push(entry)
    const { scheme, auth } = entry.info
    const bytes = requestFrame(Xid.auth, OpCode.auth, writer => {
      AuthPacket.write(writer, { type: 0, scheme, auth })
    })
    sendBytes(bytes, link)
  }

  #send(packet: Packet, link: Link): void {
    this.#queue.sent(packet, link.now)
    sendBytes(packet.bytes, link)
  }

  /** One frame of a live link. Throws `JuteError` on bytes that no server sends. */
  onFrame(payload: Buffer, link: Link): Outcome {
    const reader = new Reader(payload)
    const header = ReplyHeader.read(reader)
    switch (header.xid) {
      case Xid.notification:
        this.#onEvent(header.zxid, reader, link)
        return undefined
      case Xid.ping:
        return this.#onPing(header, link)
      case Xid.auth:
        return this.#onAuth(header, link)
      default:
        return this.#onReply(header, reader, link)
    }
  }

  #onEvent(zxid: number, reader: Reader, link: Link): void {
    const { type, path } = WatcherEvent.read(reader)
    const event = {
      type: type as EventType,
      path: this.#options.chroot.toClient(path),
      zxid: zxid > 0 ? zxid : -1,
    }
    for (const watch of this.watches.take(event.type, path)) {
      link.out.push({ kind: 'event', watch, event })
    }
  }

  #onPing(header: ReplyHeader, link: Link): Outcome {
    const ping = this.#pings.shift()
    if (ping === undefined) return broken('a ping was answered that was never sent')
    this.#acknowledged(ping.sentAt)
    if (header.err !== ErrorCode.ok) failPing(ping.reply, header.err, link)
    else if (ping.reply !== undefined) answer(ping.reply, undefined, link)
    return undefined
  }

  #onAuth(header: ReplyHeader, link: Link): Outcome {
    const entry = this.#authSent.shift()
    if (entry === undefined) return broken('credentials were answered that were never sent')
    if (header.err !== ErrorCode.ok) {
      const words = `the server refused the credentials of scheme "${entry.info.scheme}"`
      return { kind: 'authFailed', reason: words }
    }
    if (entry.reply !== undefined) answer(entry.reply, undefined, link)
    entry.reply = undefined
    return undefined
  }

  #onReply(header: ReplyHeader, reader: Reader, link: Link): Outcome {
    const packet = this.#queue.oldestSent
    if (packet === undefined) return broken(`a reply to xid ${header.xid}, which was not asked`)
    if (packet.xid !== header.xid) {
      return broken(`a reply to xid ${header.xid} where ${packet.xid} is due`)
    }
    const answered = this.#readAnswer(packet, header, reader, link)
    this.#queue.answered()
    this.#acknowledged(packet.sentAt)
    if (header.zxid > this.lastZxidSeen) this.lastZxidSeen = header.zxid
    if (packet.operation === 'closeSession') return { kind: 'sessionClosed' }
    if (packet.operation === 'setWatches') return rearmed(header.err)
    this.#afterReply(packet.operation, header.err, link)
    const { reply } = packet
    if (reply !== undefined) link.out.push({ kind: 'reply', reply, ...answered })
    return undefined
  }

  #readAnswer(packet: Packet, header: ReplyHeader, reader: Reader, link: Link): Answer {
    const { operation } = packet
    if (typeof operation === 'string') return NOTHING
    if (header.err !== ErrorCode.ok) {
      const absent = operation.kind === 'exists' && header.err === ErrorCode.noNode
      if (absent) return NOTHING
      return { error: errorOf(header.err, operation, undefined, link.server), value: undefined }
    }
    try {
      return { error: undefined, value: readResult(reader, operation, this.#options.chroot) }
    } catch (error) {
      if (error instanceof ZooKeeperError) return { error, value: undefined }
      throw error
    }
  }

  /** The reply brought a watch into being, or took some away. */
  #afterReply(operation: Operation, code: number, link: Link): void {
    const { chroot } = this.#options
    const left = registrationOf(operation, code, chroot)
    if (left !== undefined) this.watches.add(left.table, left.path, left.watch)
    if (operation.kind !== 'removeWatches' || code !== ErrorCode.ok) return
    const { path } = operation
    const gone = this.watches.remove(WatcherType[operation.type], chroot.toServer(path))
    for (const { watch, type } of gone) {
      link.out.push({ kind: 'event', watch, event: { type, path, zxid: -1 } })
    }
  }

  #acknowledged(sentAt: number): void {
    if (sentAt > this.lastAcknowledgedSendMs) this.lastAcknowledgedSendMs = sentAt
  }

  /** Everything that was sent and has no answer: its outcome is unknown. */
  failSent(code: number, link: Link): void {
    for (const packet of this.#queue.takeSent()) failPacket(packet, code, link)
    for (const { reply } of this.#pings.takeAll()) failPing(reply, code, link)
    for (const entry of this.#authSent.takeAll()) failAuth(entry, code, link)
  }

  /** What was never sent; the server knows nothing of it. */
  failWaiting(code: number, link: Link, detail?: string): void {
    for (const packet of this.#queue.takeWaiting()) failPacket(packet, code, link, detail)
    for (const entry of this.#auth) failAuth(entry, code, link)
  }
}

interface Answer {
  readonly error: ZooKeeperError | undefined
  readonly value: unknown
}

const NOTHING: Answer = { error: undefined, value: undefined }

function own(operation: 'setWatches' | 'closeSession', xid: number, bytes: Buffer): Packet {
  return { xid, operation, reply: undefined, bytes, sentAt: 0 }
}

function sendBytes(bytes: Uint8Array, link: Link): void {
  link.out.push({ kind: 'send', generation: link.generation, bytes })
}

function answer(reply: Reply<undefined>, error: ZooKeeperError | undefined, link: Link): void {
  link.out.push({ kind: 'reply', reply: reply as Reply<unknown>, error, value: undefined })
}

function broken(words: string): Outcome {
  return { kind: 'broken', reason: `the server sent ${words}` }
}

/** Watches that are not armed must never look armed, so the link is given up. */
function rearmed(code: number): Outcome {
  if (code === ErrorCode.ok) return undefined
  return { kind: 'broken', reason: `the watches could not be set again: ${errorName(code)}` }
}

function errorOf(
  code: number,
  operation: Operation,
  detail?: string,
  server?: string,
): ZooKeeperError {
  const context = { operation: operation.kind, path: pathOf(operation), server }
  return new ZooKeeperError(code, detail === undefined ? context : { ...context, detail })
}

function failPacket(packet: Packet, code: number, link: Link, detail?: string): void {
  const { operation, reply } = packet
  if (reply === undefined || typeof operation === 'string') return
  answer(reply, errorOf(code, operation, detail, link.server), link)
}

function failPing(
  reply: Reply<undefined> | undefined,
  code: number,
  link: Link,
  detail?: string,
): void {
  if (reply === undefined) return
  const context = { operation: 'ping', server: link.server }
  answer(
    reply,
    new ZooKeeperError(code, detail === undefined ? context : { ...context, detail }),
    link,
  )
}

function failAuth(entry: AuthEntry, code: number, link: Link): void {
  const { reply } = entry
  entry.reply = undefined
  const operation = `addAuth ${entry.info.scheme}`
  if (reply !== undefined) answer(reply, new ZooKeeperError(code, { operation }), link)
}
