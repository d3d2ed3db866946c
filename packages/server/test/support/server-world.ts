/** The real driver in the simulation: one server host, one client host, virtual time. */
import type { Runtime } from '@baton/runtime'
import { Simulation, type SimProcess } from '@baton/runtime/sim'
import { parseZooCfg } from '../../src/config.ts'
import { ZooKeeperServer, type ServerEnd } from '../../src/zookeeper-server.ts'
import { RawClient, type Asked } from './raw-client.ts'

const ADDRESS = { host: 'server', port: 2181 }
const CONFIG = `dataDir=/data
clientPort=2181
clientPortAddress=server
tickTime=1000
preAllocSize=64
4lw.commands.whitelist=*
`

export class ServerWorld {
  readonly sim: Simulation
  readonly client: Runtime
  readonly config: string
  server: SimProcess | undefined
  end: ServerEnd | undefined
  startError: Error | undefined
  zk: ZooKeeperServer | undefined

  constructor(sim: Simulation, client: Runtime, config: string) {
    this.sim = sim
    this.client = client
    this.config = CONFIG + config
  }

  /** Starts the server's process; resolves when it serves, or could not. */
  start(): Promise<void> {
    return new Promise(resolve => {
      this.end = undefined
      this.startError = undefined
      this.server = this.sim.host('server').spawn('server', async runtime => {
        const config = parseZooCfg(this.config, 'zoo.cfg')
        try {
          this.zk = await ZooKeeperServer.start({ runtime, config })
        } catch (error) {
          this.startError = error as Error
          return resolve()
        }
        resolve()
        this.end = await this.zk.whenEnded
      })
    })
  }

  kill(): void {
    this.server?.kill()
  }

  open(framed = true): Promise<RawClient> {
    return RawClient.open(this.client, ADDRESS, framed)
  }

  session(asked: Asked = {}): Promise<RawClient> {
    return RawClient.session(this.client, ADDRESS, asked)
  }

  /** The answer to a four-letter word. */
  async word(word: string): Promise<string> {
    const client = await this.open(false)
    client.raw(Buffer.from(word))
    await client.whenClosed()
    return client.text
  }

  sleep(ms: number): Promise<void> {
    return new Promise(resolve => this.client.clock.after(ms, resolve))
  }
}

const LIMIT_MS = 3_600_000

/** Runs `body` as a program on the client's host, with a server that already serves. */
export async function withServer(
  body: (world: ServerWorld) => Promise<void>,
  options: { seed?: number; config?: string } = {},
): Promise<void> {
  const sim = new Simulation({ seed: options.seed ?? 1, failOnCrash: true })
  let done = false
  sim.host('client').spawn('client', async runtime => {
    const world = new ServerWorld(sim, runtime, options.config ?? '')
    await world.start()
    if (world.startError !== undefined) throw world.startError
    await body(world)
    done = true
  })
  await sim.runUntil(() => done, { limitMs: LIMIT_MS })
}
