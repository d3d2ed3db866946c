import { OpCode } from '@baton/jute'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { create, read } from './support/pipeline-world.ts'
import { withServer } from './support/server-world.ts'

const bytes = fc.uint8Array({ maxLength: 200 })
const types = fc.oneof(
  fc.constantFrom(...Object.values(OpCode)),
  fc.integer({ min: -2147483648, max: 2147483647 }),
)
const RUNS = { numRuns: 25 }

test('no bytes on the port stop the server from serving others', () =>
  fc.assert(
    fc.asyncProperty(fc.array(bytes, { maxLength: 5 }), fc.nat(), (chunks, seed) =>
      withServer(
        async world => {
          const vandal = await world.open(false)
          for (const chunk of chunks) vandal.raw(chunk)
          await world.sleep(100)
          vandal.close()
          const client = await world.session()
          expect((await client.call(OpCode.create, create('/a'))).err).toBe(0)
        },
        { seed },
      ),
    ),
    RUNS,
  ))

test('no body of any operation stops the server, and order is kept', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(types, bytes), { maxLength: 30 }),
      fc.nat(),
      (requests, seed) =>
        withServer(
          async world => {
            const vandal = await world.session()
            requests.forEach(([type, body], xid) => vandal.send(type, body, xid))
            vandal.send(OpCode.ping, undefined, -2)
            let last = -1
            for (;;) {
              const reply = await vandal.replyOrEnd()
              if (reply === undefined || reply.xid === -2) break
              if (reply.xid === -1) continue
              // auth and sasl are answered at once; every other reply keeps its place.
              const type = requests[reply.xid]?.[0]
              if (type === OpCode.auth || type === OpCode.sasl) continue
              if (reply.zxid === -1) continue
              expect(reply.xid).toBeGreaterThan(last)
              last = reply.xid
            }
            const client = await world.session()
            expect((await client.call(OpCode.exists, read('/'))).err).toBe(0)
          },
          { seed },
        ),
    ),
    RUNS,
  ))
