import type { Runtime } from '@baton/runtime'

/** `dfs.ha.fencing.methods` (or a key a method reads) is wrong; exit code 4 at start. */
export class BadFencingConfigurationError extends Error {
  override readonly name = 'BadFencingConfigurationError'
}

/** The part of a Hadoop configuration that fencing reads: the target's, with its keys promoted. */
export interface FencingConfiguration {
  get(key: string): string | undefined
  getTrimmed(key: string): string | undefined
  /** The value as written, without `${}` substitution. */
  getRaw(key: string): string | undefined
  keys(): Iterable<string>
}

/** The NameNode to be fenced. `port`: its service RPC port where it has one, else its RPC port. */
export interface FenceTarget {
  readonly nameserviceId: string
  readonly namenodeId: string
  readonly host: string
  readonly port: number
  /** Text of Java's InetSocketAddress: `host/1.2.3.4:8020`, unresolved `host/<unresolved>:8020`. */
  readonly addressText: string
  /** Wins over port 22, loses to a port in the method's argument. */
  readonly sshPort?: number
}

/**
 * What a NameNode is to the failover in hand. `zkfc`: the old active, alone. The other two are the
 * two nodes of a manual `haadmin -failover`: `becomingActive` the one it goes to, `becomingStandby`
 * the one it comes from (Java: FenceMethod with a transition state, HDFS-14090).
 */
export type FenceRole = 'zkfc' | 'becomingActive' | 'becomingStandby'

/** One run of one method, as it is logged and recorded. */
export interface FenceAttempt {
  /** As configured: `shell(...)`, `sshfence(...)`. */
  readonly method: string
  readonly target: string
  readonly ok: boolean
  /** Why it counts as fenced or as failed, in plain words. */
  readonly cause: string
  /** What the program wrote, at most 8 KiB of it. */
  readonly output: string
  readonly durationMs: number
  readonly exitCode?: number
  readonly timedOut: boolean
}

export interface FenceResult {
  readonly ok: boolean
  readonly attempts: readonly FenceAttempt[]
}

export type FencingRuntime = Pick<Runtime, 'clock' | 'exec' | 'logger'>

/** What the methods' child processes get from the world besides their target. */
export interface FencingSurroundings {
  /** The controller's own environment, as Java's child processes inherit it. Default: PATH only. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** Whose methods they are, for warnings at the start. */
  readonly namenodeId?: string
}

/** What a method hands back; the fencer adds name, target and duration. */
export type MethodVerdict = Pick<FenceAttempt, 'ok' | 'cause' | 'output' | 'exitCode' | 'timedOut'>

export interface FenceRequest {
  readonly target: FenceTarget
  readonly role: FenceRole
  readonly signal: AbortSignal
}

/** A configured method, its argument checked. Never rejects: every failure is a verdict. */
export interface FenceMethod {
  /** As configured. */
  readonly text: string
  /** The name in Hadoop's log lines: the Java class with its argument. */
  readonly javaText: string
  /** False: the method would do harm to a node in this role and is left out for it. */
  appliesTo(role: FenceRole): boolean
  tryFence(request: FenceRequest): Promise<MethodVerdict>
}

const OUTPUT_LENGTH_MAX = 8 * 1024
const CUT = '\n[...]\n'

/** Both streams for the record: head and tail where it is longer than 8 KiB. */
export function boundedOutput(stdout: string, stderr: string): string {
  const parts = [stdout.trimEnd(), stderr.trimEnd()]
  const text = parts.filter(part => part !== '').join('\n')
  if (text.length <= OUTPUT_LENGTH_MAX) return text
  const half = (OUTPUT_LENGTH_MAX - CUT.length) / 2
  return text.slice(0, Math.ceil(half)) + CUT + text.slice(-Math.floor(half))
}

const PLAIN_INTEGER = /^\d{1,9}$/

/** A positive count of milliseconds; `BadFencingConfigurationError` names the key otherwise. */
export function readLimitMs(conf: FencingConfiguration, key: string, fallbackMs: number): number {
  const text = conf.getTrimmed(key)
  if (text === undefined || text === '') return fallbackMs
  const value = Number(text)
  if (PLAIN_INTEGER.test(text) && value > 0) return value
  throw new BadFencingConfigurationError(
    `${key} is "${text}": expected a whole number of milliseconds from 1 to 999999999`,
  )
}
