import { expect, test } from 'vitest'
import { dependencyFindings, floorFindings, roomFindings } from './rules/floors.ts'
import type { Floors, Rooms } from './rules/floors.ts'
import { formatFindings, readTree } from './rules/source-tree.ts'

/** Who may import whom. A newcomer reads this table first. Packages of one floor never meet. */
const FLOORS: Floors = {
  // floor 0
  runtime: [],
  jute: [],
  // floor 1
  hadoop: ['runtime'],
  server: ['runtime', 'jute'],
  client: ['runtime', 'jute'],
  // floor 2
  zkfc: ['runtime', 'hadoop', 'client', 'jute'],
  // floor 3
  'reference-namenode': ['runtime', 'hadoop'],
  console: ['runtime', 'hadoop', 'client', 'zkfc'],
  // floor 4
  cli: ['runtime', 'jute', 'hadoop', 'server', 'client', 'zkfc', 'reference-namenode', 'console'],
}

/** The same for folders inside a package: what stands beside them and may be looked at. */
const ROOMS: Rooms = {
  'server/state': [],
  'server/request': ['state'],
  'server/persistence': ['state'],
  'server/net': ['state', 'request', 'config', 'metrics'],
  'zkfc/fencing': [],
  'zkfc/rpc': ['ha-service-target', 'events'],
  'hadoop/conf': [],
  'hadoop/protocol': [],
  'hadoop/ipc': ['protocol'],
}

const tree = readTree()

test('imports go down only', () => {
  expect(formatFindings(floorFindings(tree, FLOORS))).toBe('')
})

test('inside a package, folders look only where their row says', () => {
  expect(formatFindings(roomFindings(tree, ROOMS))).toBe('')
})

test('a package names every package it imports and no other', () => {
  expect(formatFindings(dependencyFindings(tree))).toBe('')
})

test('a planted import of an upper floor is found by name', () => {
  const planted = new Map([['packages/jute/src/a.ts', `import { x } from '@baton/server'\n`]])
  expect(formatFindings(floorFindings(planted, FLOORS))).toBe(
    'packages/jute/src/a.ts:1  packages/jute/src/a.ts -> server: not a lower floor',
  )
})

test('a planted import of the simulation from a source is found', () => {
  const text = `import {\n  Simulation,\n} from '@baton/runtime/sim'\n`
  const planted = new Map([['packages/server/src/a.ts', text]])
  expect(formatFindings(floorFindings(planted, FLOORS))).toContain('only tests open the simulation')
})

test('a planted package without a row is found', () => {
  const planted = new Map([['packages/extra/src/a.ts', 'export {}\n']])
  expect(formatFindings(floorFindings(planted, FLOORS))).toContain('stands in no row')
})

test('a planted look from the tree into the network is found', () => {
  const planted = new Map([
    ['packages/server/src/state/a.ts', `import { x } from '../net/server-cnxn.ts'\n`],
  ])
  expect(formatFindings(roomFindings(planted, ROOMS))).toContain('state may not look there')
})

test('a planted undeclared and a planted unused dependency are found', () => {
  const planted = new Map([
    ['packages/jute/src/a.ts', `import pino from 'pino'\n`],
    ['packages/jute/package.json', '{ "dependencies": { "execa": "9" } }'],
  ])
  const found = formatFindings(dependencyFindings(planted))
  expect(found).toContain('imports pino without naming it')
  expect(found).toContain('names execa, which it never imports')
})
