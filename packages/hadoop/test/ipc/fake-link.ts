import type { Address, Cancel, Clock, CloseCause, Connection } from '@baton/runtime'

/** A link whose other end is the test: what was sent is kept, what comes in is said by the test. */
export class FakeLink implements Connection {
  readonly remote: Address = { host: '127.0.0.1', port: 18031 }
  readonly local: Address = { host: '127.0.0.1', port: 40001 }
  readonly sent: Uint8Array[] = []
  onData: (bytes: Uint8Array) => void = () => {}
  onDrain: () => void = () => {}
  onClose: (cause: CloseCause) => void = () => {}
  paused = false
  closed: CloseCause | undefined
  /** What `send` answers, and how much it says is queued. */
  accepts = true
  queuedBytes = 0

  send(bytes: Uint8Array): boolean {
    if (this.closed !== undefined) return false
    this.sent.push(bytes)
    return this.accepts
  }
  pause(): void {
    this.paused = true
  }
  resume(): void {
    this.paused = false
  }
  close(reason?: string): void {
    this.end(reason === undefined ? { kind: 'local' } : { kind: 'local', reason })
  }
  destroy(reason?: string): void {
    this.close(reason)
  }
  end(cause: CloseCause): void {
    if (this.closed !== undefined) return
    this.closed = cause
    this.onClose(cause)
  }
  /** Everything sent so far as one hex string. */
  get sentHex(): string {
    return toHex(Buffer.concat(this.sent))
  }
}

/** Time that moves when the test says so. */
export class ManualClock implements Clock {
  #nowMs = 1_000
  #timers = new Map<number, { dueMs: number; run: () => void }>()
  #count = 0

  now(): number {
    return this.#nowMs
  }
  wallTime(): number {
    return this.#nowMs
  }
  after(delayMs: number, run: () => void): Cancel {
    const id = this.#count++
    this.#timers.set(id, { dueMs: this.#nowMs + delayMs, run })
    return () => this.#timers.delete(id)
  }
  every(intervalMs: number, run: () => void): Cancel {
    let cancel: Cancel = () => {}
    const arm = (): void => {
      cancel = this.after(intervalMs, () => {
        arm()
        run()
      })
    }
    arm()
    return () => cancel()
  }
  get timerCount(): number {
    return this.#timers.size
  }
  advance(byMs: number): void {
    const endMs = this.#nowMs + byMs
    for (;;) {
      const due = [...this.#timers].filter(([, timer]) => timer.dueMs <= endMs)
      const next = due.sort((a, b) => a[1].dueMs - b[1].dueMs || a[0] - b[0])[0]
      if (next === undefined) break
      this.#timers.delete(next[0])
      this.#nowMs = next[1].dueMs
      next[1].run()
    }
    this.#nowMs = endMs
  }
}

export function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'))
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** Lets every promise that can settle do so. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
}
