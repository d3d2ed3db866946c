import { describe, expect, test } from 'vitest'
import { bannedFindings, CORE_BANS, DRIVER_BANS, SOURCE_BANS } from './rules/banned-calls.ts'
import type { Scope } from './rules/banned-calls.ts'
import { formatFindings, readTree } from './rules/source-tree.ts'

const CORES = [
  /^packages\/server\/src\/(zab|state|request)\//,
  /^packages\/client\/src\/client-cnxn\.ts$/,
  /^packages\/journal\/src\/(journal|quorum-journal-manager)\.ts$/,
  /^packages\/zkfc\/src\/(health-monitor|active-standby-elector)\.ts$/,
  /^packages\/zkfc\/src\/(zk-failover-controller|graceful-failover)\.ts$/,
  /^packages\/zkfc\/src\/core\//,
]

/** Where the real world is allowed: the real runtime, the program, and one look at the kernel. */
const WORLDLY = [
  /^packages\/runtime\/src\/node\//,
  /^packages\/cli\/src\//,
  /^packages\/[^/]+\/src\/node\//,
]

const SCOPES: readonly Scope[] = [
  { name: 'core', includes: file => CORES.some(core => core.test(file)), bans: CORE_BANS },
  {
    name: 'driver',
    includes: file => !WORLDLY.some(place => place.test(file)),
    bans: DRIVER_BANS,
  },
  { name: 'source', includes: () => true, bans: SOURCE_BANS },
]

test('cores and drivers call nothing that is banned there', () => {
  expect(formatFindings(bannedFindings(readTree(), SCOPES))).toBe('')
})

const offenders: readonly (readonly [string, string])[] = [
  ['async function f() {}', 'no async or await'],
  ['const p = new Promise(() => {})', 'no Promise'],
  ['setTimeout(() => {}, 1)', 'no a timer'],
  ['const t = Date.now()', 'no Date'],
  ['const r = Math.random()', 'a `Random` given to the constructor'],
  ['const e = process.env', 'no process'],
  [`import fs from 'node:fs'`, 'no a node: module'],
  [`import { x } from '@baton/runtime/node'`, 'no the real runtime'],
  ['console.log(1)', 'no console'],
]

describe('a planted offender on a core path is found', () => {
  for (const [text, message] of offenders) {
    test(text, () => {
      const planted = new Map([['packages/zkfc/src/health-monitor.ts', `${text}\n`]])
      expect(formatFindings(bannedFindings(planted, SCOPES))).toContain(message)
    })
  }
})

test('a planted node: import in a driver is found', () => {
  const planted = new Map([['packages/zkfc/src/zkfc.ts', `import net from 'node:net'\n`]])
  expect(formatFindings(bannedFindings(planted, SCOPES))).toContain('driver: no a node: module')
})

test('a field that has the name of a banned thing is no offence', () => {
  const text =
    'interface A { process(): void; Date: number }\nexport const f = (a: A) => a.process()\n'
  const planted = new Map([['packages/server/src/state/a.ts', text]])
  expect(formatFindings(bannedFindings(planted, SCOPES))).toBe('')
})
