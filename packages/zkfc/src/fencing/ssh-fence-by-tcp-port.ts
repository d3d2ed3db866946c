import type { ExecResult } from '@baton/runtime'
import { BadFencingConfigurationError, boundedOutput, readLimitMs } from './fence-method.ts'
import type {
  FenceMethod,
  FenceRequest,
  FenceRole,
  FenceTarget,
  FencingConfiguration,
  FencingRuntime,
  FencingSurroundings,
  MethodVerdict,
} from './fence-method.ts'
import type { FencingLine } from './fencing-grammar.ts'
import {
  isVerdictName,
  REMOTE_SCRIPT,
  remoteCommand,
  VERDICT_MARK,
  VERDICTS,
} from './remote-fence-script.ts'
import { FALLBACK_ENVIRONMENT } from './shell-environment.ts'

/*
 * `sshfence`, `sshfence(user)`, `sshfence(user:port)`, `sshfence(:port)`: logs in to the old
 * active's host and kills whatever holds the NameNode's RPC port (twin of Java's
 * SshFenceByTcpPort). The system's OpenSSH does the ssh, so keys of any kind, ProxyJump and
 * known_hosts work as in a terminal; nothing may ask a question.
 *
 * Fenced means: the script on the other side said so after reading back. The Java class calls it
 * success when `nc` is missing there; here nothing missing is ever a success.
 */

export const SSH_CONNECT_TIMEOUT_KEY = 'dfs.ha.fencing.ssh.connect-timeout'
export const SSH_PRIVATE_KEYS_KEY = 'dfs.ha.fencing.ssh.private-key-files'
export const SSH_COMMAND_TIMEOUT_KEY = 'baton.fencing.ssh.command-timeout.ms'
export const SSH_KNOWN_HOSTS_KEY = 'baton.fencing.ssh.known-hosts'
export const SSH_KNOWN_HOSTS_FILE_KEY = 'baton.fencing.ssh.known-hosts-file'
const CONNECT_TIMEOUT_MS = 30_000
const COMMAND_TIMEOUT_MS = 30_000
/** The read-back polls for 5 s; the remote limit must leave it that and a slow fuser. */
const COMMAND_TIMEOUT_MS_MIN = 10_000
const REMOTE_MARGIN_MS = 3_000
const SSH_OWN_EXIT_CODE = 255

const POLICY_OPTIONS = {
  strict: ['StrictHostKeyChecking=yes'],
  'accept-new': ['StrictHostKeyChecking=accept-new'],
  off: ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null'],
} as const
type Policy = keyof typeof POLICY_OPTIONS

interface SshSettings {
  readonly user: string | undefined
  readonly port: number | undefined
  readonly keyFiles: readonly string[]
  readonly policy: Policy
  readonly knownHostsFile: string | undefined
  readonly connectTimeoutMs: number
  readonly commandTimeoutMs: number
}

export class SshFenceByTcpPort implements FenceMethod {
  readonly text: string
  readonly javaText: string
  readonly #settings: SshSettings
  readonly #runtime: FencingRuntime
  readonly #surroundings: FencingSurroundings

  private constructor(
    line: FencingLine,
    settings: SshSettings,
    runtime: FencingRuntime,
    surroundings: FencingSurroundings,
  ) {
    this.text = line.text
    this.javaText = `org.apache.hadoop.ha.SshFenceByTcpPort(${line.argument ?? 'null'})`
    this.#settings = settings
    this.#runtime = runtime
    this.#surroundings = surroundings
  }

  static create(
    this: void,
    line: FencingLine,
    conf: FencingConfiguration,
    runtime: FencingRuntime,
    surroundings: FencingSurroundings,
  ): SshFenceByTcpPort {
    const settings = { ...parseUserPort(line), ...readSettings(conf) }
    return new SshFenceByTcpPort(line, settings, runtime, surroundings)
  }

  /** Killing the node that is to become active would only make the failover fail (Java does). */
  appliesTo(role: FenceRole): boolean {
    return role !== 'becomingActive'
  }

  async tryFence({ target, signal }: FenceRequest): Promise<MethodVerdict> {
    const { connectTimeoutMs, commandTimeoutMs } = this.#settings
    const { exec, logger } = this.#runtime
    const fields = { nameserviceId: target.nameserviceId, target: target.namenodeId }
    logger.info(
      fields,
      `Connecting to ${target.host} by ssh, to kill what holds port ${target.port}`,
    )
    const result = await exec.run(this.#command(target), {
      timeoutMs: connectTimeoutMs + commandTimeoutMs,
      env: sshEnvironment(this.#surroundings),
      stdin: REMOTE_SCRIPT,
      signal,
      onLine: (text, stream) => {
        if (stream === 'stderr') logger.warn(fields, `${target.host} via ssh: ${text}`)
        else logger.info(fields, `${target.host} via ssh: ${text}`)
      },
    })
    const { exitCode, timedOut } = result
    const verdict = judge(result, target, signal, connectTimeoutMs + commandTimeoutMs)
    return { ...verdict, output: boundedOutput(result.stdout, result.stderr), exitCode, timedOut }
  }

  #command(target: FenceTarget): readonly string[] {
    const { user, keyFiles, policy, knownHostsFile, connectTimeoutMs } = this.#settings
    const port = this.#settings.port ?? target.sshPort
    const remoteLimitMs = this.#settings.commandTimeoutMs - REMOTE_MARGIN_MS
    const options = [
      'BatchMode=yes',
      `ConnectTimeout=${Math.ceil(connectTimeoutMs / 1000)}`,
      'ConnectionAttempts=1',
      'IdentityAgent=none',
      'ForwardAgent=no',
      'ClearAllForwardings=yes',
      'ControlMaster=no',
      'ControlPath=none',
      'ServerAliveInterval=3',
      'ServerAliveCountMax=3',
      ...POLICY_OPTIONS[policy],
      ...(knownHostsFile === undefined ? [] : [`UserKnownHostsFile=${quoted(knownHostsFile)}`]),
      ...(keyFiles.length === 0 ? [] : ['IdentitiesOnly=yes']),
    ]
    return [
      'ssh',
      '-T',
      ...options.flatMap(option => ['-o', option]),
      ...keyFiles.flatMap(file => ['-i', file]),
      ...(port === undefined ? [] : ['-p', String(port)]),
      ...(user === undefined ? [] : ['-l', user]),
      '--',
      target.host,
      remoteCommand(target.port, Math.floor(remoteLimitMs / 1000)),
    ]
  }
}

function judge(
  result: ExecResult,
  target: FenceTarget,
  signal: AbortSignal,
  limitMs: number,
): Pick<MethodVerdict, 'ok' | 'cause'> {
  if (result.timedOut) {
    return {
      ok: false,
      cause: `no answer from ${target.host} within ${limitMs} ms: ssh was killed`,
    }
  }
  if (signal.aborted) return { ok: false, cause: 'killed because the failover was called off' }
  if (result.exitCode === SSH_OWN_EXIT_CODE) return { ok: false, cause: sshCause(result, target) }
  const last = result.stdout.trimEnd().split('\n').at(-1) ?? ''
  const [mark, name = '', ...detail] = last.split(' ')
  if (mark !== VERDICT_MARK || !isVerdictName(name)) {
    return { ok: false, cause: noVerdictCause(result.exitCode, target) }
  }
  const verdict = VERDICTS[name]
  const more = detail.join(' ').trim()
  return {
    ok: verdict.ok && result.exitCode === 0,
    cause: `${target.host} port ${target.port}: ${verdict.words}` + (more && ` (${more})`),
  }
}

function noVerdictCause(exitCode: number, target: FenceTarget): string {
  if (exitCode === 127) return 'exit code 127: ssh is not installed here, or sh is missing there'
  if (exitCode === 137) return `the commands on ${target.host} did not end in time and were killed`
  return (
    `${target.host} ended with exit code ${exitCode} and did not run the fencing commands: ` +
    'is the account or its key restricted to another command?'
  )
}

/** ssh says so before it connects: the cause only where it came as far as the login. */
const KEY_UNUSABLE = /Load key |invalid format|bad permissions|Identity file .* not accessible/
const KEY_CAUSE = `a key of ${SSH_PRIVATE_KEYS_KEY} cannot be used`

/** What ssh writes, in the order of looking, and what it means for the reader. */
const SSH_CAUSES: readonly (readonly [RegExp, string])[] = [
  [
    /HOST IDENTIFICATION HAS CHANGED/,
    `its host key has changed: check why, then correct known_hosts (${SSH_KNOWN_HOSTS_KEY})`,
  ],
  [
    /Host key verification failed|No .* host key is known/,
    `its host key is not known: add it to known_hosts, or see ${SSH_KNOWN_HOSTS_KEY}`,
  ],
  [/Could not resolve hostname/, 'its name cannot be resolved'],
  [/Connection refused/, 'nothing listens on its ssh port'],
  [/timed out/i, 'it did not answer in time: the host may be down or unreachable'],
  [/No route to host|Network is unreachable/, 'it cannot be reached over the network'],
  [/not responding/, 'the connection was lost while the commands ran'],
  [KEY_UNUSABLE, KEY_CAUSE],
  [/Permission denied/, 'the login was refused: check user and key'],
]

function sshCause({ stderr }: ExecResult, target: FenceTarget): string {
  const words = SSH_CAUSES.find(([pattern]) => pattern.test(stderr))?.[1]
  const last = stderr.trim().split('\n').at(-1) ?? ''
  const said = last === '' ? '' : ` (ssh says: ${last.trim()})`
  const why = words ?? 'the connection failed or was lost'
  const also = KEY_UNUSABLE.test(stderr) && why !== KEY_CAUSE ? `; besides, ${KEY_CAUSE}` : ''
  return `no ssh session with ${target.host}: ${why}${said}${also}`
}

/** The controller's own, without the agent and what could open a question window. */
function sshEnvironment(surroundings: FencingSurroundings): Record<string, string> {
  const environment: Record<string, string> = {}
  for (const [name, value] of Object.entries(surroundings.environment ?? FALLBACK_ENVIRONMENT)) {
    if (value !== undefined && !/^(?:SSH_|DISPLAY$|WAYLAND_)/.test(name)) environment[name] = value
  }
  return { ...environment, LC_ALL: 'C' }
}

function parseUserPort(line: FencingLine): Pick<SshSettings, 'user' | 'port'> {
  if (line.argument === undefined) return { user: undefined, port: undefined }
  const match = /^([^:]+?)?(?::(\d+))?$/.exec(line.argument)
  const port = match?.[2] === undefined ? undefined : Number(match[2])
  if (match === null || (port !== undefined && (port < 1 || port > 65_535))) {
    throw new BadFencingConfigurationError(
      `dfs.ha.fencing.methods, line ${line.number}: Unable to parse user and SSH port: ` +
        `${line.argument}. Expected user, user:port or :port, with a port from 1 to 65535`,
    )
  }
  return { user: match[1], port }
}

function readSettings(conf: FencingConfiguration): Omit<SshSettings, 'user' | 'port'> {
  const policy = conf.getTrimmed(SSH_KNOWN_HOSTS_KEY) ?? 'accept-new'
  if (!Object.hasOwn(POLICY_OPTIONS, policy)) {
    throw new BadFencingConfigurationError(
      `${SSH_KNOWN_HOSTS_KEY} is "${policy}": expected strict, accept-new or off`,
    )
  }
  const commandTimeoutMs = readLimitMs(conf, SSH_COMMAND_TIMEOUT_KEY, COMMAND_TIMEOUT_MS)
  if (commandTimeoutMs < COMMAND_TIMEOUT_MS_MIN) {
    throw new BadFencingConfigurationError(
      `${SSH_COMMAND_TIMEOUT_KEY} is ${commandTimeoutMs}: expected at least ` +
        `${COMMAND_TIMEOUT_MS_MIN}, since reading back takes up to 5000 ms of it`,
    )
  }
  return {
    policy: policy as Policy,
    keyFiles: privateKeyFiles(conf),
    knownHostsFile: conf.getTrimmed(SSH_KNOWN_HOSTS_FILE_KEY) || undefined,
    connectTimeoutMs: readLimitMs(conf, SSH_CONNECT_TIMEOUT_KEY, CONNECT_TIMEOUT_MS),
    commandTimeoutMs,
  }
}

export function privateKeyFiles(conf: FencingConfiguration): readonly string[] {
  const files = (conf.getTrimmed(SSH_PRIVATE_KEYS_KEY) ?? '').split(',').map(file => file.trim())
  return files.filter(file => file !== '')
}

/** ssh splits this option's value at blanks unless quoted. */
function quoted(path: string): string {
  return `"${path}"`
}
