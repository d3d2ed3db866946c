/** Our server and Apache ZooKeeper from the same configuration, and the comparison of scripts. */
import { join } from 'node:path'
import { expect } from 'vitest'
import { until } from '../../harness/child.ts'
import { startCoordination } from '../../harness/zookeeper.ts'
import type { CoordinationService } from '../../harness/zookeeper.ts'
import { temporaryDirectory } from '../../harness/paths.ts'
import { Side } from './side.ts'

/** After the first, the rest is mostly its consequence. */
const MISMATCHES_SHOWN_MAX = 8

/** A line that is meant to differ. */
export interface Difference {
  readonly why: string
  readonly apache: string
  readonly baton: string
}

export interface Pair {
  readonly apache: CoordinationService
  readonly baton: CoordinationService
  stop(): Promise<void>
}

export async function startPair(name: string, more: readonly string[] = []): Promise<Pair> {
  // A session that a script leaves behind must not expire, and take a zxid, under a later script.
  const extra = ['maxSessionTimeout=3600000', ...more]
  const directory = temporaryDirectory(`differential-${name}`)
  const [apache, baton] = await Promise.all([
    startCoordination('apache', join(directory.path, 'apache'), { extra }),
    startCoordination('baton', join(directory.path, 'baton'), { extra }),
  ])
  for (const { port, child } of [apache, baton]) {
    // The port listens a moment before the server serves.
    await until('a server that serves', () => new Side(port).word('srvr').then(serves), {
      withinMs: 20_000,
      watch: [child],
    })
  }
  return {
    apache,
    baton,
    stop: async () => {
      await Promise.all([apache.child.kill(), baton.child.kill()])
      directory.remove()
    },
  }
}

function serves(answer: string): boolean {
  return answer.includes('Mode: standalone')
}

export type Script = (side: Side) => Promise<void>

/** Runs a script on one server; its transcript is in `lines`. */
export async function run(port: number, script: Script): Promise<Side> {
  const side = new Side(port)
  const server = await side.word('srvr')
  side.normaliser.startAt(Number(/Zxid: (0x[0-9a-f]+)/.exec(server)?.[1] ?? 'no zxid'))
  try {
    await script(side)
  } catch (error) {
    side.log(`the script failed: ${(error as Error).stack ?? String(error)}`)
  } finally {
    side.end()
  }
  return side
}

/** Runs the script on both and fails on any line that differs and is not a listed difference. */
export async function compare(
  pair: Pair,
  script: Script,
  differences: readonly Difference[] = [],
): Promise<{ apache: Side; baton: Side }> {
  const [apache, baton] = await Promise.all([
    run(pair.apache.port, script),
    run(pair.baton.port, script),
  ])
  const unused = new Set(differences)
  const wrong: string[] = []
  const count = Math.max(apache.lines.length, baton.lines.length)
  for (let i = 0; i < count && wrong.length < MISMATCHES_SHOWN_MAX; i++) {
    const left = apache.lines[i] ?? '(nothing)'
    const right = baton.lines[i] ?? '(nothing)'
    if (left === right) continue
    const meant = differences.find(d => d.apache === left && d.baton === right)
    if (meant !== undefined) unused.delete(meant)
    else wrong.push(mismatch(apache.lines, i, left, right))
  }
  expect(wrong.join('\n')).toBe('')
  expect([...unused], 'listed differences that are none').toEqual([])
  expect(apache.lines.filter(line => line.startsWith('the script failed'))).toEqual([])
  return { apache, baton }
}

function mismatch(lines: readonly string[], at: number, left: string, right: string): string {
  const before = lines.slice(0, at).findLast(line => line.includes(' > ')) ?? '(start)'
  return `line ${at}, after ${before}\n    apache ${left}\n    baton  ${right}`
}
