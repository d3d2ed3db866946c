import { join } from 'node:path'
import { Redis } from 'ioredis'
import { Child, freePort, Teardown, until } from './child.ts'

const READY = /Ready to accept connections/g

/** A redis-server on loopback that writes every confirmed entry to disk before its answer. */
export class RedisServer {
  readonly port: number
  readonly #directory: string
  readonly #password: string
  readonly #teardown = new Teardown()
  #child: Child | undefined

  private constructor(directory: string, port: number, password: string) {
    this.#directory = directory
    this.port = port
    this.#password = password
  }

  static async start(directory: string, password: string): Promise<RedisServer> {
    const server = new RedisServer(directory, await freePort(), password)
    await server.start()
    return server
  }

  get url(): string {
    return `redis://:${this.#password}@127.0.0.1:${this.port}`
  }

  /** Also after `kill`, with what was written before. */
  async start(): Promise<void> {
    const place = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#directory]
    const durable = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always']
    const command = ['redis-server', ...place, ...durable, '--requirepass', this.#password]
    const logFile = join(this.#directory, 'redis.log')
    const readyBefore = this.#child?.log.match(READY)?.length ?? 0
    const child = this.#teardown.child(new Child({ name: 'redis', command, logFile }))
    this.#child = child
    const isReady = (): boolean => (child.log.match(READY)?.length ?? 0) > readyBefore
    await until('Redis is ready', isReady, { withinMs: 20_000, watch: [child] })
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.signal(signal)
  }

  async kill(): Promise<void> {
    await this.#child?.kill()
  }

  async keys(): Promise<readonly string[]> {
    return this.#ask(async redis => (await redis.keys('*')).sort())
  }

  /** The fields of a stream's entries, oldest first. */
  async stream(key: string): Promise<readonly ReadonlyMap<string, string>[]> {
    const rows = await this.#ask(redis => redis.xrange(key, '-', '+'))
    return rows.map(([, words]) => {
      const pairs = words.flatMap((word, at) =>
        at % 2 === 0 ? [[word, words[at + 1] ?? ''] as const] : [],
      )
      return new Map(pairs)
    })
  }

  async stop(): Promise<void> {
    await this.#teardown.run()
  }

  async #ask<T>(run: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis({ port: this.port, host: '127.0.0.1', password: this.#password })
    try {
      return await run(redis)
    } finally {
      redis.disconnect()
    }
  }
}
