import { ZooKeeper, ZooKeeperError } from '@baton/client'
import type { Stat } from '@baton/client'
import { createNodeRuntime } from '@baton/runtime/node'

/** What must stay the same while a role is kept. */
export interface LockState {
  readonly owner: string
  readonly czxid: number
  readonly data: string
}

/** An onlooker at the election znodes. */
export class LockWatch {
  readonly #zookeeper: ZooKeeper
  readonly #parent: string

  constructor(connectString: string, nameservice: string) {
    this.#parent = `/hadoop-ha/${nameservice}`
    this.#zookeeper = new ZooKeeper({
      runtime: createNodeRuntime(),
      connectString,
      sessionTimeoutMs: 20_000,
    })
  }

  /** undefined where nobody holds the lock. */
  async read(): Promise<LockState | undefined> {
    const found = await this.#get('ActiveStandbyElectorLock')
    if (found === undefined) return undefined
    const { hex, stat } = found
    return { owner: `0x${stat.ephemeralOwner.toString(16)}`, czxid: stat.czxid, data: hex }
  }

  async breadcrumb(): Promise<string | undefined> {
    return (await this.#get('ActiveBreadCrumb'))?.hex
  }

  async #get(name: string): Promise<{ readonly hex: string; readonly stat: Stat } | undefined> {
    try {
      const { data, stat } = await this.#zookeeper.getData(`${this.#parent}/${name}`)
      return { hex: Buffer.from(data ?? []).toString('hex'), stat }
    } catch (error) {
      if (error instanceof ZooKeeperError && error.codeName === 'noNode') return undefined
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#zookeeper.close()
  }
}
