import { describe, expect, test } from 'vitest'
import { NodeFencer } from '../../src/fencing/index.ts'
import type { FenceAttempt } from '../../src/fencing/index.ts'
import { configuration, FakeExec, fencingRuntime, never, NN1, NN2 } from './fake-exec.ts'
import type { LogLine } from './fake-exec.ts'

const make = (methods: string | undefined, exec = new FakeExec(), lines: LogLine[] = []) =>
  NodeFencer.create(
    configuration(methods === undefined ? {} : { 'dfs.ha.fencing.methods': methods }),
    fencingRuntime(exec, lines),
  )

/** Ends with exit code 0 for commands that hold "good". */
const goodOrBad = (): FakeExec =>
  new FakeExec(({ command }) => ({ exitCode: command.join(' ').includes('good') ? 0 : 1 }))

test('methods run in their order, one after the other, until one says fenced', async () => {
  let running = 0
  const exec = new FakeExec(async ({ command }) => {
    running += 1
    expect(running).toBe(1)
    await new Promise(resolve => setImmediate(resolve))
    running -= 1
    return { exitCode: command.at(-1) === 'good' ? 0 : 1 }
  })
  const seen: (readonly [FenceAttempt, number])[] = []
  const result = await make('shell(bad)\nshell(good)\nshell(unused)', exec).fence(NN1, {
    signal: never(),
    onAttempt: (attempt, number) => seen.push([attempt, number]),
  })
  expect(result.ok).toBe(true)
  expect(exec.runs.map(run => run.command.at(-1))).toEqual(['bad', 'good'])
  expect(seen.map(([attempt, number]) => [attempt.method, attempt.ok, number])).toEqual([
    ['shell(bad)', false, 1],
    ['shell(good)', true, 2],
  ])
})

test('the log has the lines of Hadoop', async () => {
  const lines: LogLine[] = []
  await make('shell(good)', goodOrBad(), lines).fence(NN1, { signal: never() })
  expect(lines.map(line => line.message)).toEqual([
    '====== Beginning Service Fencing Process... ======',
    'Trying method 1/1: org.apache.hadoop.ha.ShellCommandFencer(good)',
    `Launched fencing command 'good'`,
    '====== Fencing successful by method org.apache.hadoop.ha.ShellCommandFencer(good) ======',
  ])
})

test('all methods failing is a failed fence with every try recorded', async () => {
  const lines: LogLine[] = []
  const fencer = make('shell(bad)\nshell(worse)', goodOrBad(), lines)
  const result = await fencer.fence(NN1, { signal: never() })
  expect(result.ok).toBe(false)
  expect(result.attempts.map(attempt => attempt.exitCode)).toEqual([1, 1])
  const last = { level: 'error', message: 'Unable to fence service by any configured method.' }
  expect(lines.at(-1)).toEqual(last)
})

test.each(['', '  \n', '# later'])(
  'an empty list %j starts with a warning, never fences',
  async value => {
    const lines: LogLine[] = []
    const fencer = make(value, new FakeExec(), lines)
    expect(lines).toMatchObject([{ level: 'warn' }])
    expect(fencer.methodCount).toBe(0)
    expect(await fencer.fence(NN1, { signal: never() })).toEqual({ ok: false, attempts: [] })
  },
)

test('the warning of an empty list names the NameNode where it is known', () => {
  const lines: LogLine[] = []
  const conf = configuration({ 'dfs.ha.fencing.methods': '' })
  for (const namenodeId of ['nn1', 'nn2']) {
    NodeFencer.create(conf, fencingRuntime(new FakeExec(), lines), { namenodeId })
  }
  expect(lines.map(line => /: (nn\d) can never be fenced/.exec(line.message)?.[1])).toEqual([
    'nn1',
    'nn2',
  ])
})

test('an absent key is refused at start', () => {
  expect(() => make(undefined)).toThrow(/No fencer configured: dfs\.ha\.fencing\.methods/)
})

describe('an abort', () => {
  test('before the start runs nothing', async () => {
    const exec = new FakeExec()
    const result = await make('shell(good)', exec).fence(NN1, { signal: AbortSignal.abort() })
    expect(result).toEqual({ ok: false, attempts: [] })
    expect(exec.runs).toEqual([])
  })

  test('during a method starts no other', async () => {
    const controller = new AbortController()
    const exec = new FakeExec(() => {
      controller.abort()
      return { exitCode: 137 }
    })
    const fencer = make('shell(bad)\nshell(good)', exec)
    const result = await fencer.fence(NN1, { signal: controller.signal })
    expect(result.ok).toBe(false)
    expect(exec.runs).toHaveLength(1)
    expect(result.attempts[0]?.cause).toContain('called off')
  })

  test('makes a success that comes afterwards count as none', async () => {
    const controller = new AbortController()
    const exec = new FakeExec(() => {
      controller.abort()
      return { exitCode: 0 }
    })
    const result = await make('shell(good)', exec).fence(NN1, { signal: controller.signal })
    expect(result.ok).toBe(false)
  })
})

describe('a manual failover', () => {
  const nodes = { becomingActive: NN2, becomingStandby: NN1 }

  test('a method that fails for the first node is not run for the second', async () => {
    const exec = goodOrBad()
    const fencer = make('shell(bad)\nshell(good)', exec)
    expect((await fencer.fenceBoth(nodes, { signal: never() })).ok).toBe(true)
    const seen = exec.runs.map(run => run.command.at(-1))
    expect(seen).toEqual(['bad', 'good', 'good'])
  })

  test('sshfence is left out for the node that is to become active', async () => {
    const exec = new FakeExec(() => ({ stdout: 'baton-fence fenced  7:1\n' }))
    const result = await make('sshfence', exec).fenceBoth(nodes, { signal: never() })
    expect(result.ok).toBe(true)
    expect(exec.runs.map(run => run.command.at(-2))).toEqual(['host1'])
  })
})
