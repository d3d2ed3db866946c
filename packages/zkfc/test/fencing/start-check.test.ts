import { DiskError } from '@baton/runtime'
import type { Disk } from '@baton/runtime'
import { expect, test } from 'vitest'
import { warnOfUnusableMethods } from '../../src/fencing/start-check.ts'
import { configuration, FakeExec, recordingLogger } from './fake-exec.ts'
import type { LogLine } from './fake-exec.ts'

/** Opens what is not told to fail with a code. */
function diskWith(failures: Readonly<Record<string, string>>): Disk {
  const open = (path: string): Promise<unknown> => {
    const code = failures[path]
    if (code !== undefined) return Promise.reject(new DiskError(code, path))
    return Promise.resolve({ close: () => Promise.resolve() })
  }
  return { open } as unknown as Disk
}

async function warnings(
  entries: Readonly<Record<string, string>>,
  failures: Readonly<Record<string, string>> = {},
  exitCodes: Readonly<Record<string, number>> = {},
): Promise<{ readonly lines: LogLine[]; readonly exec: FakeExec }> {
  const lines: LogLine[] = []
  const exec = new FakeExec(({ command }) => ({ exitCode: exitCodes[command.at(-1) ?? ''] ?? 0 }))
  const conf = configuration(entries)
  const nodes = ['nn1', 'nn2'].map(namenodeId => ({ namenodeId, conf }))
  const runtime = { disk: diskWith(failures), exec, logger: recordingLogger(lines) }
  await warnOfUnusableMethods(nodes, runtime)
  return { lines, exec }
}

const METHODS = 'dfs.ha.fencing.methods'
const KEYS = 'dfs.ha.fencing.ssh.private-key-files'

test('a key file that cannot be read is warned of once, with key, file and NameNodes', async () => {
  const entries = { [METHODS]: 'sshfence', [KEYS]: '/k/gone, /k/closed,/k/good,~/.ssh/id,/k/%u' }
  const { lines } = await warnings(entries, { '/k/gone': 'ENOENT', '/k/closed': 'EACCES' })
  expect(lines).toEqual([
    {
      level: 'warn',
      message:
        `${KEYS} names /k/gone, which does not exist: sshfence cannot log in with it ` +
        'to fence nn1, nn2',
    },
    {
      level: 'warn',
      message:
        `${KEYS} names /k/closed, which cannot be read (EACCES): sshfence cannot log in with it ` +
        'to fence nn1, nn2',
    },
  ])
})

test('key files are not looked at where nothing uses them', async () => {
  const entries = { [METHODS]: 'shell(fence)', [KEYS]: '/k/gone' }
  const { lines, exec } = await warnings(entries, { '/k/gone': 'ENOENT' })
  expect([lines, exec.runs]).toEqual([[], []])
})

test('a program that is not there, or may not be executed, is warned of', async () => {
  const methods = 'shell(/f/gone.sh nn1)\nshell(/bin/true, /f/plain.txt; exit 0)\nshell("/q" x)'
  const { lines, exec } = await warnings(
    { [METHODS]: methods },
    {},
    { '/f/gone.sh': 3, '/f/plain.txt': 4 },
  )
  expect(exec.runs.map(run => run.command.at(-1))).toEqual([
    '/f/gone.sh',
    '/bin/true',
    '/f/plain.txt',
  ])
  expect(lines.map(line => line.message)).toEqual([
    `${METHODS} names /f/gone.sh, which does not exist: shell(...) cannot run it to fence nn1, nn2`,
    `${METHODS} names /f/plain.txt, which is no file that this account may execute: ` +
      'shell(...) cannot run it to fence nn1, nn2',
  ])
})
