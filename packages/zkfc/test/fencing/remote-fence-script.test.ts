import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { REMOTE_SCRIPT, remoteCommand } from '../../src/fencing/remote-fence-script.ts'

/** The script as the other host runs it, on this host's shells, against a real listener. */

let toolDirectory = ''
const children: ChildProcess[] = []
const servers: Server[] = []

beforeAll(async () => {
  toolDirectory = await mkdtemp(join(tmpdir(), 'baton-tools-'))
  for (const tool of ['cat', 'ls', 'grep', 'sleep', 'tr', 'sh']) {
    const place = ['/bin', '/usr/bin'].map(path => join(path, tool)).find(path => existsSync(path))
    if (place === undefined) throw new Error(`${tool} is not on this machine`)
    await symlink(place, join(toolDirectory, tool))
  }
})

afterAll(() => rm(toolDirectory, { recursive: true }))

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  for (const server of servers.splice(0)) server.close()
})

interface Listening {
  readonly child: ChildProcess
  readonly port: number
}

/** A process that listens; `host` undefined is every address. */
async function listenElsewhere(host: string | undefined): Promise<Listening> {
  const where = host === undefined ? '0' : `0, '${host}'`
  const text =
    `const s = require('net').createServer().listen(${where}, ` +
    `() => console.log(s.address().port))`
  const child = spawn(process.execPath, ['-e', text], { stdio: ['ignore', 'pipe', 'ignore'] })
  children.push(child)
  const line = await new Promise<string>(resolve => {
    child.stdout?.once('data', (bytes: Buffer) => resolve(bytes.toString()))
  })
  return { child, port: Number(line) }
}

const shells = ['/bin/sh', '/bin/bash'].filter(shell => existsSync(shell))

const run = (shell: string, port: number, path?: string): readonly [number | null, string] => {
  const env = { PATH: path ?? process.env['PATH'] ?? '' }
  const ended = spawnSync(shell, ['-s', String(port), '0'], {
    input: REMOTE_SCRIPT,
    env,
    encoding: 'utf8',
  })
  return [ended.status, ended.stdout.trimEnd().split('\n').at(-1)?.trimEnd() ?? '']
}

describe.each(shells)('in %s', shell => {
  test.each([['127.0.0.1'], [undefined]])('a listener on %s is killed and is gone', async host => {
    const { child, port } = await listenElsewhere(host)
    const [status, last] = run(shell, port)
    expect(last).toMatch(new RegExp(`^baton-fence fenced +${child.pid}:[0-9]+$`))
    expect(status).toBe(0)
  })

  test('without fuser the kernel tables are read by hand', async () => {
    // The script looks in /sbin and /usr/sbin by itself, where some systems have fuser.
    const { child, port } = await listenElsewhere('127.0.0.1')
    const [status, last] = run(shell, port, toolDirectory)
    expect(last).toMatch(new RegExp(`^baton-fence fenced +${child.pid}:`))
    expect(status).toBe(0)
  })

  test('a port nobody holds is idle', async () => {
    const { child, port } = await listenElsewhere('127.0.0.1')
    const ended = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
    expect(run(shell, port)).toEqual([0, 'baton-fence idle'])
  })
})

test('the command line for the login shell runs the script under a limit', async () => {
  const { child, port } = await listenElsewhere('127.0.0.1')
  const command = remoteCommand(port, 20)
  const ended = spawnSync('sh', ['-c', command], { input: REMOTE_SCRIPT, encoding: 'utf8' })
  expect(ended.stdout).toContain(`baton-fence fenced  ${child.pid}:`)
  expect(command).not.toMatch(/[\n!$`]/)
})

test('a script cut off anywhere before its last line touches nothing', async () => {
  const server = createServer()
  servers.push(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const end = REMOTE_SCRIPT.lastIndexOf('main "$@"')
  // This test's own process holds the port: were anything killed, it would be the test.
  for (const share of [0.3, 0.6, 0.9, 1]) {
    const input = REMOTE_SCRIPT.slice(0, Math.floor(end * share))
    const ended = spawnSync('sh', ['-s', String(port), '0'], { input, encoding: 'utf8' })
    expect(ended.stdout).toBe('')
  }
})
