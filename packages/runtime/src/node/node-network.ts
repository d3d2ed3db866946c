import { lookup, lookupService } from 'node:dns/promises'
import { connect, createServer, isIP, type Server, type Socket } from 'node:net'
import { formatAddress, type Address } from '../address.ts'
import { silentLogger, type Logger } from '../logger.ts'
import { NetworkError } from '../network.ts'
import type { Connection, ConnectOptions, Listener, Network } from '../network.ts'
import { NodeConnection, plainAddress } from './node-connection.ts'

export interface NodeNetworkOptions {
  /** Accepted links alive at one time, per listener; further ones are closed at once. */
  readonly connectionsMax?: number
  readonly logger?: Logger
}

const CONNECTIONS_MAX = 10_000
/** Where a name has several addresses, the next is tried after this part of the time-out. */
const ATTEMPT_MS_MIN = 250

/** TCP through `node:net`, TCP_NODELAY on every link. */
export class NodeNetwork implements Network {
  readonly #connectionsMax: number
  readonly #logger: Logger

  constructor(options: NodeNetworkOptions = {}) {
    this.#connectionsMax = options.connectionsMax ?? CONNECTIONS_MAX
    this.#logger = options.logger ?? silentLogger
  }

  listen(address: Address, onConnection: (connection: Connection) => void): Promise<Listener> {
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true })
    server.maxConnections = this.#connectionsMax
    server.on('connection', socket => {
      const remote = { host: plainAddress(socket.remoteAddress), port: socket.remotePort ?? 0 }
      onConnection(new NodeConnection(socket, remote))
    })
    return new Promise((resolve, reject) => {
      const refused = (error: Error): void => reject(networkError(error, address, 'listen on'))
      server.once('error', refused)
      server.listen({ host: address.host, port: address.port, exclusive: true }, () => {
        server.off('error', refused)
        server.on('error', error => this.#onAcceptError(error, address))
        resolve(listenerOf(server, address))
      })
    })
  }

  /** Accepting failed (too many open files, most often); the listener itself lives on. */
  #onAcceptError(error: Error, address: Address): void {
    const fields = { address: formatAddress(address), error: error.message }
    this.#logger.error(fields, 'could not accept a connection')
  }

  connect(address: Address, options: ConnectOptions): Promise<Connection> {
    if (options.signal?.aborted === true) return Promise.reject(aborted(address))
    return new Promise((resolve, reject) => {
      const socket = open(address, options.timeoutMs)
      const settle = (error: NetworkError | undefined): void => {
        clearTimeout(timer)
        options.signal?.removeEventListener('abort', onAbort)
        socket.off('error', onError)
        if (error === undefined) return resolve(new NodeConnection(socket, address))
        socket.on('error', () => {}) // a late error of a link already given up has no reader
        socket.destroy()
        reject(error)
      }
      const onAbort = (): void => settle(aborted(address))
      const onError = (error: Error): void => settle(networkError(error, address, 'connect to'))
      const timer = setTimeout(
        () => settle(timedOut(address, options.timeoutMs)),
        options.timeoutMs,
      )
      options.signal?.addEventListener('abort', onAbort, { once: true })
      socket.once('error', onError)
      socket.once('connect', () => settle(undefined))
    })
  }

  async resolve(host: string): Promise<readonly string[]> {
    if (isIP(host) !== 0) return [host]
    try {
      const found = await lookup(host, { all: true })
      return found.map(entry => entry.address)
    } catch (cause) {
      const message = `the host name "${host}" does not resolve: ${(cause as Error).message}`
      throw new NetworkError('ENOTFOUND', { host, port: 0 }, message)
    }
  }

  async reverse(ip: string): Promise<string> {
    if (isIP(ip) === 0) return ip
    return lookupService(ip, 0).then(
      found => found.hostname,
      () => ip, // no name: the contract says the literal itself
    )
  }
}

function open(address: Address, timeoutMs: number): Socket {
  return connect({
    host: address.host,
    port: address.port,
    noDelay: true,
    allowHalfOpen: true,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: Math.max(ATTEMPT_MS_MIN, Math.floor(timeoutMs / 2)),
  })
}

function listenerOf(server: Server, address: Address): Listener {
  const bound = server.address()
  const port = bound !== null && typeof bound === 'object' ? bound.port : address.port
  return {
    address: { host: address.host, port },
    // Resolves when the port is free; waiting for node's callback would wait for the accepted
    // links too, which live on.
    close: () => {
      if (server.listening) server.close()
      return new Promise(resolve => setImmediate(resolve))
    },
  }
}

function networkError(error: Error, address: Address, what: string): NetworkError {
  const found = (error as NodeJS.ErrnoException).code ?? 'EIO'
  const code = found === 'EAI_AGAIN' ? 'ENOTFOUND' : found
  const message = `could not ${what} ${formatAddress(address)}: ${code}`
  return new NetworkError(code, address, message)
}

function timedOut(address: Address, timeoutMs: number): NetworkError {
  const message = `no connection to ${formatAddress(address)} within ${timeoutMs} ms`
  return new NetworkError('ETIMEDOUT', address, message)
}

function aborted(address: Address): NetworkError {
  return new NetworkError('ABORTED', address, `connecting to ${formatAddress(address)} was aborted`)
}
