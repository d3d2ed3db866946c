/**
 * One client's connection (ZooKeeper 3.9 `NIOServerCnxn`): cuts the stream into frames, tells the
 * first bytes apart (a four-letter word or a connect request), and gathers what is to be sent.
 *
 * Life: `new` (no four bytes yet) -> a word, which ends it, or `handshake` (the connect request is
 * not whole yet) -> `connecting` -> `established` -> `closed`. While `connecting`, frames that came
 * early wait in the decoder: a client may pipeline behind its connect request. Replies and watch
 * events of one turn are written into one buffer and leave in one write when the server flushes at
 * the end of the turn.
 *
 * Bounds: one frame by `jute.maxbuffer`; the output by back-pressure (above the connection's mark
 * no further frame is read until the peer took what is queued) and, for watch events to a peer that
 * never reads, by `outputQueueBytesMax`, where the link is reset. Replies do not count there: those
 * of the reads that waited for a write come all at once, however well the peer reads.
 */
import { FrameDecoder, JuteError, Perms, Writer, Xid } from '@baton/jute'
import type { Id } from '@baton/jute'
import type { CloseCause, Connection } from '@baton/runtime'
import { ipId, permits } from '../state/acl.ts'
import type { Session } from '../state/session-tracker.ts'
import type { WatchEvent } from '../state/watch-manager.ts'
import type { SessionQueue } from '../request/commit-processor.ts'
import type { ClientCnxn } from '../request/request.ts'
import { fourLetterWordOf } from './four-letter-words.ts'

/** What a connection asks of its server. */
export interface CnxnHost {
  readonly frameBytesMax: number
  readonly outputQueueBytesMax: number
  readonly skipAcl: boolean
  /** The first frame. */
  onConnectRequest(cnxn: ServerCnxn, payload: Buffer): void
  /** The createSession this connection asked for was applied. */
  onSessionCreated(cnxn: ServerCnxn): void
  /** A later frame. */
  onRequest(cnxn: ServerCnxn, payload: Buffer): void
  /** The text to answer a four-letter word with. */
  onFourLetterWord(word: string): string
  /** True while this connection's next frame must wait for requests in progress. */
  mustWait(cnxn: ServerCnxn): boolean
  /** Frames wait: `resume` is to be called when requests were answered. */
  onWaiting(cnxn: ServerCnxn): void
  /** There is output to flush when the turn ends. */
  onOutput(cnxn: ServerCnxn): void
  /** A turn that a connection's bytes began has ended. */
  onTurnEnd(): void
  onReply(bytes: number): void
  onClosed(cnxn: ServerCnxn): void
}

type Phase = 'new' | 'handshake' | 'connecting' | 'established' | 'closed'

const EMPTY = Buffer.alloc(0)
const WORD_BYTES = 4
const OUTPUT_BYTES_MIN = 128
/** Output gathered in one turn beyond this is handed to the connection at once. */
const OUTPUT_GATHER_BYTES_MAX = 256 * 1024
/** Length, xid, zxid, err. */
const ERR_OFFSET = 16
const REPLY_HEADER_BYTES = 20
const EVENT_STATE_CONNECTED = 3

export class ServerCnxn implements ClientCnxn {
  readonly remote: Connection['remote']
  /** Who it authenticated as; its address first. */
  ids: readonly Id[]
  session: Session | undefined
  queue: SessionQueue | undefined
  /** Whether the connect request had the byte of 3.4, so that the response has it too. */
  readOnlyByte = false
  packetsReceivedCount = 0
  packetsSentCount = 0
  readonly #connection: Connection
  readonly #host: CnxnHost
  readonly #decoder: FrameDecoder
  #phase: Phase = 'new'
  #early: Buffer = EMPTY
  #output: Writer | undefined
  #outputSizeHint = OUTPUT_BYTES_MIN
  #replyAt = 0
  /** Of events since the output was last below its mark. */
  #eventBytes = 0
  #full = false
  #waiting = false
  #decoding = false

  constructor(connection: Connection, host: CnxnHost) {
    this.#connection = connection
    this.#host = host
    this.remote = connection.remote
    this.ids = [ipId(connection.remote.host)]
    this.#decoder = new FrameDecoder(host.frameBytesMax)
    connection.onDrain = () => this.#onDrain()
    connection.onClose = cause => this.#onClose(cause)
    connection.onData = bytes => this.#onData(bytes)
  }

  get sessionId(): bigint {
    return this.session?.id ?? 0n
  }

  get phase(): Phase {
    return this.#phase
  }

  get isClosed(): boolean {
    return this.#phase === 'closed'
  }

  get queuedBytes(): number {
    return this.#connection.queuedBytes
  }

  #onData(bytes: Uint8Array): void {
    if (this.#phase === 'closed') return
    if (this.#phase === 'new') this.#onFirstBytes(bytes)
    else this.#decode(bytes)
    this.#host.onTurnEnd()
  }

  /** Four bytes decide: words are ASCII, which as a length would be far above any frame. */
  #onFirstBytes(bytes: Uint8Array): void {
    const all = this.#early.length === 0 ? bytes : Buffer.concat([this.#early, bytes])
    if (all.length < WORD_BYTES) {
      this.#early = Buffer.from(all)
      return
    }
    this.#early = EMPTY
    const word = fourLetterWordOf(all)
    if (word === undefined) {
      this.#phase = 'handshake'
      return this.#decode(all)
    }
    const text = word === '' ? '' : this.#host.onFourLetterWord(word)
    this.#connection.send(Buffer.from(text, 'utf8'))
    this.close('a four-letter word was answered')
  }

  #decode(bytes: Uint8Array): void {
    this.#decoding = true
    try {
      this.#decoder.push(bytes, payload => this.#onFrame(payload))
    } catch (error) {
      if (!(error instanceof JuteError)) throw error
      this.close(error.message)
    }
    this.#decoding = false
  }

  /** Returns false where the next frame has to wait. */
  #onFrame(payload: Buffer): boolean {
    if (this.#phase === 'handshake') {
      this.#phase = 'connecting'
      this.#host.onConnectRequest(this, payload)
    } else {
      this.packetsReceivedCount++
      this.#host.onRequest(this, payload)
    }
    return this.#mayGoOn()
  }

  #mayGoOn(): boolean {
    if (this.#phase === 'closed') return false
    if (this.#phase === 'established' && !this.#full && !this.#host.mustWait(this)) return true
    this.#wait()
    return false
  }

  #wait(): void {
    if (this.#waiting) return
    this.#waiting = true
    this.#connection.pause()
    this.#host.onWaiting(this)
  }

  /** Takes up the frames that had to wait, if nothing is in their way any more. */
  resume(): void {
    if (this.#phase !== 'established' || this.#decoding || !this.#mayGoOn()) return
    if (this.#waiting) {
      this.#waiting = false
      this.#connection.resume()
    }
    if (this.#decoder.pendingBytes > 0) this.#decode(EMPTY)
  }

  /** Waits for requests in progress, or for its peer to read. */
  get isWaiting(): boolean {
    return this.#waiting && this.#phase !== 'closed'
  }

  /** Its bytes stay unread because of us: requests in progress, not a peer that does not read. */
  get isHeldUp(): boolean {
    return this.isWaiting && !this.#full
  }

  #onDrain(): void {
    this.#full = false
    this.#eventBytes = 0
    this.resume()
    this.#host.onTurnEnd()
  }

  /** The session is there: answers the connect request and takes up what came behind it. */
  establish(response: Uint8Array): void {
    if (this.#phase !== 'connecting') return
    this.#phase = 'established'
    this.#writer().raw(response)
    this.packetsSentCount++
    this.resume()
  }

  /** Answers the connect request with a refusal and closes. */
  refuse(response: Uint8Array, reason: string): void {
    if (this.#phase === 'closed') return
    this.#writer().raw(response)
    this.close(reason)
  }

  finishSessionInit(): void {
    this.#host.onSessionCreated(this)
  }

  #writer(): Writer {
    if (this.#output !== undefined) return this.#output
    this.#host.onOutput(this)
    return (this.#output = new Writer(this.#outputSizeHint))
  }

  beginReply(xid: number, zxid: number): Writer {
    const writer = this.#writer()
    this.#replyAt = writer.offset
    writer.int(0)
    writer.int(xid)
    writer.long(zxid)
    writer.int(0)
    return writer
  }

  endReply(error: number): void {
    const writer = this.#output
    if (writer === undefined) return
    const at = this.#replyAt
    if (error !== 0) {
      writer.offset = at + REPLY_HEADER_BYTES
      writer.buffer.writeInt32BE(error, at + ERR_OFFSET)
    }
    const bytes = writer.offset - at - 4
    writer.buffer.writeInt32BE(bytes, at)
    this.packetsSentCount++
    this.#host.onReply(bytes)
    if (writer.offset > OUTPUT_GATHER_BYTES_MAX) this.flush()
  }

  /** A watch fired: queues its event, unless the connection may not read the znode it tells of. */
  process(event: WatchEvent): void {
    if (this.#phase === 'closed') return
    const { acl } = event
    if (acl !== undefined && !this.#host.skipAcl && !permits(acl, Perms.read, this.ids)) return
    event.encoded ??= encodeEvent(event)
    this.#writer().raw(event.encoded)
    this.packetsSentCount++
    this.#eventBytes += event.encoded.byteLength
    this.#host.onReply(event.encoded.byteLength - 4)
  }

  /** Hands what was gathered to the connection. */
  flush(): void {
    const output = this.#output
    if (output === undefined) return
    this.#output = undefined
    if (this.#phase === 'closed') return
    this.#outputSizeHint = Math.min(
      OUTPUT_GATHER_BYTES_MAX,
      Math.max(OUTPUT_BYTES_MIN, output.offset),
    )
    if (this.#connection.send(output.finish())) {
      this.#eventBytes = 0
      return
    }
    this.#full = true
    this.#wait()
    if (this.#eventBytes > this.#host.outputQueueBytesMax) {
      this.#connection.destroy('the peer does not read: its output queue passed the limit')
      this.#end()
    }
  }

  close(reason: string): void {
    if (this.#phase === 'closed') return
    this.flush()
    this.#connection.close(reason)
    this.#end()
  }

  #onClose(_cause: CloseCause): void {
    this.#end()
    this.#host.onTurnEnd()
  }

  #end(): void {
    if (this.#phase === 'closed') return
    this.#phase = 'closed'
    this.#output = undefined
    this.#early = EMPTY
    this.#host.onClosed(this)
  }
}

/** A notification's frame; the same for every connection, so made once an event. */
function encodeEvent(event: WatchEvent): Uint8Array {
  const writer = new Writer(REPLY_HEADER_BYTES + 12 + event.path.length)
  writer.int(0)
  writer.int(Xid.notification)
  writer.long(event.zxid)
  writer.int(0)
  writer.int(event.type)
  writer.int(EVENT_STATE_CONNECTED)
  writer.string(event.path)
  const bytes = writer.finish()
  bytes.writeInt32BE(bytes.length - 4, 0)
  return bytes
}
