import { ZooKeeper, ZooKeeperError } from '@baton/client'
import type { ACL } from '@baton/client'
import { formatAddress } from '@baton/runtime'
import type { Runtime } from '@baton/runtime'
import { decodeBreadcrumb } from './active-breadcrumb.ts'
import type { ZkfcConfig } from './config.ts'
import { StartError, zooKeeperUnreachable } from './zkfc-start.ts'
import { LOCK_NAME } from './zk-session-io.ts'

/*
 * `zkfc -formatZK` (Java: ZKFailoverController.formatZK, ActiveStandbyElector.ensureParentZNode).
 *
 * | the parent znode | options           | result                                              |
 * | is absent        | any               | every prefix is made, persistent, empty; exit 0     |
 * | is there         | -force            | deleted with all below it, then made; exit 0        |
 * | is there         | -nonInteractive   | left alone, told; exit 2                            |
 * | is there         | none              | asked; yes as -force, no or a closed input: exit 2  |
 *
 * A lock below it means that a controller is at work: its holder is named before all is cleared,
 * and who forces it is not stopped, as in Java, which says nothing.
 *
 * A prefix that exists already gets the configured ACL where it has another.
 */
export interface FormatOptions {
  readonly force: boolean
  readonly interactive: boolean
  /** Asks the operator; false for no, and where nobody can answer. */
  readonly confirm: (parentPath: string) => Promise<boolean>
  /** What the operator should know, one sentence at a time. */
  readonly tell?: (text: string) => void
}

export type FormatResult = 'formatted' | 'denied'

const ACL_TRIES_MAX = 3

export async function formatZk(
  runtime: Pick<Runtime, 'clock' | 'random' | 'network' | 'logger'>,
  config: ZkfcConfig,
  options: FormatOptions,
): Promise<FormatResult> {
  const client = await connect(runtime, config)
  try {
    const { parentPath } = config
    if ((await client.exists(parentPath)) !== undefined) {
      if (!(await mayClear(client, parentPath, options))) return 'denied'
      await clearParent(client, parentPath)
    }
    await ensureParent(client, config)
    runtime.logger.info({ path: parentPath }, `Successfully created ${parentPath} in ZK.`)
    return 'formatted'
  } catch (error) {
    if (!(error instanceof ZooKeeperError)) throw error
    throw new StartError(1, `could not format ${config.parentPath}: ${error.message}`)
  } finally {
    await client.close()
  }
}

/** One session; rejects with exit code 6 where none stands within the session time-out. */
async function connect(
  runtime: Pick<Runtime, 'clock' | 'random' | 'network' | 'logger'>,
  config: ZkfcConfig,
): Promise<ZooKeeper> {
  let client: ZooKeeper | undefined
  let cancel = (): void => {}
  try {
    return await new Promise<ZooKeeper>((resolve, reject) => {
      const made = new ZooKeeper({
        runtime,
        connectString: config.quorum,
        sessionTimeoutMs: config.sessionTimeoutMs,
        auth: config.auth,
        onState: state => {
          if (state === 'connected') resolve(made)
          else if (state === 'authFailed') {
            reject(new StartError(1, 'ZooKeeper refused an entry of ha.zookeeper.auth'))
          }
        },
      })
      client = made
      cancel = runtime.clock.after(config.sessionTimeoutMs, () =>
        reject(zooKeeperUnreachable(config)),
      )
    })
  } catch (error) {
    client?.detach()
    throw error
  } finally {
    cancel()
  }
}

async function mayClear(
  client: ZooKeeper,
  parentPath: string,
  options: FormatOptions,
): Promise<boolean> {
  if (!options.force && !options.interactive) {
    options.tell?.(`${parentPath} exists; nothing was changed; -force clears it`)
    return false
  }
  const holder = await lockHolder(client, `${parentPath}/${LOCK_NAME}`)
  if (holder !== undefined) {
    options.tell?.(
      `WARNING: the failover controller of ${holder} holds the lock ` +
        `${parentPath}/${LOCK_NAME}. Clearing it takes the lock away: a failover may follow, and ` +
        'without the breadcrumb nobody is fenced. Stop the failover controllers first',
    )
  }
  return options.force || options.confirm(parentPath)
}

/** Who is named in the lock; undefined where nobody holds it. */
async function lockHolder(client: ZooKeeper, path: string): Promise<string | undefined> {
  try {
    const { data } = await client.getData(path)
    const named = decodeBreadcrumb(data ?? new Uint8Array(0))
    if (typeof named === 'string') return `a NameNode that cannot be read (${named})`
    return `${named.namenodeId} (${formatAddress({ host: named.host, port: named.port })})`
  } catch (error) {
    if (!(error instanceof ZooKeeperError)) throw error
    if (error.codeName === 'noNode') return undefined
    if (error.codeName === 'noAuth') return 'a NameNode that we may not read'
    throw error
  }
}

async function clearParent(client: ZooKeeper, parentPath: string): Promise<void> {
  try {
    await client.deleteRecursive(parentPath)
  } catch (error) {
    if (!(error instanceof ZooKeeperError)) throw error
    throw new StartError(1, `Unable to clear zk parent znode: ${error.message}`)
  }
}

async function ensureParent(client: ZooKeeper, config: ZkfcConfig): Promise<void> {
  const parts = config.parentPath.split('/').filter(part => part !== '')
  let path = ''
  for (const part of parts) {
    path += `/${part}`
    const acl = config.acl
    try {
      await client.create(path, new Uint8Array(0), { acl })
    } catch (error) {
      if (!(error instanceof ZooKeeperError) || error.codeName !== 'nodeExists') throw error
      await ensureAcl(client, path, acl)
    }
  }
}

async function ensureAcl(client: ZooKeeper, path: string, wanted: readonly ACL[]): Promise<void> {
  for (let left = ACL_TRIES_MAX; ; left -= 1) {
    const { acl, stat } = await client.getACL(path)
    if (sameSet(acl, wanted)) return
    try {
      await client.setACL(path, wanted, stat.aversion)
      return
    } catch (error) {
      const changed = error instanceof ZooKeeperError && error.codeName === 'badVersion'
      if (!changed || left <= 1) throw error
    }
  }
}

function sameSet(a: readonly ACL[], b: readonly ACL[]): boolean {
  const text = (acl: ACL): string => `${acl.id.scheme}:${acl.id.id}:${acl.perms}`
  const wanted = new Set(b.map(text))
  return new Set(a.map(text)).size === wanted.size && a.every(acl => wanted.has(text(acl)))
}
