import { OpCode } from '@baton/jute'
import { Simulation } from '@baton/runtime/sim'
import { expect, test } from 'vitest'
import { create, read } from './support/pipeline-world.ts'
import { withServer, type ServerWorld } from './support/server-world.ts'

/** Late enough for the connection to stand. */
const CRASH_MS_MIN = 5
const CRASH_MS_MAX = 200
const GIVE_UP_MS = 400

/** Writes through one session until the server dies; returns the names it acknowledged. */
async function writeUntilDeath(world: ServerWorld, round: number): Promise<string[]> {
  const client = await world.open()
  // After a power loss nobody tells the client that its connection is gone.
  world.client.clock.after(GIVE_UP_MS, () => client.close())
  if ((await client.connect()) === 0) return []
  const acknowledged: string[] = []
  for (let i = 0; ; i++) {
    const name = `/r${round}-${i}`
    client.send(OpCode.create, create(name))
    if (i % 3 === 0) continue
    for (const sent of [`/r${round}-${i - 1}`, name].slice(i % 3 === 1 ? 0 : 1)) {
      const reply = await client.replyOrEnd()
      if (reply === undefined) return acknowledged
      if (reply.err === 0) acknowledged.push(sent)
    }
  }
}

const seeds = Array.from({ length: 12 }, (_, at) => at + 1)

test.each(seeds)('no acknowledged write is lost by power losses at any moment (seed %d)', seed =>
  withServer(
    async world => {
      const { random } = new Simulation({ seed: seed * 7919 })
      const acknowledged: string[] = []
      for (let round = 0; round < 4; round++) {
        const host = world.sim.host('server')
        const crashMs = world.sim.now + random.between(CRASH_MS_MIN, CRASH_MS_MAX)
        const cancel = world.sim.schedule(crashMs, () => {
          if (random.chance(0.5)) {
            host.crash()
            host.restart()
          } else {
            world.kill()
          }
        })
        acknowledged.push(...(await writeUntilDeath(world, round)))
        cancel()
        await world.start()
        expect(world.startError).toBeUndefined()
        const reader = await world.session()
        for (const name of acknowledged) {
          const reply = await reader.call(OpCode.exists, read(name))
          expect([name, reply.err]).toEqual([name, 0])
        }
      }
      expect(acknowledged.length).toBeGreaterThan(0)
    },
    { seed, config: 'snapCount=20\n' },
  ),
)
