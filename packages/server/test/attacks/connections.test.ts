/** Connections that end, stall or ask for much at a bad moment. */
import { ErrorCode, OpCode } from '@baton/jute'
import { expect, test } from 'vitest'
import { create, read } from '../support/pipeline-world.ts'
import { withServer, type ServerWorld } from '../support/server-world.ts'

async function counter(world: ServerWorld, name: string): Promise<number> {
  const line = (await world.word('mntr')).split('\n').find(row => row.startsWith(`zk_${name}\t`))
  return Number(line?.split('\t')[1])
}

function slowSync(world: ServerWorld, ms: number): void {
  world.sim.host('server').disk.setLatency({ minMs: 1, maxMs: 1, syncMinMs: ms, syncMaxMs: ms })
}

test('a read that waited for a write leaves no watch for a connection that is gone', () =>
  withServer(async world => {
    const stays = await world.session()
    slowSync(world, 500)
    const client = await world.session()
    client.send(OpCode.create, create('/a'))
    client.send(OpCode.getData, read('/a', true))
    client.send(OpCode.exists, read('/none', true))
    client.send(OpCode.getChildren, read('/a', true))
    await world.sleep(100)
    client.close()
    await world.sleep(3000)
    expect((await stays.call(OpCode.exists, read('/a'))).err).toBe(ErrorCode.ok)
    expect(await counter(world, 'watch_count')).toBe(0)
  }))
