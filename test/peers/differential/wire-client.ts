import { connect } from 'node:net'
import type { Socket } from 'node:net'

/** What came instead of a frame. */
export type Ending = 'closed' | 'silent'

const ANSWER_WITHIN_MS = 10_000

/** One TCP connection that speaks frames and knows nothing else: every byte is the caller's. */
export class WireClient {
  readonly #socket: Socket
  #received: Buffer = Buffer.alloc(0)
  #closed = false
  #wake: () => void = () => {}

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes])
      this.#wake()
    })
    const closed = (): void => {
      this.#closed = true
      this.#wake()
    }
    socket.on('end', closed)
    socket.on('close', closed)
    // A reset is an end like any other here; 'close' follows it.
    socket.on('error', closed)
  }

  static open(port: number): Promise<WireClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.removeListener('error', reject)
        resolve(new WireClient(socket))
      })
    })
  }

  write(bytes: Uint8Array): void {
    if (!this.#socket.destroyed) this.#socket.write(bytes)
  }

  /** The next frame's payload. */
  async frame(withinMs = ANSWER_WITHIN_MS): Promise<Buffer | Ending> {
    const ending = await this.#until(() => {
      if (this.#received.length < 4) return false
      return this.#received.length >= 4 + this.#received.readInt32BE(0)
    }, withinMs)
    if (ending !== undefined) return ending
    const end = 4 + this.#received.readInt32BE(0)
    const payload = this.#received.subarray(4, end)
    this.#received = this.#received.subarray(end)
    return payload
  }

  /** Everything until the server closes. */
  async text(): Promise<string> {
    const ending = await this.#until(() => false, ANSWER_WITHIN_MS)
    return ending === 'closed' ? this.#received.toString() : `${this.#received.toString()} (open)`
  }

  destroy(): void {
    this.#socket.destroy()
  }

  async #until(enough: () => boolean, withinMs: number): Promise<Ending | undefined> {
    let late = false
    const timer = setTimeout(() => {
      late = true
      this.#wake()
    }, withinMs)
    try {
      for (;;) {
        if (enough()) return undefined
        if (this.#closed) return 'closed'
        if (late) return 'silent'
        await new Promise<void>(resolve => (this.#wake = resolve))
      }
    } finally {
      clearTimeout(timer)
    }
  }
}
