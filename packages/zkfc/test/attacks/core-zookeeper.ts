import type { Effect, ZkOperation, ZkResult } from '../../src/core/messages.ts'
import { sameBytes } from '../../src/active-breadcrumb.ts'
import { DATA } from '../support/golden.ts'
import type { CoreWorld } from './core-world.ts'

const TIMEOUT_MS = 10_000
const NO_NODE = { ok: false, error: 'noNode' } as const

interface Link {
  readonly handle: number
  readonly id: bigint
  connected: boolean
  /** Grows with each connection: what was asked on an old one is not answered on a new one. */
  turn: number
  contactMs: number
  watching: boolean
  asked: number[]
}

/** The two znodes and the sessions, as one controller and a rival see them. */
export class CoreZooKeeper {
  readonly #world: CoreWorld
  readonly #alive = new Set<bigint>()
  #lock: { readonly owner: bigint; readonly data: Uint8Array } | undefined
  #crumb: { readonly data: Uint8Array; readonly version: number } | undefined
  #link: Link | undefined
  #heardMs: number | undefined
  #lastSession = 15n

  constructor(world: CoreWorld) {
    this.#world = world
  }

  /** When something was sent that was answered since; pings see to it each second. */
  heardMs(): number | undefined {
    const { now } = this.#world
    const link = this.#link
    if (link?.connected === true && now - (this.#heardMs ?? 0) > 1000) this.#heardMs = now - 5
    if (link?.connected === true) link.contactMs = this.#heardMs ?? now
    return this.#heardMs
  }

  whyNotActive(): string {
    if (this.#lock?.owner !== this.#link?.id) return 'transitionToActive without the lock'
    const own = DATA['own'] ?? new Uint8Array(0)
    if (this.#crumb !== undefined && sameBytes(this.#crumb.data, own)) return ''
    return 'transitionToActive without the breadcrumb'
  }

  open(handle: number): void {
    const world = this.#world
    this.#link = undefined
    world.later(() => {
      const { elector } = world.core.state
      if (elector.handle !== handle || elector.link !== 'connecting') return
      const id = (this.#lastSession += 1n)
      this.#alive.add(id)
      const contactMs = world.now
      const link = { handle, id, connected: true, turn: 0, contactMs, watching: false, asked: [] }
      this.#link = link
      this.#connected(link)
    })
  }

  close(handle: number): void {
    const link = this.#link
    this.#link = undefined
    this.#world.later(() => {
      const reached = link?.connected === true && !this.#world.chance(0.1)
      if (link !== undefined) {
        if (reached) this.#expire(link.id)
        else this.#world.after(TIMEOUT_MS, () => this.#expire(link.id))
      }
      this.#world.input({ kind: 'session', handle, state: 'closed' })
    })
  }

  request(effect: Extract<Effect, { kind: 'zk' }>): void {
    const world = this.#world
    const link = this.#link
    if (link?.handle !== effect.handle) return
    const { turn } = link
    const sentMs = world.now
    const lost = world.chance(0.06)
    const applied = !lost || world.random.chance(0.5)
    link.asked.push(effect.id)
    world.later(() => {
      const result =
        applied && this.#alive.has(link.id) ? this.#apply(effect.operation, link) : null
      if (this.#link !== link || link.turn !== turn || !link.connected) return
      if (lost || result === null) return this.drop()
      link.asked = link.asked.filter(id => id !== effect.id)
      this.#heardMs = Math.max(this.#heardMs ?? 0, sentMs)
      world.input({ kind: 'zkReplied', handle: link.handle, id: effect.id, result })
    })
  }

  /** The connection breaks: what was asked is lost, and the session may be, too. */
  drop(): void {
    const world = this.#world
    const link = this.#link
    if (link?.connected !== true) return
    link.connected = false
    link.turn += 1
    const { handle, id, asked } = link
    link.asked = []
    for (const lost of asked) {
      const result = { ok: false, error: 'connectionLoss' } as const
      world.input({ kind: 'zkReplied', handle, id: lost, result })
    }
    world.input({ kind: 'session', handle, state: 'disconnected', sessionId: id })
    world.after(world.random.between(1, world.chance(0.3) ? 15_000 : 300), () => {
      if (world.now - link.contactMs > TIMEOUT_MS) this.#expire(id)
      if (this.#link !== link) return
      if (this.#alive.has(id)) return this.#connected(link)
      this.#link = undefined
      world.input({ kind: 'session', handle, state: 'expired', sessionId: id })
    })
  }

  /** Another controller takes a free lock, becomes active, and is gone after a while. */
  rival(): void {
    if (this.#lock !== undefined) return
    const owner = (this.#lastSession += 1n)
    const data = DATA['nn2'] ?? new Uint8Array(0)
    this.#alive.add(owner)
    this.#lock = { owner, data }
    this.#crumb = { data, version: (this.#crumb?.version ?? -1) + 1 }
    this.#world.after(this.#world.random.between(1, 8000), () => this.#expire(owner))
  }

  #connected(link: Link): void {
    const world = this.#world
    link.connected = true
    link.contactMs = world.now
    this.#heardMs = world.now - 1
    const { handle, id: sessionId } = link
    world.input({ kind: 'session', handle, state: 'connected', sessionId, timeoutMs: TIMEOUT_MS })
  }

  #expire(id: bigint): void {
    this.#alive.delete(id)
    if (this.#lock?.owner !== id) return
    this.#lock = undefined
    const link = this.#link
    if (link?.watching !== true || !link.connected) return
    link.watching = false
    const { handle, turn } = link
    this.#world.after(1, () => {
      if (this.#link !== link || link.turn !== turn) return
      this.#world.input({ kind: 'watchFired', handle, event: 'nodeDeleted' })
    })
  }

  #read(path: ZkOperation['path']): ZkResult {
    if (path === 'parent') return { ok: true, version: 0, owner: 0n }
    if (path === 'lock') return this.#lock === undefined ? NO_NODE : { ok: true, ...this.#lock }
    return this.#crumb === undefined ? NO_NODE : { ok: true, ...this.#crumb, owner: 0n }
  }

  #apply(operation: ZkOperation, link: Link): ZkResult {
    const { path } = operation
    const found = this.#read(path)
    switch (operation.op) {
      case 'sync':
        return { ok: true }
      case 'exists':
        link.watching ||= operation.watch
        return found
      case 'getData':
        return found
      case 'create':
        if (found.ok) return { ok: false, error: 'nodeExists' }
        if (path === 'lock') this.#lock = { owner: link.id, data: operation.data }
        else this.#crumb = { data: operation.data, version: 0 }
        return { ok: true }
      case 'setData':
      case 'delete':
        if (!found.ok) return found
        if (found.version !== operation.version) return { ok: false, error: 'badVersion' }
        this.#crumb =
          operation.op === 'delete'
            ? undefined
            : { data: operation.data, version: operation.version + 1 }
        return { ok: true }
    }
  }
}
