import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { createNodeRuntime } from '@baton/runtime/node'
import { NodeFencer } from '@baton/zkfc'
import type { FenceAttempt } from '@baton/zkfc'
import { afterEach, beforeEach, expect, test } from 'vitest'

/** sshfence against a real sshd on loopback, with an ed25519 key. */

let directory = ''
let sshPort = 0
const children: ChildProcess[] = []
const servers: Server[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'baton-sshd-'))
  makeKey('host')
  makeKey('client')
  const authorized = await readFile(join(directory, 'client.pub'), 'utf8')
  await writeFile(join(directory, 'authorized_keys'), authorized, { mode: 0o600 })
  sshPort = await freePort()
})

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  for (const server of servers.splice(0)) server.close()
  await rm(directory, { recursive: true })
})

function makeKey(name: string): void {
  const file = join(directory, name)
  const ended = spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file])
  if (ended.status !== 0) throw new Error(`ssh-keygen: ${String(ended.stderr)}`)
}

function freePort(): Promise<number> {
  return new Promise(resolve => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })
}

/** sshd in the foreground; `extra` are lines of its configuration. */
async function startSshd(extra: readonly string[] = []): Promise<void> {
  // Debian's sshd wants its empty directory; only root may, and needs to, make it.
  if (userInfo().uid === 0) await mkdir('/run/sshd', { recursive: true })
  const lines = [
    `Port ${sshPort}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${join(directory, 'host')}`,
    `AuthorizedKeysFile ${join(directory, 'authorized_keys')}`,
    `PidFile ${join(directory, 'pid')}`,
    'StrictModes no',
    'UsePAM no',
    'PermitRootLogin yes',
    'PasswordAuthentication no',
    ...extra,
  ]
  await writeFile(join(directory, 'sshd_config'), `${lines.join('\n')}\n`)
  const program = ['/usr/sbin/sshd', '/usr/bin/sshd'].find(path => existsSync(path)) ?? 'sshd'
  const sshd = spawn(program, ['-D', '-e', '-f', join(directory, 'sshd_config')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  children.push(sshd)
  await new Promise<void>((resolve, reject) => {
    let text = ''
    sshd.once('error', reject)
    sshd.once('exit', () => reject(new Error(`sshd ended: ${text}`)))
    sshd.stderr.on('data', (bytes: Buffer) => {
      text += bytes.toString()
      if (text.includes('Server listening')) resolve()
    })
  })
}

interface Listening {
  readonly child: ChildProcess
  readonly port: number
}

/** Stands for the NameNode: a process that listens. */
async function startListener(): Promise<Listening> {
  const text =
    `const s = require('net').createServer().listen(0, '127.0.0.1', ` +
    `() => console.log(s.address().port))`
  const child = spawn(process.execPath, ['-e', text], { stdio: ['ignore', 'pipe', 'ignore'] })
  children.push(child)
  const line = await new Promise<string>(resolve => {
    child.stdout.once('data', (bytes: Buffer) => resolve(bytes.toString()))
  })
  return { child, port: Number(line) }
}

async function fence(
  port: number,
  entries: Readonly<Record<string, string>> = {},
): Promise<FenceAttempt> {
  const conf: Record<string, string> = {
    'dfs.ha.fencing.methods': `sshfence(:${sshPort})`,
    'dfs.ha.fencing.ssh.private-key-files': join(directory, 'client'),
    'baton.fencing.ssh.known-hosts-file': join(directory, 'known_hosts'),
    ...entries,
  }
  const get = (key: string): string | undefined => conf[key]
  const configuration = { get, getRaw: get, getTrimmed: get, keys: () => Object.keys(conf) }
  const fencer = NodeFencer.create(configuration, createNodeRuntime(), { environment: process.env })
  const target = {
    nameserviceId: 'mycluster',
    namenodeId: 'nn1',
    host: '127.0.0.1',
    port,
    addressText: `localhost/127.0.0.1:${port}`,
  }
  const { attempts } = await fencer.fence(target, { signal: new AbortController().signal })
  const [attempt] = attempts
  if (attempt === undefined) throw new Error('no attempt was made')
  return attempt
}

const alive = ({ child }: Listening): boolean =>
  child.exitCode === null && child.signalCode === null

test('the process on the port is killed, and gone before it is called fenced', async () => {
  await startSshd()
  const listening = await startListener()
  const ended = new Promise(resolve => listening.child.once('exit', (_code, by) => resolve(by)))
  const attempt = await fence(listening.port)
  expect(attempt.cause).toContain(`were killed and are gone (${listening.child.pid}:`)
  expect(attempt.ok).toBe(true)
  expect(await ended).toBe('SIGKILL')
  const again = await fence(listening.port)
  expect(again.ok).toBe(true)
  expect(again.cause).toContain('no process holds the port')
})

test('a hung process is killed as well', async () => {
  await startSshd()
  const listening = await startListener()
  listening.child.kill('SIGSTOP')
  expect((await fence(listening.port)).ok).toBe(true)
})

test('without fuser there it is done by hand', async () => {
  const tools = join(directory, 'tools')
  await mkdir(tools)
  for (const tool of ['cat', 'ls', 'grep', 'sleep', 'tr', 'sh', 'timeout']) {
    const place = ['/usr/bin', '/bin'].map(path => join(path, tool)).find(path => existsSync(path))
    await symlink(place ?? tool, join(tools, tool))
  }
  await startSshd([`SetEnv PATH=${tools}`])
  const listening = await startListener()
  const attempt = await fence(listening.port)
  expect(attempt.cause).toContain('were killed and are gone')
  expect(attempt.ok).toBe(true)
})

test('an account without rights is a failure, and nothing is killed', async () => {
  const command = 'setpriv --reuid=65534 --regid=65534 --clear-groups'
  await startSshd([`ForceCommand ${command} sh -c "$SSH_ORIGINAL_COMMAND"`])
  const listening = await startListener()
  const attempt = await fence(listening.port)
  expect(attempt.ok).toBe(false)
  // As root the tests see the real thing; others cannot even change the account.
  expect(attempt.cause).toMatch(/cannot see which|did not run the fencing commands/)
  expect(alive(listening)).toBe(true)
})

test('an account restricted to a command that ends with 0 has not fenced', async () => {
  await startSshd(['ForceCommand /bin/true'])
  const listening = await startListener()
  const attempt = await fence(listening.port)
  expect(attempt.ok).toBe(false)
  expect(attempt.cause).toContain('restricted')
  expect(alive(listening)).toBe(true)
})

test('a key that is not authorized is a refused login', async () => {
  await startSshd()
  makeKey('other')
  const keys = { 'dfs.ha.fencing.ssh.private-key-files': join(directory, 'other') }
  const attempt = await fence(1, keys)
  expect(attempt.ok).toBe(false)
  expect(attempt.cause).toContain('the login was refused')
})

test('a changed host key is refused by default, and an unknown one by strict', async () => {
  await startSshd()
  const strict = await fence(1, { 'baton.fencing.ssh.known-hosts': 'strict' })
  expect(strict.cause).toContain('host key is not known')
  makeKey('impostor')
  const other = await readFile(join(directory, 'impostor.pub'), 'utf8')
  await writeFile(join(directory, 'known_hosts'), `[127.0.0.1]:${sshPort} ${other}`)
  const changed = await fence(1)
  expect(changed.ok).toBe(false)
  expect(changed.cause).toContain('host key has changed')
  const listening = await startListener()
  const off = await fence(listening.port, { 'baton.fencing.ssh.known-hosts': 'off' })
  expect(off.ok).toBe(true)
})

test('an ssh port that refuses, and one that says nothing, are failures in time', async () => {
  const refused = await fence(1)
  expect(refused.cause).toContain('nothing listens on its ssh port')
  const silent = createServer()
  servers.push(silent)
  await new Promise<void>(resolve => silent.listen(sshPort, '127.0.0.1', resolve))
  const attempt = await fence(1, { 'dfs.ha.fencing.ssh.connect-timeout': '1000' })
  expect(attempt.ok).toBe(false)
  expect(attempt.cause).toMatch(/did not answer in time|failed or was lost/)
})

test('a remote side that hangs after the login is given up within the limits', async () => {
  await startSshd(['ForceCommand sleep 60'])
  const limits = {
    'dfs.ha.fencing.ssh.connect-timeout': '1000',
    'baton.fencing.ssh.command-timeout.ms': '10000',
  }
  const attempt = await fence(1, limits)
  expect([attempt.ok, attempt.timedOut]).toEqual([false, true])
  expect(attempt.cause).toContain('within 11000 ms')
})
