/**
 * What the server counts about itself (ZooKeeper 3.9 `ServerStats`): plain fields, added to on the
 * hot path, read by the four-letter words. Latencies are whole milliseconds, as ZooKeeper shows.
 */
export class ServerMetrics {
  packetsReceivedCount = 0
  packetsSentCount = 0
  bytesReceivedCount = 0
  connectionRejectedCount = 0
  connectionDropCount = 0
  sessionlessExpiredCount = 0
  staleSessionsExpiredCount = 0
  authFailedCount = 0
  unrecoverableErrorCount = 0
  commitCount = 0
  snapshotCount = 0
  fsyncCount = 0
  fsyncTotalMs = 0
  fsyncMaxMs = 0
  /** -1 before the first reply, as ZooKeeper shows. */
  lastResponseBytes = -1
  minResponseBytes = -1
  maxResponseBytes = -1
  #latencyCount = 0
  #latencyTotalMs = 0
  #latencyMinMs = Number.POSITIVE_INFINITY
  #latencyMaxMs = 0

  onLatency(latencyMs: number): void {
    this.#latencyCount++
    this.#latencyTotalMs += latencyMs
    if (latencyMs < this.#latencyMinMs) this.#latencyMinMs = latencyMs
    if (latencyMs > this.#latencyMaxMs) this.#latencyMaxMs = latencyMs
  }

  onResponse(bytes: number): void {
    this.packetsSentCount++
    this.lastResponseBytes = bytes
    if (bytes > this.maxResponseBytes) this.maxResponseBytes = bytes
    if (this.minResponseBytes === -1 || bytes < this.minResponseBytes) this.minResponseBytes = bytes
  }

  onFsync(durationMs: number): void {
    this.fsyncCount++
    this.fsyncTotalMs += durationMs
    if (durationMs > this.fsyncMaxMs) this.fsyncMaxMs = durationMs
  }

  get latencyMinMs(): number {
    return this.#latencyCount === 0 ? 0 : Math.floor(this.#latencyMinMs)
  }

  get latencyMaxMs(): number {
    return Math.floor(this.#latencyMaxMs)
  }

  get latencyAvgMs(): number {
    return this.#latencyCount === 0 ? 0 : this.#latencyTotalMs / this.#latencyCount
  }
}

/** Java's `Double.toString` of a value rounded to four places: at least one digit after the dot. */
export function javaDouble(value: number): string {
  const rounded = Math.round(value * 10_000) / 10_000
  return Number.isInteger(rounded) ? `${rounded}.0` : String(rounded)
}
