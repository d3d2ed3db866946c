/**
 * Which server next, and after what pause (ZooKeeper `StaticHostProvider`). The order is shuffled
 * once, so that clients spread; a drop goes on with the next one at once, because a failover waits
 * for it; only when a whole round has failed comes a jittered pause that doubles from round to
 * round, so that a thousand clients do not come back in the same millisecond.
 */
import { assert } from '@baton/runtime'
import type { Address, Random } from '@baton/runtime'

export const PAUSE_MS_MIN = 100
export const PAUSE_MS_MAX = 1_000

export class HostProvider {
  readonly #servers: readonly Address[]
  readonly #random: Random
  #next = 0
  #failures = 0

  constructor(servers: readonly Address[], random: Random) {
    assert(servers.length > 0, 'a connect string names at least one server')
    this.#servers = shuffled(servers, random)
    this.#random = random
  }

  get count(): number {
    return this.#servers.length
  }

  next(): Address {
    const server = this.#servers[this.#next]
    assert(server !== undefined, 'the next server is one of the list')
    this.#next = (this.#next + 1) % this.#servers.length
    return server
  }

  /** A connection that held: the next failure is the first of a new round. */
  succeeded(): void {
    this.#failures = 0
  }

  /** The pause in ms before the next attempt: undefined inside a round, else its end. */
  failed(): number | undefined {
    this.#failures++
    if (this.#failures % this.count !== 0) return undefined
    const rounds = this.#failures / this.count
    const pause = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** Math.min(rounds - 1, 10))
    return pause / 2 + this.#random.int(pause / 2 + 1)
  }
}

function shuffled(servers: readonly Address[], random: Random): readonly Address[] {
  const order = [...servers]
  for (let at = order.length - 1; at > 0; at--) {
    const other = random.int(at + 1)
    const kept = order[at] as Address
    order[at] = order[other] as Address
    order[other] = kept
  }
  return order
}
