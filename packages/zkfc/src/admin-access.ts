import { ServiceException } from '@baton/hadoop'
import type { CallContext } from '@baton/hadoop'
import type { Exec } from '@baton/runtime'

const GROUPS_TIMEOUT_MS = 5000

/**
 * Who may cede and fail over: the user this process runs as, and those in
 * `dfs.cluster.administrators` (`user1,user2 group1,group2`, or `*`). Java:
 * DFSZKFailoverController.checkRpcAdminAccess. Groups are this host's (`id -Gn`).
 */
export class AdminAccess {
  readonly #ownUser: string
  readonly #users: ReadonlySet<string>
  readonly #groups: ReadonlySet<string>
  readonly #exec: Pick<Exec, 'run'>
  readonly #env: Readonly<Record<string, string>>

  constructor(
    ownUser: string,
    administrators: string,
    exec: Pick<Exec, 'run'>,
    env: Readonly<Record<string, string>>,
  ) {
    // The first blank divides users from groups; a value that begins with one has groups only.
    const divide = administrators.search(/\s/)
    const users = divide < 0 ? administrators : administrators.slice(0, divide)
    const groups = divide < 0 ? '' : administrators.slice(divide)
    this.#ownUser = shortName(ownUser)
    this.#users = names(users)
    this.#groups = names(groups)
    this.#exec = exec
    this.#env = env
  }

  /** Rejects with Java's exception and first line where `caller` may not. */
  async check(caller: CallContext): Promise<void> {
    const user = shortName(caller.user)
    if (user !== '' && (user === this.#ownUser || this.#users.has(user))) return
    if (this.#users.has('*') || this.#groups.has('*')) return
    if (user !== '' && (await this.#isInGroup(user))) return
    throw new ServiceException(
      'org.apache.hadoop.security.AccessControlException',
      `Disallowed RPC access from ${caller.user} (auth:SIMPLE) at ${caller.remote.host}. ` +
        'Not listed in dfs.cluster.administrators',
    )
  }

  async #isInGroup(user: string): Promise<boolean> {
    if (this.#groups.size === 0 || !/^[A-Za-z0-9._][A-Za-z0-9._-]*$/.test(user)) return false
    const command = ['id', '-Gn', user]
    const found = await this.#exec.run(command, { timeoutMs: GROUPS_TIMEOUT_MS, env: this.#env })
    if (found.exitCode !== 0) return false
    return found.stdout
      .trim()
      .split(/\s+/)
      .some(group => this.#groups.has(group))
  }
}

/** `hdfs/host@REALM` is hdfs. */
function shortName(user: string): string {
  return user.split(/[/@]/)[0] ?? ''
}

function names(text: string): ReadonlySet<string> {
  return new Set(
    text
      .split(',')
      .map(name => name.trim())
      .filter(name => name !== ''),
  )
}
