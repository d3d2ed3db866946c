import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createNodeRuntime } from '../../src/node/index.ts'

const disk = createNodeRuntime().disk
let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'baton-directories-'))
})
afterAll(() => rm(directory, { recursive: true }))

test('makes every level, for the owner alone; one that is there is left as it is', async () => {
  const path = join(directory, 'a', 'b')
  await disk.makeDirectory(path)
  await disk.makeDirectory(path)
  for (const made of [path, join(directory, 'a')]) {
    expect((await stat(made)).mode & 0o777).toBe(0o700)
  }
})

test('a file in the way is told', async () => {
  const file = join(directory, 'file')
  await writeFile(file, '')
  await expect(disk.makeDirectory(file)).rejects.toMatchObject({ code: 'EEXIST', path: file })
  const below = disk.makeDirectory(join(file, 'below'))
  await expect(below).rejects.toMatchObject({ code: 'ENOTDIR' })
})

test('ends where the system never lets one be made', async () => {
  const path = '/proc/none/below'
  await expect(disk.makeDirectory(path)).rejects.toMatchObject({
    name: 'DiskError',
    code: 'ENOENT',
    path: '/proc/none',
  })
})
