import { expect, test } from 'vitest'
import type { ExecResult } from '@baton/runtime'
import { NodeFencer } from '../../src/fencing/index.ts'
import type { FenceAttempt, FenceTarget } from '../../src/fencing/index.ts'
import { configuration, FakeExec, fencingRuntime, never, NN1 } from './fake-exec.ts'

interface Fenced {
  readonly attempt: FenceAttempt
  readonly exec: FakeExec
}

async function fence(
  method: string,
  ended: Partial<ExecResult>,
  entries: Record<string, string> = {},
  target: FenceTarget = NN1,
): Promise<Fenced> {
  const exec = new FakeExec(() => ended)
  const conf = configuration({ 'dfs.ha.fencing.methods': method, ...entries })
  const environment = { PATH: '/bin', HOME: '/home/hdfs', SSH_AUTH_SOCK: '/agent', DISPLAY: ':0' }
  const fencer = NodeFencer.create(conf, fencingRuntime(exec), { environment })
  const { attempts } = await fencer.fence(target, { signal: never() })
  const [attempt] = attempts
  if (attempt === undefined) throw new Error('no attempt was made')
  return { attempt, exec }
}

const FENCED = { stdout: '8020/tcp: 7\nbaton-fence fenced  7:99\n' }

test('ssh may ask nothing, uses no agent, and is told the connect time-out', async () => {
  const { attempt, exec } = await fence('sshfence', FENCED)
  expect(attempt.ok).toBe(true)
  const { command, options } = exec.runs[0] ?? {}
  const line = command?.join(' ') ?? ''
  for (const option of [
    'BatchMode=yes',
    'ConnectTimeout=30',
    'IdentityAgent=none',
    'StrictHostKeyChecking=accept-new',
  ]) {
    expect(line).toContain(`-o ${option}`)
  }
  expect(line).not.toMatch(/ -[lpi] |IdentitiesOnly/)
  expect(options?.env).toEqual({ PATH: '/bin', HOME: '/home/hdfs', LC_ALL: 'C' })
  expect(options?.timeoutMs).toBe(60_000)
})

test.each([
  ['sshfence(hdfs)', '-l hdfs'],
  ['sshfence(hdfs:2222)', '-p 2222 -l hdfs'],
  ['sshfence(:2222)', '-p 2222'],
])('%s gives ssh %s', async (method, expected) => {
  const { exec } = await fence(method, FENCED)
  expect(exec.runs[0]?.command.join(' ')).toContain(` ${expected} -- host1 `)
})

test('each key file is offered, and only those', async () => {
  const keys = { 'dfs.ha.fencing.ssh.private-key-files': ' /k/one , /k/two,' }
  const { exec } = await fence('sshfence', FENCED, keys)
  expect(exec.runs[0]?.command.join(' ')).toContain('-o IdentitiesOnly=yes -i /k/one -i /k/two --')
})

test.each([
  ['strict', 'StrictHostKeyChecking=yes'],
  ['accept-new', 'StrictHostKeyChecking=accept-new'],
  ['off', 'StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null'],
])('the known-hosts policy %s is %s', async (policy, option) => {
  const { exec } = await fence('sshfence', FENCED, { 'baton.fencing.ssh.known-hosts': policy })
  expect(exec.runs[0]?.command.join(' ')).toContain(`-o ${option}`)
})

test.each([
  ['sshfence(a:b)', {}, /Unable to parse user and SSH port: a:b/],
  ['sshfence(hdfs:70000)', {}, /from 1 to 65535/],
  ['sshfence', { 'baton.fencing.ssh.known-hosts': 'maybe' }, /strict, accept-new or off/],
  ['sshfence', { 'dfs.ha.fencing.ssh.connect-timeout': 'x' }, /ssh\.connect-timeout is "x"/],
  ['sshfence', { 'baton.fencing.ssh.command-timeout.ms': '5000' }, /at least 10000/],
])('%s with %o is refused at start', (method, entries, message) => {
  const conf = configuration({ 'dfs.ha.fencing.methods': method, ...entries })
  expect(() => NodeFencer.create(conf, fencingRuntime(new FakeExec()))).toThrow(message)
})

const failures: readonly (readonly [string, Partial<ExecResult>, RegExp])[] = [
  ['a time-out', { ...FENCED, timedOut: true, exitCode: 137 }, /within 60000 ms/],
  ['an exit code 0 without a verdict', { exitCode: 0, stdout: 'Welcome\n' }, /restricted/],
  ['a verdict that is not the last line', { stdout: `${FENCED.stdout}bye\n` }, /restricted/],
  [
    'a verdict of success with another exit code',
    { ...FENCED, exitCode: 1 },
    /killed and are gone/,
  ],
  ['a verdict nobody knows', { stdout: 'baton-fence toString\n' }, /did not run/],
  ['a missing ssh', { exitCode: 127 }, /ssh is not installed/],
  ['commands killed there', { exitCode: 137 }, /did not end in time/],
  ['a port still listening', { exitCode: 1, stdout: 'baton-fence listening\n' }, /still listens/],
  [
    'a process that survives',
    { exitCode: 1, stdout: 'baton-fence survived 7' },
    /not ended.*\(7\)/,
  ],
  ['an unseen owner', { exitCode: 1, stdout: 'baton-fence unseen\n' }, /cannot see which/],
  [
    'a changed host key',
    { exitCode: 255, stderr: 'WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!\nHost key…' },
    /host key has changed.*known-hosts/,
  ],
  ['an unknown host key', { exitCode: 255, stderr: 'Host key verification failed.' }, /not known/],
  [
    'a refused login',
    { exitCode: 255, stderr: 'h: Permission denied (publickey).' },
    /user and key/,
  ],
  ['a closed port', { exitCode: 255, stderr: 'connect: Connection refused' }, /nothing listens/],
  [
    'an unusable key before a closed port',
    {
      exitCode: 255,
      stderr: 'Warning: Identity file /k not accessible: No such file.\nConnection refused',
    },
    /^no ssh session with host1: nothing listens on its ssh port .*; besides, a key of /,
  ],
  [
    'an unusable key and a refused login',
    { exitCode: 255, stderr: 'Load key "/k": invalid format\nh: Permission denied (publickey).' },
    /^no ssh session with host1: a key of \S+ cannot be used \(ssh says: h: Permission denied/,
  ],
  ['dropped packets', { exitCode: 255, stderr: 'connect: Connection timed out' }, /may be down/],
  ['a lost connection', { exitCode: 255, stderr: '' }, /failed or was lost/],
  ['a success with ssh’s own 255', { ...FENCED, exitCode: 255 }, /failed or was lost/],
]

test.each(failures)('%s is a failure with a plain cause', async (_what, ended, cause) => {
  const { attempt } = await fence('sshfence', ended)
  expect(attempt.ok).toBe(false)
  expect(attempt.cause).toMatch(cause)
})

test('nothing on the port after a login is fenced, and says so', async () => {
  const { attempt } = await fence('sshfence', { stdout: 'baton-fence idle \n' })
  expect(attempt.ok).toBe(true)
  expect(attempt.cause).toBe('host1 port 8020: logged in, and no process holds the port')
})
