import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from './test-io.ts'

const HINT =
  'no configuration was read: give --conf DIR or set HADOOP_CONF_DIR' +
  ' (a directory with core-site.xml and hdfs-site.xml)\n'
let directory = ''

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'baton-conf-'))
  const site = '<configuration></configuration>'
  await writeFile(join(directory, 'hdfs-site.xml'), site)
})
afterAll(() => rm(directory, { recursive: true }))

test('a complaint of haadmin is followed by a hint where no configuration was read', async () => {
  expect(await run(['haadmin', '-getAllServiceState'])).toEqual({
    rc: 255,
    stdout: '',
    stderr: `Failed to get service IDs\n${HINT}`,
  })
  const one = await run(['haadmin', '-getServiceState', 'nn1'])
  expect(one.rc).toBe(255)
  const text = 'Illegal argument: Unable to determine the name service ID.\n'
  expect(one.stderr).toBe(text + HINT)
})

test('zkfc is followed by the hint too', async () => {
  const found = await run(['zkfc', '-D', 'baton.log.level=silent'])
  expect(found.rc).toBe(1)
  expect(found.stderr).toMatch(/^dfs\.nameservices \(not set\)/)
  expect(found.stderr.endsWith(HINT)).toBe(true)
})

test('no hint where a configuration was read, from any place', async () => {
  const words = ['haadmin', '-getAllServiceState']
  const bare = { rc: 255, stdout: '', stderr: 'Failed to get service IDs\n' }
  expect(await run(['--conf', directory, ...words])).toEqual(bare)
  expect(await run(['--conf', join(directory, 'hdfs-site.xml'), ...words])).toEqual(bare)
  expect(await run(words, { env: { HADOOP_CONF_DIR: directory } })).toEqual(bare)
  expect(await run(words, { io: { defaultConfDirectory: directory } })).toEqual(bare)
})

test('HADOOP_CONF_DIR beats the default directory', async () => {
  const env = { HADOOP_CONF_DIR: '/no/such' }
  const io = { defaultConfDirectory: directory }
  const found = await run(['haadmin', '-getAllServiceState'], { env, io })
  expect(found.stderr).toContain('configuration directory /no/such')
})
