import type {
  Address,
  CloseCause,
  Connection,
  ConnectOptions,
  Listener,
  Network,
} from '@baton/runtime'

/** Told of bytes as they pass between a process and its kernel. */
export interface Tap {
  /** Bytes the process hands to a link, in the same turn. */
  onSend?(bytes: Uint8Array, link: Connection): void
  /** Bytes the process reads off a link. */
  onReceive?(bytes: Uint8Array, link: Connection): void
}

/** A network that shows a tap what passes, and changes nothing. */
export function tapNetwork(network: Network, tap: Tap): Network {
  return {
    listen: (address: Address, onConnection: (connection: Connection) => void): Promise<Listener> =>
      network.listen(address, link => onConnection(new TappedConnection(link, tap))),
    connect: async (address: Address, options: ConnectOptions): Promise<Connection> =>
      new TappedConnection(await network.connect(address, options), tap),
    resolve: host => network.resolve(host),
    reverse: ip => network.reverse(ip),
  }
}

/** Handlers are set on the link itself, so what waits there is not given out too early. */
class TappedConnection implements Connection {
  readonly #link: Connection
  readonly #tap: Tap
  #onData: (bytes: Uint8Array) => void = () => {}

  constructor(link: Connection, tap: Tap) {
    this.#link = link
    this.#tap = tap
  }

  get remote(): Address {
    return this.#link.remote
  }
  get local(): Address {
    return this.#link.local
  }
  get queuedBytes(): number {
    return this.#link.queuedBytes
  }

  send(bytes: Uint8Array): boolean {
    this.#tap.onSend?.(bytes, this.#link)
    return this.#link.send(bytes)
  }

  get onData(): (bytes: Uint8Array) => void {
    return this.#onData
  }
  set onData(run: (bytes: Uint8Array) => void) {
    this.#onData = run
    this.#link.onData = bytes => {
      this.#tap.onReceive?.(bytes, this.#link)
      this.#onData(bytes)
    }
  }

  get onDrain(): () => void {
    return this.#link.onDrain
  }
  set onDrain(run: () => void) {
    this.#link.onDrain = run
  }
  get onClose(): (cause: CloseCause) => void {
    return this.#link.onClose
  }
  set onClose(run: (cause: CloseCause) => void) {
    this.#link.onClose = run
  }

  pause(): void {
    this.#link.pause()
  }
  resume(): void {
    this.#link.resume()
  }
  close(reason?: string): void {
    this.#link.close(reason)
  }
  destroy(reason?: string): void {
    this.#link.destroy(reason)
  }
}

const CALLS = ['transitionToActive', 'transitionToStandby'] as const
const WORDS = CALLS.map(call => Buffer.from(call))
const WORD_BYTES_MAX = Math.max(...WORDS.map(word => word.length))

/** Finds method names in a stream of Hadoop's RPC, where they stand in plain text. */
export class CallFinder {
  #rest = Buffer.alloc(0)

  find(bytes: Uint8Array): readonly (typeof CALLS)[number][] {
    const all = this.#rest.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#rest, bytes])
    const found: { at: number; end: number; call: (typeof CALLS)[number] }[] = []
    CALLS.forEach((call, index) => {
      const word = WORDS[index] as Buffer
      for (let at = all.indexOf(word); at >= 0; at = all.indexOf(word, at + 1)) {
        found.push({ at, end: at + word.length, call })
      }
    })
    found.sort((a, b) => a.at - b.at)
    const end = Math.max(0, ...found.map(one => one.end), all.length - WORD_BYTES_MAX + 1)
    this.#rest = Buffer.from(all.subarray(end))
    return found.map(one => one.call)
  }
}
