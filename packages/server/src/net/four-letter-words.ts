/**
 * The four-letter words (ZooKeeper 3.9 `FourLetterCommands`): plain text on the client port, one
 * word, one answer, then the connection closes. What may be asked is `4lw.commands.whitelist`.
 * Texts are ZooKeeper's, since monitors parse them.
 */
import { javaDouble, type ServerMetrics } from '../metrics.ts'

/** What the words tell of. */
export interface ServerStatus {
  readonly version: string
  readonly serverState: string
  readonly lastProcessedZxid: number
  readonly nodeCount: number
  readonly ephemeralsCount: number
  readonly approximateDataSizeBytes: number
  readonly watchCount: number
  readonly sessionCount: number
  readonly outstandingCount: number
  readonly uptimeMs: number
  readonly metrics: ServerMetrics
  readonly connections: readonly ConnectionStatus[]
  /** Lines of `conf`, in order. */
  readonly configuration: readonly (readonly [string, string | number])[]
}

export interface ConnectionStatus {
  readonly host: string
  readonly port: number
  readonly queuedCount: number
  readonly receivedCount: number
  readonly sentCount: number
}

type Answer = (status: ServerStatus) => string

function summary(status: ServerStatus): string {
  const { metrics } = status
  const average = javaDouble(metrics.latencyAvgMs)
  return [
    `Latency min/avg/max: ${metrics.latencyMinMs}/${average}/${metrics.latencyMaxMs}`,
    `Received: ${metrics.packetsReceivedCount}`,
    `Sent: ${metrics.packetsSentCount}`,
    `Connections: ${status.connections.length}`,
    `Outstanding: ${status.outstandingCount}`,
    `Zxid: 0x${status.lastProcessedZxid.toString(16)}`,
    `Mode: ${status.serverState}`,
    `Node count: ${status.nodeCount}`,
    '',
  ].join('\n')
}

function clients(status: ServerStatus): string {
  const lines = status.connections.map(
    c =>
      ` /${c.host}:${c.port}[1](queued=${c.queuedCount},recved=${c.receivedCount},` +
      `sent=${c.sentCount})\n`,
  )
  return `Clients:\n${lines.join('')}\n`
}

const versionLine = (status: ServerStatus): string => `Zookeeper version: ${status.version}\n`

function mntr(status: ServerStatus): string {
  const { metrics } = status
  const rows: readonly (readonly [string, string | number])[] = [
    ['version', status.version],
    ['server_state', status.serverState],
    ['ephemerals_count', status.ephemeralsCount],
    ['num_alive_connections', status.connections.length],
    ['avg_latency', javaDouble(metrics.latencyAvgMs)],
    ['outstanding_requests', status.outstandingCount],
    ['znode_count', status.nodeCount],
    ['global_sessions', status.sessionCount],
    ['local_sessions', 0],
    ['last_client_response_size', metrics.lastResponseBytes],
    ['min_client_response_size', metrics.minResponseBytes],
    ['max_client_response_size', metrics.maxResponseBytes],
    ['packets_sent', metrics.packetsSentCount],
    ['packets_received', metrics.packetsReceivedCount],
    ['bytes_received_count', metrics.bytesReceivedCount],
    ['watch_count', status.watchCount],
    ['auth_failed_count', metrics.authFailedCount],
    ['min_latency', metrics.latencyMinMs],
    ['max_latency', metrics.latencyMaxMs],
    ['approximate_data_size', status.approximateDataSizeBytes],
    ['uptime', Math.floor(status.uptimeMs)],
    ['connection_rejected', metrics.connectionRejectedCount],
    ['connection_drop_count', metrics.connectionDropCount],
    ['sessionless_connections_expired', metrics.sessionlessExpiredCount],
    ['stale_sessions_expired', metrics.staleSessionsExpiredCount],
    ['unrecoverable_error_count', metrics.unrecoverableErrorCount],
    ['commit_count', metrics.commitCount],
    ['snap_count', metrics.snapshotCount],
    ...fsyncRows(metrics),
  ]
  return rows.map(([key, value]) => `zk_${key}\t${value}\n`).join('')
}

function fsyncRows(metrics: ServerMetrics): [string, string | number][] {
  const { fsyncCount, fsyncTotalMs, fsyncMaxMs } = metrics
  return [
    ['avg_fsynctime', javaDouble(fsyncCount === 0 ? 0 : fsyncTotalMs / fsyncCount)],
    ['max_fsynctime', Math.floor(fsyncMaxMs)],
    ['cnt_fsynctime', fsyncCount],
    ['sum_fsynctime', Math.floor(fsyncTotalMs)],
  ]
}

const answers: Readonly<Record<string, Answer>> = {
  ruok: () => 'imok',
  srvr: status => versionLine(status) + summary(status),
  stat: status => versionLine(status) + clients(status) + summary(status),
  mntr,
  isro: () => 'rw',
  conf: status => status.configuration.map(([key, value]) => `${key}=${value}\n`).join(''),
}

/** Every word of ZooKeeper: what is none of these is a frame's length. */
const WORDS: ReadonlySet<string> = new Set(
  'conf cons crst dirs dump envi gtmk hash isro mntr ruok srst srvr stat stmk wchc wchp wchs'.split(
    ' ',
  ),
)

/** What telnet sends on an interrupt; answered with a plain close. */
const TELNET_CLOSE = 0xfff4fffd

/** The word that opens a connection, '' for telnet's close, undefined where it is a frame. */
export function fourLetterWordOf(bytes: Uint8Array): string | undefined {
  const [a = 0, b = 0, c = 0, d = 0] = bytes
  if (((a << 24) | (b << 16) | (c << 8) | d) >>> 0 === TELNET_CLOSE) return ''
  const word = String.fromCharCode(a, b, c, d)
  return WORDS.has(word) ? word : undefined
}

/** `whitelist` holds words, or `*` for all. */
export function answerFourLetterWord(
  word: string,
  whitelist: ReadonlySet<string>,
  status: () => ServerStatus,
): string {
  if (!whitelist.has('*') && !whitelist.has(word)) {
    return `${word} is not executed because it is not in the whitelist.\n`
  }
  return answers[word]?.(status()) ?? `${word} is not provided by this server.\n`
}
