/**
 * One end of a simulated link. The kernel's part (`arrive`, `fail`, `abandon`) goes on while the
 * process is stopped; handlers are called in turns of the process only.
 *
 * open: both ways.  closing: closed by this side or after the peer's FIN; what still comes is read
 * and dropped.  dead: no such socket in the kernel; what comes is answered by RST.
 */
import type { Address } from '../address.ts'
import type { CloseCause, Connection } from '../network.ts'
import { SEND_MARK_BYTES, SEND_QUEUE_BYTES_MAX, SEND_QUEUE_REASON } from '../send-limits.ts'
import { SimFlow, type Segment } from './sim-flow.ts'
import type { SimNetwork } from './sim-network.ts'
import type { SimProcess } from './sim-process.ts'

/** What the sender's kernel takes off the program's hands. */
const KERNEL_BYTES = 256 * 1024
/** libuv reads so much at once. */
const READ_BYTES_MAX = 64 * 1024

export class SimConnection implements Connection {
  readonly process: SimProcess
  readonly remote: Address
  readonly local: Address
  readonly out: SimFlow
  peer: SimConnection | undefined
  receivedBytes = 0
  readonly #network: SimNetwork
  #state: 'open' | 'closing' | 'dead' = 'open'
  #received: Uint8Array[] = []
  #powerless = false
  #finSent = false
  #finArrived = false
  #failure: string | undefined
  #paused = false
  #settled = false
  #turnDue = false
  #drainDue = false
  #undelivered: CloseCause | undefined
  #data: ((bytes: Uint8Array) => void) | undefined
  #close: ((cause: CloseCause) => void) | undefined
  onDrain: () => void = () => {}

  constructor(owner: SimProcess, local: Address, remote: Address) {
    this.process = owner
    this.local = local
    this.remote = remote
    this.#network = owner.sim.network
    this.out = new SimFlow(this.#network, this, () => this.peer as SimConnection)
    this.#network.connections.add(this)
    owner.network.connections.add(this)
  }

  get onData(): (bytes: Uint8Array) => void {
    return this.#data ?? (() => {})
  }

  set onData(run: (bytes: Uint8Array) => void) {
    this.#data = run
    this.#wake()
  }

  get onClose(): (cause: CloseCause) => void {
    return this.#close ?? (() => {})
  }

  set onClose(run: (cause: CloseCause) => void) {
    this.#close = run
    if (this.#undelivered !== undefined) this.#closeTurn()
  }

  get queuedBytes(): number {
    return Math.max(0, this.out.queuedBytes - KERNEL_BYTES)
  }

  get isDead(): boolean {
    return this.#state === 'dead'
  }

  /** The machine that would retransmit is off. */
  get isPowerless(): boolean {
    return this.#powerless
  }

  send(bytes: Uint8Array): boolean {
    if (!this.process.alive || this.#settled || this.#state !== 'open') return false
    if (bytes.length > 0) this.out.push({ kind: 'data', bytes })
    if (this.queuedBytes <= SEND_MARK_BYTES) return true
    this.#drainDue = true
    if (this.queuedBytes > SEND_QUEUE_BYTES_MAX) {
      this.#settle({ kind: 'reset', reason: SEND_QUEUE_REASON })
      this.#sendReset('ECONNRESET')
    }
    return false
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#wake()
  }

  close(reason?: string): void {
    if (!this.process.alive || this.#settled) return
    this.#settle(localCause(reason))
    this.#sendFin()
  }

  destroy(reason?: string): void {
    if (!this.process.alive || this.#state === 'dead') return
    if (!this.#settled) this.#settle(localCause(reason))
    this.#sendReset('ECONNRESET')
  }

  // The kernel's part.

  arrive(segment: Segment): void {
    if (segment.kind === 'reset') return this.fail(segment.reason)
    if (segment.kind === 'open') {
      if (!segment.accept()) this.#sendReset('ECONNRESET')
      return
    }
    if (this.#state === 'dead') return this.out.push({ kind: 'reset', reason: 'ECONNRESET' })
    if (segment.kind === 'fin') {
      this.#finArrived = true
      if (this.#state === 'closing') this.#forgetIfDone()
      else this.#wake()
      return
    }
    if (this.#state === 'closing') return
    this.#received.push(segment.bytes)
    this.receivedBytes += segment.bytes.length
    this.#wake()
  }

  /** The link is broken at this end: RST came, or TCP gave up. */
  fail(reason: string): void {
    if (this.#state === 'dead') return
    this.#die()
    this.out.drop()
    if (this.#settled) return
    this.#failure = reason
    this.#wake()
  }

  /** Broken at both ends at once. */
  breakLink(reason: string): void {
    this.fail(reason)
    this.peer?.fail(reason)
  }

  /** The process is gone. */
  abandon(how: 'reset' | 'end' | 'silent'): void {
    if (this.#state === 'dead') return
    if (how === 'reset') this.#sendReset('ECONNRESET')
    else if (how === 'end') this.#sendFin()
    else this.#powerless = true
    this.#die()
  }

  /** Data left for the receiver's kernel: there may be room again. */
  onMoved(): void {
    if (!this.#drainDue || this.queuedBytes > SEND_MARK_BYTES / 2) return
    this.#drainDue = false
    this.process.turn('data', () => {
      if (!this.#settled) this.onDrain()
    })
  }

  #sendFin(): void {
    if (this.#state !== 'open' || this.#finSent) return
    this.#finSent = true
    this.#state = 'closing'
    this.#received = []
    this.receivedBytes = 0
    this.out.push({ kind: 'fin' })
    this.peer?.out.onWindow()
    this.#forgetIfDone()
  }

  #sendReset(reason: string): void {
    this.out.drop()
    this.out.push({ kind: 'reset', reason })
    this.#die()
  }

  #forgetIfDone(): void {
    if (this.#finSent && this.#finArrived) this.#die()
  }

  #die(): void {
    this.#state = 'dead'
    this.process.network.connections.delete(this)
    if (this.peer === undefined || this.peer.isDead) {
      this.#network.connections.delete(this)
      if (this.peer !== undefined) this.#network.connections.delete(this.peer)
    }
  }

  // The process's part.

  #hasWork(): boolean {
    if (this.#settled || this.#paused || this.#data === undefined) return false
    return this.#received.length > 0 || this.#finArrived || this.#failure !== undefined
  }

  #wake(): void {
    if (this.#turnDue || !this.#hasWork()) return
    this.#turnDue = true
    // A turn of its own: the handler that resumed or was just set is not re-entered.
    this.process.sim.event(0, () => {
      this.process.turn('data', () => {
        this.#turnDue = false
        if (this.#hasWork()) this.#read()
        this.#wake()
      })
    })
  }

  #read(): void {
    if (this.#received.length > 0) {
      const bytes = this.#take()
      this.peer?.out.onWindow()
      this.process.sim.note(this.process.label, 'received', bytes.length)
      this.#data?.(bytes)
      return
    }
    if (this.#failure !== undefined) this.#settle({ kind: 'reset', reason: this.#failure }, true)
    else {
      this.#settle({ kind: 'end' }, true)
      this.#sendFin()
    }
  }

  /** As one read gives it: all that is there up to 64 KiB, or by chance only a part of it. */
  #take(): Uint8Array {
    const { random, splitChance } = this.#network
    let length = Math.min(this.receivedBytes, READ_BYTES_MAX)
    if (length > 1 && random.chance(splitChance)) length = 1 + random.int(length - 1)
    const taken = new Uint8Array(length)
    let at = 0
    while (at < length) {
      const first = this.#received[0] as Uint8Array
      const part = first.subarray(0, length - at)
      taken.set(part, at)
      at += part.length
      if (part.length === first.length) this.#received.shift()
      else this.#received[0] = first.subarray(part.length)
    }
    this.receivedBytes -= length
    return taken
  }

  #settle(cause: CloseCause, inTurn = false): void {
    this.#settled = true
    this.#received = []
    this.receivedBytes = 0
    this.process.sim.note(this.process.label, `closed ${cause.kind}`, cause.reason)
    if (inTurn && this.#close !== undefined) return this.#close(cause)
    this.#undelivered = cause
    if (this.#close !== undefined) this.#closeTurn()
  }

  #closeTurn(): void {
    this.process.sim.event(0, () => {
      this.process.turn('close', () => {
        const cause = this.#undelivered
        this.#undelivered = undefined
        if (cause !== undefined) this.#close?.(cause)
      })
    })
  }
}

function localCause(reason: string | undefined): CloseCause {
  return reason === undefined ? { kind: 'local' } : { kind: 'local', reason }
}
