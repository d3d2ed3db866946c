import { ZooKeeper } from '@baton/client'
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
    const path = `${this.#parent}/ActiveStandbyElectorLock`
    if ((await this.#zookeeper.exists(path)) === undefined) return undefined
    const { data, stat } = await this.#zookeeper.getData(path)
    return {
      owner: `0x${stat.ephemeralOwner.toString(16)}`,
      czxid: stat.czxid,
      data: Buffer.from(data ?? []).toString('hex'),
    }
  }

  async breadcrumb(): Promise<string | undefined> {
    const path = `${this.#parent}/ActiveBreadCrumb`
    if ((await this.#zookeeper.exists(path)) === undefined) return undefined
    const { data } = await this.#zookeeper.getData(path)
    return Buffer.from(data ?? []).toString('hex')
  }

  async close(): Promise<void> {
    await this.#zookeeper.close()
  }
}
