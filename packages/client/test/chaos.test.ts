/**
 * Any order of cuts, silences and slow answers, by seed: each operation is answered exactly once
 * and in order, reaches the servers at most once, and the session stays the one first granted.
 */
import { Simulation } from '@baton/runtime/sim'
import { expect, test } from 'vitest'
import { ZooKeeper } from '../src/index.ts'
import { FakeServer } from './fake-server.ts'
import { reply } from './wire.ts'

const SERVER_COUNT = 3
const OPERATION_COUNT = 200

interface Outcome {
  readonly answered: readonly number[]
  readonly failedCount: number
  readonly asked: ReadonlyMap<string, number>
  readonly sessions: ReadonlySet<string>
  readonly hellos: readonly string[]
}

async function run(seed: number): Promise<Outcome> {
  const sim = new Simulation({ seed })
  const chance = sim.random.fork('chaos')
  const asked = new Map<string, number>()
  const servers = Array.from({ length: SERVER_COUNT }, (_, i) => {
    const server = new FakeServer()
    const host = `zk${i + 1}`
    sim.host(host).spawn('server', async runtime => {
      await server.listen(runtime.network, { host, port: 2181 })
    })
    server.onRequest = ({ xid, line, link }) => {
      asked.set(line, (asked.get(line) ?? 0) + 1)
      if (chance.chance(0.05)) return server.cut()
      link.send(reply(xid, { zxid: xid }))
    }
    return server
  })
  const answered: number[] = []
  const sessions = new Set<string>()
  let failedCount = 0
  const connectString = servers.map((_, i) => `zk${i + 1}:2181`).join(',')
  sim.schedule(10, () => {
    sim.host('client').spawn('client', runtime => {
      const zk = new ZooKeeper({
        runtime,
        connectString,
        sessionTimeoutMs: 6_000,
        onState: state => {
          if (state === 'connected') sessions.add(String(zk.session?.id))
        },
      })
      for (let i = 0; i < OPERATION_COUNT; i++) {
        runtime.clock.after(i * 50, () => {
          zk.submit({ kind: 'delete', path: `/${i}` }, error => {
            answered.push(i)
            if (error !== undefined) failedCount++
          })
        })
      }
    })
  })
  for (let at = 500; at < 10_000; at += 500) {
    sim.schedule(at, () => {
      const server = chance.pick(servers)
      server.answersPings = chance.chance(0.7)
      server.answersHello = chance.chance(0.7)
      if (chance.chance(0.3)) server.cut()
    })
  }
  sim.schedule(11_000, () => {
    for (const server of servers) server.answersHello = server.answersPings = true
  })
  await sim.runUntil(() => answered.length >= OPERATION_COUNT, { limitMs: 120_000 })
  await sim.runFor(10_000)
  const hellos = servers.flatMap(server => server.log.filter(line => line.startsWith('hello')))
  return { answered, failedCount, asked, sessions, hellos }
}

test('20 seeds of chaos', async () => {
  let failedCount = 0
  for (let seed = 1; seed <= 20; seed++) {
    const outcome = await run(seed)
    const where = `seed ${seed}`
    expect(
      outcome.answered.toSorted((a, b) => a - b),
      where,
    ).toEqual(Array.from({ length: OPERATION_COUNT }, (_, i) => i))
    expect(outcome.answered, where).toEqual(outcome.answered.toSorted((a, b) => a - b))
    const twice = [...outcome.asked].filter(
      ([line, count]) => line.startsWith('delete') && count > 1,
    )
    expect(twice, where).toEqual([])
    expect(outcome.sessions.size, where).toBe(1)
    failedCount += outcome.failedCount
  }
  expect(failedCount).toBeGreaterThan(20)
})
