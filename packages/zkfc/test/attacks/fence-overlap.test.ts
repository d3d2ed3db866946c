import type { IpcClient } from '@baton/hadoop'
import type { ExecOptions, ExecResult } from '@baton/runtime'
import { nodeClock } from '@baton/runtime/node'
import { expect, test } from 'vitest'
import type { InputBody, NodeRef } from '../../src/core/messages.ts'
import { FenceIo } from '../../src/fence-io.ts'
import { NodeFencer } from '../../src/fencing/index.ts'
import { configuration, FakeExec, fencingRuntime } from '../fencing/fake-exec.ts'

/*
 * A fence that was called off is still ending (its program survives the kill for a moment, the far
 * side of ssh has its own limit) when the next activation wants to fence.
 */
const NN2: NodeRef = {
  nameserviceId: 'ns',
  namenodeId: 'nn2',
  host: 'nn2',
  port: 8020,
  zkfcPort: 8019,
}
const KILLED: Partial<ExecResult> = { exitCode: 137 }

interface Bench {
  readonly io: FenceIo
  readonly exec: FakeExec
  readonly inputs: InputBody[]
  /** Lets the program that was started first end. */
  readonly endFirst: (result: Partial<ExecResult>) => void
}

function bench(): Bench {
  const inputs: InputBody[] = []
  const ends: ((result: Partial<ExecResult>) => void)[] = []
  const exec = new FakeExec(() => new Promise(resolve => void ends.push(resolve)))
  const conf = configuration({ 'dfs.ha.fencing.methods': 'shell(first)\nshell(second)' })
  const io = new FenceIo({
    runtime: { clock: nodeClock, network: { resolve: () => Promise.resolve([]) } as never },
    ipc: {} as IpcClient,
    connectTimeoutMs: 1,
    targets: [],
    step: input => void inputs.push(input),
    onStarted: () => {},
    onAttempt: () => {},
  })
  io.useFencers(new Map([['nn2', NodeFencer.create(conf, fencingRuntime(exec))]]))
  return { io, exec, inputs, endFirst: result => ends.shift()?.(result) }
}

const turns = async (): Promise<void> => {
  for (let at = 0; at < 5; at += 1) await new Promise(resolve => setImmediate(resolve))
}

function signalOf(exec: FakeExec, at: number): ExecOptions['signal'] {
  return exec.runs[at]?.options.signal
}

test('methods of a new fence begin only when the one called off has ended', async () => {
  const { io, exec, inputs, endFirst } = bench()
  io.methods(1, NN2)
  await turns()
  expect(exec.runs.length).toBe(1)
  io.abort(1)
  io.methods(2, NN2)
  await turns()
  expect(signalOf(exec, 0)?.aborted).toBe(true)
  expect(exec.runs.length).toBe(1)
  endFirst(KILLED)
  await turns()
  expect(exec.runs.length).toBe(2)
  expect(signalOf(exec, 1)?.aborted).toBe(false)
  endFirst({ exitCode: 0 })
  await turns()
  expect(inputs).toMatchObject([
    { kind: 'fenced', id: 1, ok: false },
    { kind: 'fenced', id: 2, ok: true },
  ])
})

test('one called off while it waited runs nothing', async () => {
  const { io, exec, inputs, endFirst } = bench()
  io.methods(1, NN2)
  await turns()
  io.methods(2, NN2)
  io.abortAll()
  endFirst({ exitCode: 0 })
  await turns()
  expect(exec.runs.length).toBe(1)
  expect(inputs).toMatchObject([
    { id: 1, ok: false },
    { id: 2, ok: false, text: 'the failover was called off' },
  ])
})
