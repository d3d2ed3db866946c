import { ZooKeeper, ZooKeeperError } from '@baton/client'
import type { ACL } from '@baton/client'
import type { Runtime } from '@baton/runtime'
import type { ZkfcConfig } from './config.ts'
import { StartError, zooKeeperUnreachable } from './zkfc-start.ts'

/*
 * `zkfc -formatZK` (Java: ZKFailoverController.formatZK, ActiveStandbyElector.ensureParentZNode).
 *
 * | the parent znode | options           | result                                              |
 * | is absent        | any               | every prefix is made, persistent, empty; exit 0     |
 * | is there         | -force            | deleted with all below it, then made; exit 0        |
 * | is there         | -nonInteractive   | exit 2                                              |
 * | is there         | none              | asked; yes as -force, no or a closed input: exit 2  |
 *
 * A prefix that exists already gets the configured ACL where it has another.
 */
export interface FormatOptions {
  readonly force: boolean
  readonly interactive: boolean
  /** Asks the operator; false for no, and where nobody can answer. */
  readonly confirm: (parentPath: string) => Promise<boolean>
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
      if (!options.force && !(options.interactive && (await options.confirm(parentPath)))) {
        return 'denied'
      }
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
