import type { IpcClient } from '@baton/hadoop'
import type { Clock } from '@baton/runtime'
import { nodeClock } from '@baton/runtime/node'
import { describe, expect, test } from 'vitest'
import type { InputBody, NodeRef } from '../src/core/messages.ts'
import { FenceIo } from '../src/fence-io.ts'
import { NodeFencer } from '../src/fencing/index.ts'
import { configuration, FakeExec, fencingRuntime } from './fencing/fake-exec.ts'

const NN2: NodeRef = {
  nameserviceId: 'ns',
  namenodeId: 'nn2',
  host: 'nn2.example',
  port: 8020,
  zkfcPort: 8019,
}

interface Bench {
  readonly io: FenceIo
  readonly exec: FakeExec
  readonly inputs: InputBody[]
  /** What the clock was asked for and not called off. */
  readonly timers: Map<number, () => void>
}

function bench(resolve: () => Promise<readonly string[]>): Bench {
  const inputs: InputBody[] = []
  const timers = new Map<number, () => void>()
  const clock: Clock = {
    ...nodeClock,
    after: (delayMs, run) => {
      timers.set(delayMs, run)
      return () => void timers.delete(delayMs)
    },
  }
  const exec = new FakeExec()
  const conf = configuration({ 'dfs.ha.fencing.methods': 'shell(fence)' })
  const io = new FenceIo({
    runtime: { clock, network: { resolve } as never },
    ipc: {} as IpcClient,
    connectTimeoutMs: 1,
    targets: [],
    step: input => void inputs.push(input),
    onStarted: () => {},
    onAttempt: () => {},
  })
  io.useFencers(new Map([['nn2', NodeFencer.create(conf, fencingRuntime(exec))]]))
  return { io, exec, inputs, timers }
}

const turns = async (): Promise<void> => {
  for (let at = 0; at < 5; at += 1) await new Promise(resolve => setImmediate(resolve))
}

const never = (): Promise<never> => new Promise(() => {})

describe('the address that methods may print', () => {
  const addressOf = ({ exec }: Bench): string | undefined =>
    exec.runs[0]?.options.env?.['target_address']

  test('a name server that does not answer holds the first method up for 200 ms', async () => {
    const b = bench(never)
    b.io.methods(1, NN2)
    await turns()
    expect(b.exec.runs).toEqual([])
    expect([...b.timers.keys()]).toEqual([200])
    b.timers.get(200)?.()
    await turns()
    expect(addressOf(b)).toContain('nn2.example')
    expect(b.inputs).toMatchObject([{ kind: 'fenced', id: 1, ok: true }])
  })

  test('is not waited for once the fence was called off', async () => {
    const b = bench(never)
    b.io.methods(1, NN2)
    await turns()
    b.io.abort(1)
    await turns()
    expect(b.exec.runs).toEqual([])
    expect(b.timers.size).toBe(0)
    expect(b.inputs).toMatchObject([{ id: 1, ok: false, text: 'the failover was called off' }])
  })

  test.each([
    ['known', () => Promise.resolve(['10.0.0.2'])],
    ['unknown', () => Promise.reject(new Error('ENOTFOUND'))],
  ])('of a name that is %s costs no wait, and leaves no timer', async (_what, resolve) => {
    const b = bench(resolve)
    b.io.methods(1, NN2)
    await turns()
    expect(addressOf(b)).toContain('nn2.example')
    expect(b.timers.size).toBe(0)
    expect(b.inputs).toMatchObject([{ id: 1, ok: true }])
  })
})
