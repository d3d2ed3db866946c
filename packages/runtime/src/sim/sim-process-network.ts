import { formatAddress, type Address } from '../address.ts'
import { NetworkError } from '../network.ts'
import type { Connection, ConnectOptions, Listener, Network } from '../network.ts'
import { SimConnection } from './sim-connection.ts'
import type { SimHost } from './sim-host.ts'
import type { SimProcess } from './sim-process.ts'

interface Listening {
  readonly owner: SimProcess
  readonly address: Address
  readonly onConnection: (connection: Connection) => void
  backlogCount: number
  open: boolean
}

const LOOPBACK_NAMES = new Set(['127.0.0.1', 'localhost', '::1'])
const WILDCARDS = new Set(['0.0.0.0', '::'])
const BACKLOG_MAX = 511
const SYN_RETRIES_MAX = 6
const SYN_RETRY_MS = 1_000
const LOOKUP_MS = 0.5
const EPHEMERAL_PORT_MIN = 32_768
const PORT_MAX = 65_535

/** The network as one process sees it. */
export class SimProcessNetwork implements Network {
  readonly process: SimProcess
  readonly connections = new Set<SimConnection>()
  readonly #listening = new Set<Listening>()

  constructor(owner: SimProcess) {
    this.process = owner
  }

  listen(address: Address, onConnection: (connection: Connection) => void): Promise<Listener> {
    return this.#answer(() => {
      const { host } = this.process
      const refuse = (code: string, why: string): never => {
        throw new NetworkError(
          code,
          address,
          `could not listen on ${formatAddress(address)}: ${why}`,
        )
      }
      if (!isLocal(host, address.host)) refuse('EADDRNOTAVAIL', 'not an address of this host')
      const port = address.port === 0 ? freePort(host) : address.port
      const bound = { host: address.host, port }
      if (findListening(host, bound, overlaps) !== undefined) refuse('EADDRINUSE', 'in use')
      const owner = this.process
      const entry = { owner, address: bound, onConnection, backlogCount: 0, open: true }
      this.#listening.add(entry)
      owner.sim.note(owner.label, 'listens', port)
      return { address: bound, close: () => this.#unlisten(entry) }
    })
  }

  #unlisten(entry: Listening): Promise<void> {
    entry.open = false
    this.#listening.delete(entry)
    return this.#answer(() => undefined)
  }

  get listening(): ReadonlySet<Listening> {
    return this.#listening
  }

  connect(address: Address, options: ConnectOptions): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const owner = this.process
      if (!owner.alive) return
      const { sim } = owner
      let settled = false
      const settle = (error: NetworkError | undefined, made?: SimConnection): void => {
        owner.turn('connect', () => {
          if (settled) return made?.destroy('no longer wanted')
          settled = true
          cancelLimit()
          options.signal?.removeEventListener('abort', onAbort)
          if (error !== undefined) return reject(error)
          if (made !== undefined) resolve(made)
        })
      }
      const fail = (code: string): void => settle(failed(code, address))
      const cancelLimit = owner.runtime.clock.after(options.timeoutMs, () => fail('ETIMEDOUT'))
      const onAbort = (): void => {
        sim.event(0, () => fail('ABORTED'))
      }
      if (options.signal?.aborted === true) return onAbort()
      options.signal?.addEventListener('abort', onAbort, { once: true })
      const attempt: Attempt = {
        owner,
        address,
        done: () => settled || !owner.alive,
        established: made => settle(undefined, made),
        failed: fail,
      }
      startAttempt(attempt)
    })
  }

  resolve(host: string): Promise<readonly string[]> {
    return this.#answer(() => {
      if (/^[\d.]+$/.test(host) || host.includes(':')) return [host]
      if (host === 'localhost') return ['127.0.0.1']
      const found = this.process.sim.network.find(host)
      if (found !== undefined) return [found.ip]
      const message = `the host name "${host}" does not resolve`
      throw new NetworkError('ENOTFOUND', { host, port: 0 }, message)
    })
  }

  reverse(ip: string): Promise<string> {
    return this.#answer(() => {
      if (LOOPBACK_NAMES.has(ip)) return 'localhost'
      return this.process.sim.network.find(ip)?.name ?? ip
    })
  }

  /** The process ended. */
  end(sockets: 'reset' | 'end' | 'silent'): void {
    for (const entry of this.#listening) entry.open = false
    this.#listening.clear()
    for (const connection of [...this.connections]) connection.abandon(sockets)
    this.connections.clear()
  }

  #answer<T>(run: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const owner = this.process
      if (!owner.alive) return
      owner.sim.event(LOOKUP_MS, () => {
        owner.turn('connect', () => {
          try {
            resolve(run())
          } catch (error) {
            reject(error as Error)
          }
        })
      })
    })
  }
}

interface Attempt {
  readonly owner: SimProcess
  readonly address: Address
  readonly done: () => boolean
  readonly established: (connection: SimConnection) => void
  readonly failed: (code: string) => void
}

function startAttempt(attempt: Attempt): void {
  const { owner, address } = attempt
  const { network } = owner.sim
  const target = isLoopback(address.host) ? owner.host : network.find(address.host)
  if (target === undefined) {
    owner.sim.event(LOOKUP_MS, () => attempt.failed('ENOTFOUND'))
    return
  }
  sendSyn(attempt, target, 0)
}

/** SYN, and again after 1, 3, 7, … seconds while nothing comes back. */
function sendSyn(attempt: Attempt, target: SimHost, tries: number): void {
  if (attempt.done()) return
  const { sim, host } = attempt.owner
  if (tries < SYN_RETRIES_MAX) {
    sim.event(SYN_RETRY_MS * 2 ** tries, () => sendSyn(attempt, target, tries + 1))
  }
  crossWire(host, target, () => {
    const listening = findListening(target, attempt.address, accepts)
    if (listening === undefined) {
      crossWire(target, host, () => attempt.failed('ECONNREFUSED'))
    } else if (listening.backlogCount < BACKLOG_MAX) {
      crossWire(target, host, () => {
        if (!attempt.done()) establish(attempt, listening)
      })
    }
  })
}

/** A packet outside any stream: it arrives, or is lost. */
function crossWire(from: SimHost, to: SimHost, arrive: () => void): void {
  const { sim } = from
  const { network } = sim
  const link = network.link(from, to)
  if (network.blocked(from, to) || network.random.chance(link.loss)) return
  sim.event(network.random.between(link.minMs, link.maxMs), () => {
    if (!network.blocked(from, to)) arrive()
  })
}

function establish(attempt: Attempt, listening: Listening): void {
  const { owner, address } = attempt
  if (!listening.open) return attempt.failed('ECONNREFUSED')
  const loopback = isLoopback(address.host)
  const from = loopback ? address.host : owner.host.ip
  const here: Address = { host: from, port: ephemeralPort(owner.host) }
  const there = loopback ? address.host : listening.owner.host.ip
  const client = new SimConnection(owner, here, address)
  const local = { host: there, port: address.port }
  const server = new SimConnection(listening.owner, local, here)
  client.peer = server
  server.peer = client
  client.out.push({ kind: 'open', accept: () => accept(listening, server) })
  attempt.established(client)
}

function accept(listening: Listening, server: SimConnection): boolean {
  if (!listening.open) return false
  listening.backlogCount++
  listening.owner.turn('accept', () => {
    listening.backlogCount--
    if (listening.open) listening.onConnection(server)
    else server.destroy('the listener is closed')
  })
  return true
}

function isLoopback(name: string): boolean {
  return LOOPBACK_NAMES.has(name)
}

function isLocal(host: SimHost, name: string): boolean {
  if (isLoopback(name) || WILDCARDS.has(name)) return true
  return host.sim.network.find(name) === host
}

type Match = (bound: string, wanted: string) => boolean

/** A listener bound to loopback is not reached from outside, nor the other way round. */
const accepts: Match = (bound, wanted) =>
  WILDCARDS.has(bound) || isLoopback(bound) === isLoopback(wanted)

const overlaps: Match = (bound, wanted) => WILDCARDS.has(wanted) || accepts(bound, wanted)

function findListening(host: SimHost, wanted: Address, match: Match): Listening | undefined {
  for (const owner of host.processes) {
    for (const entry of owner.network.listening) {
      const { address } = entry
      if (address.port === wanted.port && match(address.host, wanted.host)) return entry
    }
  }
  return undefined
}

function freePort(host: SimHost): number {
  for (let port = EPHEMERAL_PORT_MIN; port <= PORT_MAX; port++) {
    if (findListening(host, { host: '0.0.0.0', port }, overlaps) === undefined) return port
  }
  throw host.sim.failure(`${host.name} has no free port`)
}

function ephemeralPort(host: SimHost): number {
  const port = host.nextClientPort
  host.nextClientPort = port === PORT_MAX ? EPHEMERAL_PORT_MIN : port + 1
  return port
}

function failed(code: string, address: Address): NetworkError {
  return new NetworkError(code, address, `could not connect to ${formatAddress(address)}: ${code}`)
}
