import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NodeExec } from '@baton/runtime/node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { NodeFencer } from '../../src/fencing/index.ts'
import type { FenceRole, FenceResult } from '../../src/fencing/index.ts'
import { abbreviate } from '../../src/fencing/shell-command-fencer.ts'
import { configuration, FakeExec, fencingRuntime, never, NN1, NN2 } from './fake-exec.ts'
import type { LogLine } from './fake-exec.ts'

const fencer = (
  command: string,
  exec: ConstructorParameters<typeof FakeExec>[0] | NodeExec,
  entries: Record<string, string> = {},
  lines: LogLine[] = [],
): { fence: (role?: FenceRole) => Promise<FenceResult>; exec: FakeExec } => {
  const fake = exec instanceof NodeExec ? exec : new FakeExec(exec)
  const conf = configuration({ 'dfs.ha.fencing.methods': `shell(${command})`, ...entries })
  const surroundings = { environment: process.env }
  const made = NodeFencer.create(conf, fencingRuntime(fake, lines), surroundings)
  const fence = (role: FenceRole = 'zkfc'): Promise<FenceResult> =>
    made.fence(NN1, { signal: never(), role })
  return { fence, exec: fake as FakeExec }
}

test('the command runs in bash -e with a time limit of 300 s', async () => {
  const { fence, exec } = fencer('/bin/true', () => ({}))
  expect((await fence()).ok).toBe(true)
  expect(exec.runs[0]?.command).toEqual(['bash', '-e', '-c', '/bin/true'])
  expect(exec.runs[0]?.options.timeoutMs).toBe(300_000)
  expect(exec.runs[0]?.options.stdin).toBeUndefined()
})

test.each([
  [{ exitCode: 1 }, /exit code 1/],
  [{ exitCode: 127 }, /not found/],
  [{ exitCode: 126 }, /may not be executed/],
  [{ exitCode: 137 }, /signal 9/],
  [{ exitCode: 0, timedOut: true }, /killed after 300000 ms.*fenced or not/],
])('an end with %o is a failure and says why', async (ended, cause) => {
  const result = await fencer('fence', () => ended).fence()
  expect(result.ok).toBe(false)
  expect(result.attempts[0]?.cause).toMatch(cause)
})

test('the environment holds the configuration and the target, but no secrets', async () => {
  const { fence, exec } = fencer('fence', () => ({}), {
    'dfs.namenode.rpc-address': '${not.expanded}:8020',
    'ha.zookeeper.auth': 'digest:hdfs:hidden',
    'ssl.server.keystore.password': 'hidden',
    'baton.events.redis.url': 'redis://:hidden@host',
    'dfs.namenode.keytab.file': '/etc/nn.keytab',
  })
  await fence()
  const env = exec.runs[0]?.options.env ?? {}
  expect(env['dfs_namenode_rpc-address']).toBe('${not.expanded}:8020')
  expect(env['dfs_namenode_keytab_file']).toBe('/etc/nn.keytab')
  expect(Object.values(env).join('\n')).not.toContain('hidden')
  expect(env['PATH']).toBe(process.env['PATH'])
  expect(env).toMatchObject({
    target_host: 'host1',
    target_port: '8020',
    target_address: 'host1/192.0.2.1:8020',
    target_nameserviceid: 'mycluster',
    target_namenodeid: 'nn1',
  })
  expect(env).not.toHaveProperty('source_host')
})

test('baton.fencing.shell.pass-secrets gives the script all keys, as Java does', async () => {
  const keys = { 'ha.zookeeper.auth': 'digest:u:p', 'baton.fencing.shell.pass-secrets': 'true' }
  const { fence, exec } = fencer('fence', () => ({}), keys)
  await fence()
  expect(exec.runs[0]?.options.env['ha_zookeeper_auth']).toBe('digest:u:p')
})

test('a controller runs the second of two commands, with both sets of variables', async () => {
  const { fence, exec } = fencer('first.sh, second.sh', () => ({}))
  await fence()
  expect(exec.runs[0]?.command.at(-1)).toBe('second.sh')
  expect(exec.runs[0]?.options.env).toMatchObject({ target_host: 'host1', source_host: 'host1' })
})

test('a manual failover runs each command for its node, the active-to-be first', async () => {
  const exec = new FakeExec()
  const conf = configuration({ 'dfs.ha.fencing.methods': 'shell(first.sh, second.sh)' })
  const made = NodeFencer.create(conf, fencingRuntime(exec))
  const nodes = { becomingActive: NN2, becomingStandby: NN1 }
  expect((await made.fenceBoth(nodes, { signal: never() })).ok).toBe(true)
  const seen = exec.runs.map(({ command, options: { env } }) => [
    command.at(-1),
    env['target_host'],
    env['source_host'],
  ])
  expect(seen).toEqual([
    ['first.sh', 'host2', undefined],
    ['second.sh', undefined, 'host1'],
  ])
})

test.each([['shell( )'], ['shell']])('%s without a command is refused at start', value => {
  const conf = configuration({ 'dfs.ha.fencing.methods': value })
  expect(() => NodeFencer.create(conf, fencingRuntime(new FakeExec()))).toThrow(
    /No argument passed/,
  )
})

test.each(['0', '-1', '1s', '99999999999'])('a time limit of %s is refused at start', text => {
  const create = (): unknown => fencer('x', () => ({}), { 'baton.fencing.shell.timeout.ms': text })
  expect(create).toThrow(`baton.fencing.shell.timeout.ms is "${text}"`)
})

test('a switch that is neither on nor off is refused at start', () => {
  const keys = { 'baton.fencing.shell.pass-secrets': 'yes' }
  expect(() => fencer('x', () => ({}), keys)).toThrow(
    /pass-secrets is "yes": expected true or false/,
  )
})

test('the prefix of output lines is shortened as in Java', () => {
  expect(abbreviate('env -0 > $WORK/fence.env; echo out; echo err >&2')).toBe(
    'env -0 >...o err >&2',
  )
  expect(abbreviate('/bin/true')).toBe('/bin/true')
})

describe('with a real bash', () => {
  let directory = ''
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'baton-fence-'))
  })
  afterAll(() => rm(directory, { recursive: true }))

  test('output is logged line by line and recorded', async () => {
    const lines: LogLine[] = []
    const { fence } = fencer('echo out; echo err >&2; exit 3', new NodeExec(), {}, lines)
    const result = await fence()
    expect(result.ok).toBe(false)
    expect(result.attempts[0]?.exitCode).toBe(3)
    expect(result.attempts[0]?.output).toBe('out\nerr')
    expect(lines).toContainEqual({ level: 'info', message: 'echo out...2; exit 3: out' })
    expect(lines).toContainEqual({ level: 'warn', message: 'echo out...2; exit 3: err' })
  })

  test('-e ends the command at the first failure', async () => {
    expect((await fencer('false; true', new NodeExec()).fence()).ok).toBe(false)
  })

  test('names with "-" reach the child', async () => {
    const file = join(directory, 'env')
    const { fence } = fencer(`env > ${file}`, new NodeExec(), { 'dfs.namenode.rpc-address': 'h:1' })
    expect((await fence()).ok).toBe(true)
    expect(await readFile(file, 'utf8')).toMatch(/^dfs_namenode_rpc-address=h:1$/m)
  })

  test('at the limit the whole process group is killed and the try has failed', async () => {
    const file = join(directory, 'late')
    const { fence } = fencer(
      `trap '' TERM; (sleep 0.6; touch ${file}) & wait; exit 0`,
      new NodeExec(),
      { 'baton.fencing.shell.timeout.ms': '200' },
    )
    const result = await fence()
    expect(result.ok).toBe(false)
    expect(result.attempts[0]?.timedOut).toBe(true)
    const survivor = await fencer(`sleep 0.7; test ! -e ${file}`, new NodeExec()).fence()
    expect(survivor.ok).toBe(true)
  })

  test('a command that takes long is warned of', async () => {
    const lines: LogLine[] = []
    const keys = { 'baton.fencing.shell.warn-after.ms': '20' }
    await fencer('sleep 0.2', new NodeExec(), keys, lines).fence()
    expect(lines.some(line => /still running after/.test(line.message))).toBe(true)
  })
})
