/**
 * One socket as a `Connection`.
 *
 * Sends gather in an array and leave in one write at the end of the turn: a server that answers a
 * hundred requests in one turn makes one system call. Reading starts when `onData` is set, so no
 * byte is lost between accept and the handler. After a local close the socket lingers: what is
 * queued goes out, then FIN, and what the peer still sends is read and dropped, because closing a
 * socket with unread bytes makes the kernel send RST, which can destroy our last bytes at the peer.
 */
import type { Socket } from 'node:net'
import type { Address } from '../address.ts'
import type { CloseCause, Connection } from '../network.ts'
import { SEND_MARK_BYTES, SEND_QUEUE_BYTES_MAX, SEND_QUEUE_REASON } from '../send-limits.ts'

/** Batches up to this size are copied into one buffer; a larger one goes out as a vector. */
const COALESCE_BYTES_MAX = 128 * 1024
/** How long a closed link may take to flush and to see the peer's FIN. */
const LINGER_MS = 5_000

export class NodeConnection implements Connection {
  readonly remote: Address
  readonly local: Address
  readonly #socket: Socket
  #pending: Uint8Array[] = []
  #pendingBytes = 0
  #flushDue = false
  #drainDue = false
  #paused = false
  /** Set once nothing may be sent or handed over any more. */
  #closed = false
  #undelivered: CloseCause | undefined
  #data: ((bytes: Uint8Array) => void) | undefined
  #close: ((cause: CloseCause) => void) | undefined
  onDrain: () => void = () => {}
  readonly #written = (): void => this.#onWritten()

  constructor(socket: Socket, remote: Address) {
    this.#socket = socket
    this.remote = remote
    this.local = { host: plainAddress(socket.localAddress), port: socket.localPort ?? 0 }
    socket.pause()
    socket.on('end', () => this.#onEnd())
    socket.on('error', error => this.#settle({ kind: 'reset', reason: error.message }))
    socket.on('close', () => this.#settle({ kind: 'reset', reason: 'the link broke' }))
  }

  get onData(): (bytes: Uint8Array) => void {
    return this.#data ?? (() => {})
  }

  set onData(run: (bytes: Uint8Array) => void) {
    const first = this.#data === undefined
    this.#data = run
    if (!first || this.#closed) return
    this.#socket.on('data', (bytes: Buffer) => {
      if (!this.#closed) this.#data?.(bytes)
    })
    if (this.#paused) this.#socket.pause()
    else this.#socket.resume()
  }

  get onClose(): (cause: CloseCause) => void {
    return this.#close ?? (() => {})
  }

  set onClose(run: (cause: CloseCause) => void) {
    this.#close = run
    const cause = this.#undelivered
    if (cause !== undefined) this.#deliver(cause)
  }

  get queuedBytes(): number {
    return this.#pendingBytes + this.#socket.writableLength
  }

  send(bytes: Uint8Array): boolean {
    if (this.#closed) return false
    this.#pending.push(bytes)
    this.#pendingBytes += bytes.length
    if (!this.#flushDue) {
      this.#flushDue = true
      process.nextTick(flushConnection, this)
    }
    const queuedBytes = this.queuedBytes
    if (queuedBytes <= SEND_MARK_BYTES) return true
    this.#drainDue = true
    if (queuedBytes > SEND_QUEUE_BYTES_MAX) {
      this.#abort({ kind: 'reset', reason: SEND_QUEUE_REASON })
    }
    return false
  }

  pause(): void {
    this.#paused = true
    if (!this.#closed) this.#socket.pause()
  }

  resume(): void {
    this.#paused = false
    if (!this.#closed && this.#data !== undefined) this.#socket.resume()
  }

  close(reason?: string): void {
    if (this.#closed) return
    this.#settle(local(reason))
    this.#linger()
  }

  destroy(reason?: string): void {
    this.#abort(local(reason))
  }

  /** Writes what gathered in this turn. */
  flush(): void {
    this.#flushDue = false
    const chunks = this.#pending
    const first = chunks[0]
    if (first === undefined || this.#socket.destroyed) return
    const bytes = this.#pendingBytes
    this.#pending = []
    this.#pendingBytes = 0
    const written = this.#written
    if (chunks.length === 1) {
      this.#socket.write(first, written)
    } else if (bytes <= COALESCE_BYTES_MAX) {
      this.#socket.write(Buffer.concat(chunks, bytes), written)
    } else {
      this.#socket.cork()
      const last = chunks.length - 1
      chunks.forEach((chunk, index) => {
        this.#socket.write(chunk, index === last ? written : undefined)
      })
      this.#socket.uncork()
    }
  }

  #onWritten(): void {
    if (!this.#drainDue || this.#closed || this.queuedBytes > SEND_MARK_BYTES / 2) return
    this.#drainDue = false
    this.onDrain()
  }

  #onEnd(): void {
    this.#settle({ kind: 'end' })
    this.#linger()
  }

  #abort(cause: CloseCause): void {
    this.#pending = []
    this.#pendingBytes = 0
    this.#settle(cause)
    // While a FIN is on its way the kernel handle refuses a reset, and node then loses it: the
    // descriptor stays open for ever, and the end of the process waits for it without end.
    if (this.#socket.writableEnded) this.#socket.destroy()
    else this.#socket.resetAndDestroy()
  }

  #linger(): void {
    const socket = this.#socket
    if (socket.destroyed) return
    this.flush()
    socket.resume()
    socket.end(() => socket.unref())
    const timer = setTimeout(() => socket.destroy(), LINGER_MS)
    socket.once('close', () => clearTimeout(timer))
    timer.unref()
  }

  #settle(cause: CloseCause): void {
    if (this.#closed) return
    this.#closed = true
    this.#undelivered = cause
    if (this.#close !== undefined) this.#deliver(cause)
  }

  /** Never inside the caller's own call: a handler that closes must not be re-entered. */
  #deliver(cause: CloseCause): void {
    this.#undelivered = undefined
    process.nextTick(() => this.#close?.(cause))
  }
}

function flushConnection(connection: NodeConnection): void {
  connection.flush()
}

function local(reason: string | undefined): CloseCause {
  return reason === undefined ? { kind: 'local' } : { kind: 'local', reason }
}

/** A dual-stack socket shows an IPv4 peer as `::ffff:a.b.c.d`. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return ''
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address
}
