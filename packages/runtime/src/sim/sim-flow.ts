import type { SimEvent } from './event-queue.ts'
import type { SimConnection } from './sim-connection.ts'
import type { SimNetwork } from './sim-network.ts'

export type Segment = { at: number } & (
  | { readonly kind: 'open'; readonly accept: () => boolean }
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  | { readonly kind: 'fin' }
  | { readonly kind: 'reset'; readonly reason: string }
)
type Unsent<T> = T extends unknown ? Omit<T, 'at'> : never

/** What a receiver's kernel takes before its window closes. */
const RECEIVE_BYTES_MAX = 256 * 1024

/** One direction of a link: segments under way, in order. */
export class SimFlow {
  /** Bytes of data not yet in the receiver's kernel. */
  queuedBytes = 0
  readonly #network: SimNetwork
  readonly #from: SimConnection
  readonly #to: () => SimConnection
  #queue: Segment[] = []
  #pumping: SimEvent | undefined
  #givingUp: SimEvent | undefined
  #lastAt = 0

  constructor(network: SimNetwork, from: SimConnection, to: () => SimConnection) {
    this.#network = network
    this.#from = from
    this.#to = to
  }

  push(segment: Unsent<Segment>): void {
    const { sim } = this.#network
    const delayMs = this.#network.drawDelayMs(this.#from.process.host, this.#to().process.host)
    if (delayMs === undefined) {
      // Given up as TCP does after its last retransmission.
      sim.event(0, () => this.#from.breakLink('ETIMEDOUT'))
      return
    }
    this.#lastAt = Math.max(this.#lastAt, sim.now + delayMs)
    this.#queue.push({ ...segment, at: this.#lastAt } as Segment)
    if (segment.kind === 'data') this.queuedBytes += segment.bytes.length
    this.#arm()
  }

  /** Forgets what has not arrived. */
  drop(): void {
    this.#queue = []
    this.queuedBytes = 0
    this.#stop()
  }

  #stop(): void {
    const { sim } = this.#network
    if (this.#pumping !== undefined) sim.cancel(this.#pumping)
    if (this.#givingUp !== undefined) sim.cancel(this.#givingUp)
    this.#pumping = undefined
    this.#givingUp = undefined
  }

  /** The wire is whole again: what was held is retransmitted. */
  kick(): void {
    const head = this.#queue[0]
    if (head === undefined || this.#pumping !== undefined || this.#isBlocked()) return
    const { sim } = this.#network
    this.#stop()
    const at = sim.now + this.#network.drawRetransmitMs()
    for (const segment of this.#queue) segment.at = Math.max(segment.at, at)
    this.#lastAt = Math.max(this.#lastAt, at)
    this.#arm()
  }

  /** The receiver's window is open again. */
  onWindow(): void {
    this.#arm()
  }

  #isBlocked(): boolean {
    return this.#network.blocked(this.#from.process.host, this.#to().process.host)
  }

  #arm(): void {
    const head = this.#queue[0]
    if (head === undefined || this.#pumping !== undefined) return
    const { sim } = this.#network
    this.#pumping = sim.event(Math.max(0, head.at - sim.now), () => this.#pump())
  }

  #pump(): void {
    this.#pumping = undefined
    const { sim } = this.#network
    let moved = false
    for (;;) {
      const head = this.#queue[0]
      if (head === undefined || head.at > sim.now) break
      if (this.#isBlocked()) return this.#hold()
      if (head.kind === 'data' && this.#to().receivedBytes >= RECEIVE_BYTES_MAX) break
      this.#queue.shift()
      if (head.kind === 'data') {
        this.queuedBytes -= head.bytes.length
        moved = true
      }
      this.#to().arrive(head)
    }
    if (moved) this.#from.onMoved()
    const head = this.#queue[0]
    if (head !== undefined && head.at > sim.now) this.#arm()
  }

  /** Nobody retransmits for a machine that is off, nor RST; a living kernel does for a while. */
  #hold(): void {
    if (this.#from.isPowerless || this.#queue[0]?.kind === 'reset') return this.drop()
    if (this.#givingUp !== undefined) return
    const { sim, tcpTimeoutMs } = this.#network
    this.#givingUp = sim.event(tcpTimeoutMs, () => {
      this.#givingUp = undefined
      if (this.#queue.length === 0 || !this.#isBlocked()) return
      this.drop()
      this.#from.fail('ETIMEDOUT')
    })
  }
}
