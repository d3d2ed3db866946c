import { Configuration } from '@baton/hadoop'
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { KNOWN_KEYS, unknownKeyWarnings } from '../src/known-keys.ts'
import { run } from './test-io.ts'

/** Keys of zoo.cfg, which no site file holds. */
const OF_SERVER = 'baton.server.'

test('the known keys are those of the tables in the READMEs', () => {
  const packages = new URL('../../', import.meta.url)
  const found = readdirSync(packages, { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('README.md') && !file.includes('node_modules'))
    .flatMap(file => [
      ...readFileSync(new URL(file, packages), 'utf8').matchAll(/^\| `(baton\.[a-z.-]+)`/gim),
    ])
    .map(match => match[1] ?? '')
    .filter(key => !key.startsWith(OF_SERVER))
  expect([...KNOWN_KEYS].sort()).toEqual([...new Set(found)].sort())
})

test('an unknown key is told with its file and the one that was meant', () => {
  const conf = Configuration.fromEntries([
    ['baton.zkfc.onstop', 'keep'],
    ['baton.nonsense', '1'],
    ['baton.log.level', 'info'],
    ['dfs.nonsense', '1'],
  ])
  expect(unknownKeyWarnings(conf)).toEqual([
    'baton.zkfc.onstop = "keep" (-D): no such key is known; is baton.zkfc.on-stop meant?',
    'baton.nonsense = "1" (-D): no such key is known',
  ])
})

test('a command warns once of an unknown key and goes on', async () => {
  const words = ['-D', 'baton.log.levle=info', '-D', 'dfs.nameservices=']
  const found = await run(['haadmin', ...words, '-getAllServiceState'])
  expect(found.stderr).toBe(
    'WARN: baton.log.levle = "info" (-D): no such key is known; is baton.log.level meant?\n' +
      'Failed to get service IDs\n',
  )
})
