import { expect, test } from 'vitest'
import { deadFileFindings } from './rules/dead-files.ts'
import {
  errorCodeFindings,
  foreignFindings,
  keyFindings,
  readmeFindings,
} from './rules/documented.ts'
import { formatFindings, readTree } from './rules/source-tree.ts'

/** Started by path, imported by nobody. */
const PROGRAMS = ['packages/cli/src/bin.ts', 'test/simulation/run.ts', 'test/bench/run.ts']

const tree = readTree()

test('every file is reached', () => {
  expect(formatFindings(deadFileFindings(tree, PROGRAMS))).toBe('')
})

test('every configuration key of our own stands in a README', () => {
  expect(formatFindings(keyFindings(tree))).toBe('')
})

test('every package has a README and a place on the map', () => {
  expect(formatFindings(readmeFindings(tree))).toBe('')
})

test('every error code stands in the table of jute', () => {
  expect(formatFindings(errorCodeFindings(tree))).toBe('')
})

test('nothing speaks of the machine it was written on', () => {
  expect(formatFindings(foreignFindings(tree))).toBe('')
})

test('a planted dead file is found', () => {
  const planted = new Map([
    ['packages/jute/package.json', '{"exports":{".":{"source":"./src/index.ts"}}}'],
    ['packages/jute/src/index.ts', `export * from './a.ts'\n`],
    ['packages/jute/src/a.ts', 'export const a = 1\n'],
    ['packages/jute/src/b.ts', 'export const b = 1\n'],
  ])
  expect(deadFileFindings(planted, []).map(f => f.file)).toEqual(['packages/jute/src/b.ts'])
})

test('a planted undocumented key is found', () => {
  const planted = new Map([
    ['packages/zkfc/src/a.ts', `const key = 'baton.zkfc.some-time.ms'\n`],
    ['packages/zkfc/README.md', '`baton.zkfc.other.ms`'],
  ])
  expect(formatFindings(keyFindings(planted))).toContain('baton.zkfc.some-time.ms')
})

test('a planted package without README and place is found', () => {
  const planted = new Map([['packages/x/package.json', '{}']])
  expect(readmeFindings(planted)).toHaveLength(2)
})

test('a planted undocumented error code is found', () => {
  const planted = new Map([
    ['packages/jute/src/error-codes.ts', `['noNode', -101, false],\n['noAuth', -102, false],`],
    ['packages/jute/README.md', '| noNode | -101 |'],
  ])
  expect(errorCodeFindings(planted).map(f => f.message)).toEqual([
    'noAuth (-102) stands in no table',
  ])
})

test('a planted path of one machine is found', () => {
  const planted = new Map([['packages/x/src/a.ts', `const path = '/${'work'}/main'\n`]])
  expect(foreignFindings(planted)).toHaveLength(1)
})
