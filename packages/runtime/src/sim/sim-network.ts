/**
 * The wires between hosts: delay, loss, cuts, as TCP shows them to a program.
 *
 * Inside a live stream no byte is ever dropped: loss is delay, then in the worst case a reset. A
 * cut holds what is under way; after `heal` it arrives late, as retransmitted data does, or the
 * sender gave up in between (`tcpTimeoutMs`). An order of arrival is kept per direction only.
 */
import type { SimConnection } from './sim-connection.ts'
import type { SimHost } from './sim-host.ts'
import type { SimRandom } from './sim-random.ts'
import type { Simulation } from './simulation.ts'

export interface LinkOptions {
  readonly minMs: number
  readonly maxMs: number
  /** Chance that a segment is lost: it then comes at least 200 ms later, doubling. */
  readonly loss: number
}

export interface CutOptions {
  /** Only what goes from the first to the second is cut. */
  readonly oneWay?: boolean
}

const DEFAULT_LINK: LinkOptions = { minMs: 0.2, maxMs: 1, loss: 0 }
const LOOPBACK: LinkOptions = { minMs: 0.02, maxMs: 0.08, loss: 0 }
const RETRANSMIT_MS_MIN = 200
const RETRANSMIT_COUNT_MAX = 8
const TCP_TIMEOUT_MS = 900_000
const SPLIT_CHANCE = 0.05

export class SimNetwork {
  readonly sim: Simulation
  /** Unacknowledged data that long ends a link with a reset at its sender. */
  tcpTimeoutMs = TCP_TIMEOUT_MS
  /** Chance that data arrives in two pieces. */
  splitChance = SPLIT_CHANCE
  readonly connections = new Set<SimConnection>()
  readonly random: SimRandom
  #defaultLink = DEFAULT_LINK
  readonly #links = new Map<SimHost, Map<SimHost, LinkOptions>>()
  readonly #aliases = new Map<string, SimHost>()

  constructor(sim: Simulation) {
    this.sim = sim
    this.random = sim.random.fork('network')
  }

  /** For every pair of hosts without options of its own. */
  setDefault(options: Partial<LinkOptions>): void {
    this.#defaultLink = { ...this.#defaultLink, ...options }
  }

  /** Both directions between two hosts. */
  setLink(a: SimHost | string, b: SimHost | string, options: Partial<LinkOptions>): void {
    for (const [from, to] of bothWays(this.#host(a), this.#host(b))) {
      const links = this.#links.get(from) ?? new Map<SimHost, LinkOptions>()
      links.set(to, { ...this.link(from, to), ...options })
      this.#links.set(from, links)
    }
  }

  link(from: SimHost, to: SimHost): LinkOptions {
    if (from === to) return LOOPBACK
    return this.#links.get(from)?.get(to) ?? this.#defaultLink
  }

  cut(a: SimHost | string, b: SimHost | string, options: CutOptions = {}): void {
    const from = this.#host(a)
    const to = this.#host(b)
    from.cutTo.add(to)
    if (options.oneWay !== true) to.cutTo.add(from)
    this.sim.note('network', options.oneWay === true ? 'cut one way' : 'cut', pair(from, to))
  }

  /** Both directions. */
  heal(a: SimHost | string, b: SimHost | string): void {
    for (const [from, to] of bothWays(this.#host(a), this.#host(b))) from.cutTo.delete(to)
    this.sim.note('network', 'healed', pair(this.#host(a), this.#host(b)))
    this.kick()
  }

  healAll(): void {
    for (const host of this.sim.hosts) host.cutTo.clear()
    this.sim.note('network', 'healed all')
    this.kick()
  }

  /** Cuts a host from all others. */
  isolate(host: SimHost | string): void {
    const alone = this.#host(host)
    for (const other of this.sim.hosts) if (other !== alone) this.cut(alone, other)
  }

  /** Cuts every link between hosts of different groups; hosts in no group keep all their links. */
  partition(groups: readonly (readonly (SimHost | string)[])[]): void {
    groups.forEach((group, at) => {
      for (const other of groups.slice(at + 1)) {
        for (const a of group) for (const b of other) this.cut(a, b)
      }
    })
  }

  /** Resets every link between two hosts, at both ends. */
  reset(a: SimHost | string, b: SimHost | string): void {
    const one = this.#host(a)
    const two = this.#host(b)
    this.sim.note('network', 'reset', pair(one, two))
    for (const connection of [...this.connections]) {
      const from = connection.process.host
      const to = connection.peer?.process.host
      const between = (from === one && to === two) || (from === two && to === one)
      if (between) connection.breakLink('ECONNRESET')
    }
  }

  /** Another name for a host. */
  alias(name: string, host: SimHost | string): void {
    this.#aliases.set(name, this.#host(host))
  }

  // From here on: for the parts of the simulation.

  /** The host behind a name or an IP literal. */
  find(name: string): SimHost | undefined {
    const alias = this.#aliases.get(name)
    if (alias !== undefined) return alias
    return this.sim.hosts.find(host => host.name === name || host.ip === name)
  }

  /** Nothing passes from one to the other right now. */
  blocked(from: SimHost, to: SimHost): boolean {
    return !to.up || (from.cutTo.size > 0 && from.cutTo.has(to))
  }

  /** Time on the wire; undefined where the segment was lost too often and the link breaks. */
  drawDelayMs(from: SimHost, to: SimHost): number | undefined {
    const link = this.link(from, to)
    let delayMs = this.random.between(link.minMs, link.maxMs)
    if (link.loss === 0) return delayMs
    for (let tries = 0; this.random.chance(link.loss); tries++) {
      if (tries === RETRANSMIT_COUNT_MAX) return undefined
      delayMs += RETRANSMIT_MS_MIN * 2 ** tries
    }
    return delayMs
  }

  /** Retransmission after a cut comes with a delay of its own. */
  drawRetransmitMs(): number {
    return this.random.between(1, RETRANSMIT_MS_MIN)
  }

  /** A cut ended or a host is back: what was held goes on. */
  kick(): void {
    for (const connection of this.connections) connection.out.kick()
  }

  #host(host: SimHost | string): SimHost {
    return typeof host === 'string' ? this.sim.host(host) : host
  }
}

function bothWays(a: SimHost, b: SimHost): readonly (readonly [SimHost, SimHost])[] {
  return [
    [a, b],
    [b, a],
  ]
}

function pair(a: SimHost, b: SimHost): string {
  return `${a.name} ${b.name}`
}
