/**
 * All connections of the client port (ZooKeeper 3.9 `ServerCnxnFactory`): accepts within limits,
 * closes those that never say which session they want, and at the end of each turn sends what the
 * turn wrote, one write a connection.
 */
import type { Address, Cancel, Clock, Connection, Listener, Logger, Network } from '@baton/runtime'
import type { ServerConfig } from '../config.ts'
import type { ServerMetrics } from '../metrics.ts'
import type { Session } from '../state/session-tracker.ts'
import type { ConnectionStatus } from './four-letter-words.ts'
import { ServerCnxn, type CnxnHost } from './server-cnxn.ts'

export interface FactoryOptions {
  readonly config: ServerConfig
  readonly clock: Clock
  readonly network: Network
  readonly logger: Logger
  readonly metrics: ServerMetrics
  /** The host's calls but those about output and closing, which the factory takes itself. */
  readonly host: Omit<CnxnHost, 'onOutput' | 'onWaiting' | 'onClosed' | 'onTurnEnd'>
  readonly onClosed: (cnxn: ServerCnxn) => void
  readonly onTurnEnd: () => void
}

export class ServerCnxnFactory {
  readonly #options: FactoryOptions
  readonly #cnxns = new Map<ServerCnxn, { readonly host: string; cancel: Cancel }>()
  readonly #countByHost = new Map<string, number>()
  readonly #host: CnxnHost
  readonly #waiting = new Set<ServerCnxn>()
  #dirty: ServerCnxn[] = []
  #listener: Listener | undefined

  constructor(options: FactoryOptions) {
    this.#options = options
    this.#host = {
      ...options.host,
      onOutput: cnxn => void this.#dirty.push(cnxn),
      onWaiting: cnxn => void this.#waiting.add(cnxn),
      onClosed: cnxn => this.#onClosed(cnxn),
      onTurnEnd: options.onTurnEnd,
    }
  }

  async listen(): Promise<Address> {
    const { network, config } = this.#options
    this.#listener = await network.listen(config.clientAddress, link => this.#onConnection(link))
    return this.#listener.address
  }

  get count(): number {
    return this.#cnxns.size
  }

  statuses(): ConnectionStatus[] {
    return [...this.#cnxns.keys()].map(cnxn => ({
      host: cnxn.remote.host,
      port: cnxn.remote.port,
      queuedCount: cnxn.queue?.length ?? 0,
      receivedCount: cnxn.packetsReceivedCount,
      sentCount: cnxn.packetsSentCount,
    }))
  }

  #onConnection(link: Connection): void {
    const { host } = link.remote
    const refusal = this.#refusal(host)
    if (refusal !== undefined) {
      this.#options.metrics.connectionRejectedCount++
      this.#options.logger.warn({ remote: host }, refusal)
      link.onData = () => {}
      link.onClose = () => {}
      link.close(refusal)
      return
    }
    this.#countByHost.set(host, (this.#countByHost.get(host) ?? 0) + 1)
    const cnxn = new ServerCnxn(link, this.#host)
    const { clock, config } = this.#options
    const cancel = clock.after(config.sessionlessTimeoutMs, () => this.#onSessionless(cnxn))
    this.#cnxns.set(cnxn, { host, cancel })
  }

  #refusal(host: string): string | undefined {
    const { maxCnxns, maxClientCnxns } = this.#options.config
    if (maxCnxns > 0 && this.#cnxns.size >= maxCnxns) {
      return `too many connections: maxCnxns is ${maxCnxns}`
    }
    if (maxClientCnxns > 0 && (this.#countByHost.get(host) ?? 0) >= maxClientCnxns) {
      return `too many connections from ${host}: maxClientCnxns is ${maxClientCnxns}`
    }
    return undefined
  }

  #onSessionless(cnxn: ServerCnxn): void {
    if (cnxn.session !== undefined) return
    this.#options.metrics.sessionlessExpiredCount++
    cnxn.close('no connect request came in time')
  }

  #onClosed(cnxn: ServerCnxn): void {
    const entry = this.#cnxns.get(cnxn)
    if (entry === undefined) return
    entry.cancel()
    this.#cnxns.delete(cnxn)
    this.#waiting.delete(cnxn)
    this.#options.metrics.connectionDropCount++
    const left = (this.#countByHost.get(entry.host) ?? 1) - 1
    if (left === 0) this.#countByHost.delete(entry.host)
    else this.#countByHost.set(entry.host, left)
    this.#options.onClosed(cnxn)
  }

  /** Sends what was written since the last call. */
  flush(): void {
    const dirty = this.#dirty
    if (dirty.length === 0) return
    this.#dirty = []
    for (const cnxn of dirty) cnxn.flush()
  }

  /** Sessions whose pings may lie unread behind requests in progress. */
  *heldUpSessions(): Generator<Session> {
    for (const { isHeldUp, session } of this.#waiting) {
      if (isHeldUp && session !== undefined) yield session
    }
  }

  /** Lets connections that had to wait go on, where they may. */
  resumeWaiting(): void {
    if (this.#waiting.size === 0) return
    for (const cnxn of [...this.#waiting]) {
      cnxn.resume()
      if (!cnxn.isWaiting) this.#waiting.delete(cnxn)
    }
  }

  async stop(reason: string): Promise<void> {
    await this.#listener?.close()
    for (const cnxn of [...this.#cnxns.keys()]) cnxn.close(reason)
  }
}
