/** A server that did not run for a while. */
import { OpCode } from '@baton/jute'
import { expect, test } from 'vitest'
import { read } from '../support/pipeline-world.ts'
import { withServer } from '../support/server-world.ts'

/** The moment of the pause within the server's tick decides what it finds first on waking. */
test.each([0, 130, 510, 720, 990])(
  'a server stopped for 30 s at %d ms of its tick expires nobody who pinged meanwhile',
  offsetMs =>
    withServer(async world => {
      const client = await world.session()
      await world.sleep(1000 - (world.sim.now % 1000) + offsetMs)
      world.server?.pause()
      const stop = world.client.clock.every(1000, () => client.send(OpCode.ping, undefined, -2))
      await world.sleep(30_000)
      world.server?.resume()
      await world.sleep(2000)
      stop()
      client.send(OpCode.exists, read('/'), 7)
      const answers: number[] = []
      for (let reply = await client.reply(); reply.xid !== 7; reply = await client.reply()) {
        answers.push(reply.xid)
      }
      expect(answers.length).toBeGreaterThan(29)
    }),
)
