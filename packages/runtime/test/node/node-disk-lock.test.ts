import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { NodeDisk } from '@baton/runtime/node'
import { expect, test } from 'vitest'
import { rejectionCode } from '../../../../test/acceptance/world.ts'
import { makeNodeWorld } from './node-world.ts'

/** Takes the kernel's lock in a process of its own and holds it until it is killed. */
const HOLDER = `
import { createRequire } from 'node:module'
import { openSync } from 'node:fs'
const { tryLock } = createRequire(process.argv[1])('fs-native-extensions')
console.log(tryLock(openSync(process.argv[2], 'a+')))
setInterval(() => {}, 1000)
`

async function holdElsewhere(path: string): Promise<ChildProcess> {
  const here = new URL('.', import.meta.url).pathname
  const args = ['--input-type=module', '-e', HOLDER, here, path]
  const holder = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [output] = (await once(holder.stdout, 'data')) as [Buffer]
  expect(output.toString()).toBe('true\n')
  return holder
}

test('a lock held by another process is refused, and free once that is killed', async () => {
  const world = await makeNodeWorld()
  const disk = new NodeDisk()
  const path = `${world.directory}/lock`
  const holder = await holdElsewhere(path)
  expect(await rejectionCode(disk.lock(path))).toBe('ELOCKED')
  const ended = once(holder, 'exit')
  holder.kill('SIGKILL')
  await ended
  const lock = await disk.lock(path)
  await lock.release()
  await world.dispose()
})

test('new files are private to their owner, unless asked otherwise', async () => {
  const { statSync } = await import('node:fs')
  const world = await makeNodeWorld()
  for (const [disk, mode] of [
    [new NodeDisk(), 0o600],
    [new NodeDisk({ fileMode: 0o640 }), 0o640],
  ] as const) {
    const path = `${world.directory}/${mode}`
    await (await disk.open(path, 'create')).close()
    expect(statSync(path).mode & 0o777).toBe(mode)
  }
  await world.dispose()
})
