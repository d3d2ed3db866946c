/** The driver and the promise API against a scripted server, on a simulated network. */
import { ErrorCode, EventType, GetDataResponse } from '@baton/jute'
import { GetChildren2Response, OpCode, StatResponse } from '@baton/jute'
import type { Runtime } from '@baton/runtime'
import { Simulation } from '@baton/runtime/sim'
import { expect, test } from 'vitest'
import { ZooKeeper } from '../src/index.ts'
import type { SessionState, WatchedEvent } from '../src/index.ts'
import type { ZooKeeperError, ZooKeeperOptions } from '../src/index.ts'
import { FakeServer } from './fake-server.ts'
import type { Asked } from './fake-server.ts'
import { event, reply, SESSION_ID, STAT } from './wire.ts'

const LIMIT = { limitMs: 120_000 }
const data = [GetDataResponse, { data: Buffer.from('hi'), stat: STAT }] as const
const noNode = { err: ErrorCode.noNode }

class Stage {
  readonly sim = new Simulation({ seed: 1 })
  readonly servers: FakeServer[] = []
  readonly states: SessionState[] = []
  /** What the client's program noted, in order. */
  readonly notes: string[] = []
  zk!: ZooKeeper
  clock!: Runtime['clock']

  constructor(serverCount = 1) {
    for (let i = 1; i <= serverCount; i++) this.servers.push(this.#startServer(`zk${i}`))
  }

  #startServer(name: string): FakeServer {
    const server = new FakeServer()
    this.sim.host(name).spawn('server', async runtime => {
      await server.listen(runtime.network, { host: name, port: 2181 })
    })
    return server
  }

  get server(): FakeServer {
    return this.servers[0] as FakeServer
  }

  /** Runs `main` as a program on a host of its own, once the servers listen. */
  run(main: (zk: ZooKeeper, runtime: Runtime) => Promise<void>, extra: Extra = {}): void {
    const connectString = this.servers.map((_, i) => `zk${i + 1}:2181`).join(',')
    const start = async (runtime: Runtime): Promise<void> => {
      this.clock = runtime.clock
      this.zk = new ZooKeeper({
        runtime,
        connectString: connectString + (extra.chroot ?? ''),
        sessionTimeoutMs: 6_000,
        onState: state => {
          this.states.push(state)
          this.notes.push(`state ${state}`)
        },
        ...extra.options,
      })
      await main(this.zk, runtime)
      this.notes.push('done')
    }
    this.sim.schedule(this.sim.now + 10, () => this.sim.host('client').spawn('client', start))
  }

  async until(note: string): Promise<void> {
    await this.sim.runUntil(() => this.notes.includes(note), LIMIT)
  }
}

interface Extra {
  readonly chroot?: string
  readonly options?: Partial<ZooKeeperOptions>
}

const answerData = (asked: Asked): void =>
  asked.link.send(reply(asked.xid, { body: data, zxid: 9 }))

test('a program reads, is told of a change, and closes', async () => {
  const stage = new Stage()
  stage.server.onRequest = asked => {
    answerData(asked)
    asked.link.send(event(EventType.nodeDataChanged, '/a', 10))
  }
  stage.run(async zk => {
    const watch = ({ type, path }: WatchedEvent): void => void stage.notes.push(`${type} ${path}`)
    const { data: found } = await zk.getData('/a', watch)
    stage.notes.push(Buffer.from(found ?? []).toString())
    await zk.ping()
    await zk.close()
  })
  await stage.until('done')
  expect(stage.notes).toEqual(['state connected', '3 /a', 'hi', 'state closed', 'done'])
  expect(stage.server.log).toEqual([
    'hello new session timeOut 6000 lastZxidSeen 0',
    'getData {"path":"/a","watch":true}',
    'closeSession',
  ])
  expect([stage.zk.state, stage.zk.closeAcknowledged]).toEqual(['closed', true])
})

test('a dropped link is taken up again elsewhere, and what was asked fails', async () => {
  const stage = new Stage(3)
  let cutAtMs = 0
  for (const server of stage.servers) {
    server.onRequest = () => {
      cutAtMs = stage.sim.now
      server.cut()
    }
  }
  stage.run(async (zk, runtime) => {
    await new Promise<void>(resolve => runtime.clock.after(3_000, resolve))
    const error = await zk.delete('/a').catch((failed: unknown) => failed)
    stage.notes.push((error as ZooKeeperError).codeName)
  })
  await stage.until('done')
  await stage.sim.runUntil(() => stage.zk.state === 'connected', LIMIT)
  expect(stage.states).toEqual(['connected', 'disconnected', 'connected'])
  expect(stage.notes).toContain('connectionLoss')
  expect(stage.sim.now - cutAtMs).toBeLessThan(100)
  const hellos = stage.servers.flatMap(server =>
    server.log.filter(line => line.startsWith('hello')),
  )
  expect(hellos.toSorted()).toEqual([
    'hello new session timeOut 6000 lastZxidSeen 0',
    `hello session 0x${SESSION_ID.toString(16)} timeOut 6000 lastZxidSeen 0`,
  ])
})

test('a session is handed from one program to the next by detaching', async () => {
  const stage = new Stage()
  stage.run(async zk => {
    await zk.ping().catch(() => undefined)
    await zk.exists('/')
    const session = zk.detach()
    stage.notes.push(`left ${session?.id === SESSION_ID}`)
    stage.run(async next => void (await next.exists('/')), { options: session ? { session } : {} })
  })
  stage.server.onRequest = asked => asked.link.send(reply(asked.xid, noNode))
  const doneCount = (): number => stage.notes.filter(note => note === 'done').length
  await stage.sim.runUntil(() => doneCount() === 2, LIMIT)
  expect(stage.states).toEqual(['connected', 'closed', 'connected'])
  expect(stage.server.log).toEqual([
    'hello new session timeOut 6000 lastZxidSeen 0',
    'exists {"path":"/","watch":false}',
    `hello session 0x${SESSION_ID.toString(16)} timeOut 6000 lastZxidSeen 0`,
    'exists {"path":"/","watch":false}',
  ])
})

test('a session that expired while away is told as expired, never replaced', async () => {
  const stage = new Stage()
  stage.run(async (zk, runtime) => {
    await zk.ping().catch(() => undefined)
    stage.server.knowsSession = false
    await new Promise<void>(resolve => runtime.clock.after(2_000, resolve))
    stage.server.cut()
    const error = await zk.exists('/').catch((failed: unknown) => failed)
    stage.notes.push((error as ZooKeeperError).codeName)
  })
  await stage.until('done')
  await stage.sim.runFor(20_000)
  expect(stage.states).toEqual(['connected', 'disconnected', 'expired'])
  expect(stage.server.log).toHaveLength(2)
})

test('a server that falls silent is left after two thirds of the time-out', async () => {
  const stage = new Stage(2)
  for (const server of stage.servers) server.answersPings = false
  stage.run(async () => {})
  await stage.sim.runUntil(() => stage.states.includes('disconnected'), LIMIT)
  expect(stage.sim.now).toBeGreaterThan(4_000)
  expect(stage.sim.now).toBeLessThan(4_100)
  expect(stage.clock.now() - stage.zk.lastHeardMs).toBeGreaterThan(3_900)
})

test('a client that was stopped for a while keeps its link if the server does', async () => {
  const stage = new Stage()
  stage.run(async () => {})
  await stage.sim.runUntil(() => stage.states.includes('connected'), LIMIT)
  const process = stage.sim.host('client').processes[0]
  await stage.sim.runFor(2_500)
  process?.pause()
  await stage.sim.runFor(5_000)
  process?.resume()
  await stage.sim.runFor(10_000)
  expect(stage.states).toEqual(['connected'])
})

test('half a reply, then silence, is no reply', async () => {
  const stage = new Stage()
  stage.server.answersPings = false
  stage.server.onRequest = asked => {
    if (asked.type === OpCode.ping) return
    asked.link.send(reply(asked.xid, { body: data }).subarray(0, 30))
  }
  stage.run(async zk => {
    const error = await zk.getData('/a').catch((failed: unknown) => failed)
    stage.notes.push((error as ZooKeeperError).message)
  })
  await stage.until('done')
  expect(stage.notes.at(-2)).toContain('getData /a: the connection was lost')
})

test('a server that sends garbage is left for the next, without a storm', async () => {
  const stage = new Stage()
  stage.server.onRequest = asked => asked.link.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'))
  let failures = 0
  stage.run(async (zk, runtime) => {
    const endMs = runtime.clock.now() + 10_000
    while (runtime.clock.now() < endMs) await zk.delete('/a').catch(() => failures++)
  })
  await stage.until('done')
  expect(failures).toBeGreaterThan(5)
  expect(failures).toBeLessThan(60)
})

test('credentials that are refused end every call', async () => {
  const stage = new Stage()
  stage.server.onRequest = asked => {
    if (asked.type !== OpCode.auth) return
    asked.link.send(reply(-4, { err: ErrorCode.authFailed }))
    asked.link.connection.close()
  }
  stage.run(async zk => {
    for (const asked of [zk.getData('/a'), zk.addAuth('digest', Buffer.from('u:p'))]) {
      stage.notes.push(((await asked.catch((e: unknown) => e)) as ZooKeeperError).codeName)
    }
    await zk.close()
  })
  await stage.until('done')
  expect(stage.notes).toEqual([
    ...['state connected', 'state authFailed', 'authFailed', 'authFailed', 'done'],
  ])
})

test('closing with no server in reach ends at its bound', async () => {
  const stage = new Stage()
  let tookMs = 0
  stage.run(async (zk, runtime) => {
    await zk.exists('/')
    await stage.server.stop()
    const before = runtime.clock.now()
    await zk.close()
    tookMs = runtime.clock.now() - before
  })
  stage.server.onRequest = asked => asked.link.send(reply(asked.xid, noNode))
  await stage.until('done')
  expect(tookMs).toBeGreaterThan(1_900)
  expect(tookMs).toBeLessThan(2_100)
  expect([stage.zk.state, stage.zk.closeAcknowledged]).toEqual(['closed', false])
})

test('a tree is deleted from its leaves up, and a node that comes meanwhile is found', async () => {
  const stage = new Stage()
  const nodes = new Set(['/t', '/t/a', '/t/a/b', '/t/c'])
  let late = true
  stage.server.onRequest = asked => {
    const { path } = JSON.parse(asked.line.slice(asked.line.indexOf('{'))) as { path: string }
    const below = [...nodes].filter(node => node.startsWith(`${path}/`))
    if (!nodes.has(path)) return asked.link.send(reply(asked.xid, noNode))
    if (asked.type === OpCode.getChildren2) {
      const names = below.map(node => node.slice(path.length + 1)).filter(n => !n.includes('/'))
      const body = [GetChildren2Response, { children: names, stat: STAT }] as const
      return asked.link.send(reply(asked.xid, { body }))
    }
    if (late && path === '/t/c') nodes.add('/t/new')
    if (path === '/t/c') late = false
    if (below.length > 0) return asked.link.send(reply(asked.xid, { err: ErrorCode.notEmpty }))
    nodes.delete(path)
    asked.link.send(reply(asked.xid))
  }
  stage.run(async zk => {
    await zk.deleteRecursive('/t')
    const again = await zk.deleteRecursive('/t').catch((failed: unknown) => failed)
    stage.notes.push((again as ZooKeeperError).codeName)
  })
  await stage.until('done')
  expect([...nodes]).toEqual([])
  expect(stage.notes).toContain('noNode')
})

test('a call made from inside a reply goes out, and its reply comes after the first', async () => {
  const stage = new Stage()
  stage.server.onRequest = asked => {
    asked.link.send(reply(asked.xid, { body: [StatResponse, { stat: STAT }] }))
  }
  stage.run((zk, runtime) => {
    return new Promise(resolve => {
      zk.submit({ kind: 'exists', path: '/1' }, () => {
        stage.notes.push('first')
        zk.submit({ kind: 'exists', path: '/2' }, () => {
          stage.notes.push('second')
          zk.submit({ kind: 'exists', path: 'wrong' }, error => {
            stage.notes.push(error?.codeName ?? 'no error')
            runtime.clock.after(0, resolve)
          })
          stage.notes.push('behind')
        })
      })
      stage.notes.push('asked')
    })
  })
  await stage.until('done')
  expect(stage.notes).toEqual([
    ...['asked', 'state connected', 'first', 'second', 'behind', 'badArguments', 'done'],
  ])
})

test('an outage of hours is told once a minute, with the reason', async () => {
  const stage = new Stage()
  const lines: string[] = []
  stage.sim.onLog = line => {
    if (line.level === 'warn') lines.push(line.message)
  }
  stage.run(async () => {})
  await stage.sim.runUntil(() => stage.states.includes('connected'), LIMIT)
  await stage.sim.runFor(2_000)
  const stopped = stage.server.stop() // settles only while time moves
  await stage.sim.runFor(200_000)
  await stopped
  expect(lines.filter(line => line.startsWith('session'))).toHaveLength(1)
  const left = lines.filter(line => line.startsWith('left server zk1:2181: '))
  expect(left).toHaveLength(4)
  expect(left[1]).toContain('ECONNREFUSED; trying the next')
})
