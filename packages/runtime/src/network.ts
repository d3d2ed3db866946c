import type { Address } from './address.ts'

export interface Network {
  /** Binds exactly `address.host` (port 0: any free one). Rejects with a `NetworkError`. */
  listen(address: Address, onConnection: (connection: Connection) => void): Promise<Listener>
  /** Rejects with a `NetworkError`; `ETIMEDOUT` after `timeoutMs`. */
  connect(address: Address, options: ConnectOptions): Promise<Connection>
  /** IP literals of a host name, or the literal itself. Rejects with `ENOTFOUND`. */
  resolve(host: string): Promise<readonly string[]>
  /** The name an IP literal has by reverse lookup, or the literal itself where it has none. */
  reverse(ip: string): Promise<string>
}

export interface ConnectOptions {
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

export interface Listener {
  /** With the port that was really bound. */
  readonly address: Address
  /** Accepts no more; connections already accepted live on. */
  close(): Promise<void>
}

/**
 * One TCP link. Set the three handlers in the same turn in which the connection is handed over;
 * data that came before is kept until then. After `onClose` no handler is called again.
 */
export interface Connection {
  readonly remote: Address
  readonly local: Address
  /**
   * Queues all of `bytes`, in order; the buffer belongs to the connection from now on. False: the
   * queue is above its mark, wait for `onDrain` before sending more. Bytes sent after the close
   * are dropped.
   */
  send(bytes: Uint8Array): boolean
  /** Bytes queued and not yet handed to the system. */
  readonly queuedBytes: number
  /** Stops and restarts `onData`; the peer feels it as a full window. */
  pause(): void
  resume(): void
  onData: (bytes: Uint8Array) => void
  onDrain: () => void
  /** Exactly once, also after a local `close`. */
  onClose: (cause: CloseCause) => void
  /** Sends what is queued, then FIN. `reason` is for the log only. */
  close(reason?: string): void
  /** Drops what is queued and resets the link. */
  destroy(reason?: string): void
}

/** `end`: the peer's FIN. `reset`: RST or a broken link. `local`: our own close or destroy. */
export interface CloseCause {
  readonly kind: 'end' | 'reset' | 'local'
  readonly reason?: string
}

/**
 * `code` is the system's: ECONNREFUSED, ECONNRESET, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH,
 * ENOTFOUND, EADDRINUSE, EADDRNOTAVAIL, EACCES, ABORTED.
 */
export class NetworkError extends Error {
  override readonly name = 'NetworkError'
  readonly code: string
  readonly address: Address
  constructor(code: string, address: Address, message: string) {
    super(message)
    this.code = code
    this.address = address
  }
}
