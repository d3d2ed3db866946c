/** Drives the core by hand: inputs in, its effects out as lines of text. */
import { formatAddress } from '@baton/runtime'
import { ClientCnxn } from '../src/client-cnxn.ts'
import type { ClientCnxnOptions } from '../src/client-cnxn.ts'
import type { Effect, Input, Operation, Reply, Watch } from '../src/index.ts'
import { Chroot } from '../src/paths.ts'
import { connectText, grant, requestText, text } from './wire.ts'

/** Leaves the order of the servers as it is and makes every pause its longest. */
export const plainRandom = {
  int: (below: number): number => below - 1,
  bytes: (count: number): Uint8Array => new Uint8Array(count),
}

export interface BenchOptions extends Partial<ClientCnxnOptions> {
  readonly serverCount?: number
}

export class CoreBench {
  readonly core: ClientCnxn
  now = 0
  #generation = 0
  #hello = false
  readonly #names = new Map<unknown, string>()

  constructor({ serverCount = 1, ...options }: BenchOptions = {}) {
    const servers = Array.from({ length: serverCount }, (_, i) => ({ host: `s${i + 1}`, port: 1 }))
    this.core = new ClientCnxn({
      servers,
      random: plainRandom,
      chroot: new Chroot(''),
      auth: [],
      session: undefined,
      sessionTimeoutMs: 6_000,
      connectTimeoutMs: 2_000,
      closeTimeoutMs: 2_000,
      outstandingMax: 100,
      outstandingBytesMax: 1_000_000,
      requestBytesMax: 0xfffff,
      responseBytesMax: 0xfffff,
      ...options,
    })
  }

  step(input: Input): string[] {
    return this.core.step(input, this.now).map(effect => this.#line(effect))
  }

  /** Of the link that the core has asked for last. */
  connected(): string[] {
    return this.step({ kind: 'connected', generation: this.#generation })
  }

  data(...pieces: Uint8Array[]): string[] {
    const bytes = Buffer.concat(pieces)
    return this.step({ kind: 'data', generation: this.#generation, bytes })
  }

  closed(reason = 'cut'): string[] {
    return this.step({ kind: 'closed', generation: this.#generation, reason })
  }

  tick(atMs: number): string[] {
    this.now = atMs
    return this.step({ kind: 'tick' })
  }

  /** Rings whenever the core asks for it, exactly on time, up to a moment. */
  ticksUntil(atMs: number): string[] {
    const lines: string[] = []
    for (let at = this.core.wakeAt(); at !== undefined && at <= atMs; at = this.core.wakeAt()) {
      lines.push(...this.tick(Math.max(at, this.now)).map(line => `${Math.round(at)}: ${line}`))
    }
    this.now = atMs
    return lines
  }

  submit(operation: Operation): string[] {
    const path = 'path' in operation ? ` ${operation.path}` : ''
    return this.step({ kind: 'submit', operation, reply: this.reply(operation.kind + path) })
  }

  ping(name = 'ping'): string[] {
    return this.step({ kind: 'ping', reply: this.reply(name) })
  }

  close(name = 'close'): string[] {
    return this.step({ kind: 'close', reply: this.reply(name) })
  }

  addAuth(scheme: string): string[] {
    const auth = { scheme, auth: Buffer.from('u:p') }
    return this.step({ kind: 'addAuth', auth, reply: this.reply(`addAuth ${scheme}`) })
  }

  detach(): string[] {
    return this.step({ kind: 'detach' })
  }

  /** Connects, and is granted a session. */
  goLive(bytes: Uint8Array = grant()): string[] {
    return [...this.step({ kind: 'start' }), ...this.connected(), ...this.data(bytes)]
  }

  reply(name: string): Reply<unknown> {
    return this.#named(name, () => {})
  }

  watch(name: string): Watch {
    return this.#named(name, () => {})
  }

  #named<T>(name: string, value: T): T {
    this.#names.set(value, name)
    return value
  }

  #line(effect: Effect): string {
    switch (effect.kind) {
      case 'connect':
        this.#generation = effect.generation
        this.#hello = true
        return `connect ${formatAddress(effect.server)}`
      case 'send':
        if (!this.#hello) return `send ${requestText(effect.bytes)}`
        this.#hello = false
        return `send ${connectText(effect.bytes)}`
      case 'disconnect':
        return `disconnect: ${effect.reason}`
      case 'reply':
        if (effect.error !== undefined) return `fail ${effect.error.message}`
        return `answer ${this.#names.get(effect.reply)}: ${text(effect.value)}`
      case 'event':
        return `event ${this.#names.get(effect.watch)}: ${text(effect.event)}`
      case 'state':
        return `state ${effect.state}`
    }
  }
}
