import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import { createProcLocalProcesses } from '../../src/node/proc-local-processes.ts'

let child: ChildProcess | undefined
afterEach(() => child?.kill('SIGKILL'))

async function listenElsewhere(host: string): Promise<number> {
  const text =
    `const s = require('net').createServer().listen(0, '${host}', ` +
    `() => console.log(s.address().port))`
  const started = spawn(process.execPath, ['-e', text], { stdio: ['ignore', 'pipe', 'ignore'] })
  child = started
  return new Promise(resolve => {
    started.stdout.once('data', (bytes: Buffer) => resolve(Number(bytes.toString())))
  })
}

const ended = (process: ChildProcess | undefined): Promise<void> =>
  new Promise(resolve => process?.once('exit', () => resolve()))

test('the kernel names the process that listens, and says when it is gone', async () => {
  const processes = createProcLocalProcesses()
  const port = await listenElsewhere('127.0.0.1')
  const identity = await processes.listener([port])
  if (!existsSync('/proc/net/tcp')) return expect(identity).toBeUndefined()
  expect(identity).toMatchObject({ pid: child?.pid, ports: [port] })
  if (identity === undefined) return
  expect(await processes.gone(identity, [port])).toBe('alive')
  child?.kill('SIGSTOP')
  expect(await processes.gone(identity, [port])).toBe('alive')
  const exit = ended(child)
  child?.kill('SIGKILL')
  await exit
  expect(await processes.gone(identity, [port])).toBe('gone')
  expect(await processes.listener([port])).toBeUndefined()
})
