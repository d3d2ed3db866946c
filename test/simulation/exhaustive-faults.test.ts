import { availableParallelism } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundle } from './bundle.ts'
import type { Bundle } from './bundle.ts'
import type { Story, StoryRun } from './exhaustive.ts'
import { HOWS } from './fault-points.ts'
import type { Point } from './fault-points.ts'
import { runPool } from './pool.ts'
import type { StoryTask } from './worker-main.ts'

/*
 * Every RPC, ZooKeeper request, program, connect and disk operation of one failover fails, each in
 * every way, alone and in pairs; all promises hold, and after the healing there is one active.
 * All pairs with BATON_EXHAUSTIVE=1, else a sample of BATON_SIM_PAIRS, another one in each run.
 */
const ALL = process.env['BATON_EXHAUSTIVE'] === '1'
const PAIRS = Number(process.env['BATON_SIM_PAIRS'] ?? 60)
const LIMIT_MS = ALL ? 7_200_000 : 240_000
const SHOWN = 5

type Ended = StoryTask & StoryRun

let file: Bundle

beforeAll(async () => {
  file = await bundle('test/simulation/worker-main.ts')
})

afterAll(async () => {
  await file.remove()
})

async function run(tasks: readonly StoryTask[]): Promise<readonly Ended[]> {
  const ended: Ended[] = []
  const threadsMax = availableParallelism()
  const onResult = (result: Ended): boolean => ended.push(result) < 0
  await runPool<StoryTask, Ended>({ path: file.path, tasks, threadsMax, onResult })
  return ended
}

function inWords({ points, labels, failure }: Ended): string {
  const what = points.map(({ index, how }) => `${how}: ${labels[index] ?? `point ${index}`}`)
  return `${what.join(' and ')}\n${failure}`
}

function expectAllHold(runs: readonly Ended[]): void {
  const failures = runs.filter(({ failure }) => failure !== undefined)
  expect(failures.length, failures.slice(0, SHOWN).map(inWords).join('\n\n')).toBe(0)
}

async function pointCount(story: Story): Promise<number> {
  const [clean] = await run([{ story, points: [] }])
  expect(clean?.failure).toBeUndefined()
  return clean?.labels.length ?? 0
}

/** All where they are asked for, else so many drawn without a second thought of repeats. */
function pairs(count: number): readonly (readonly Point[])[] {
  const at = (index: number, how: number): Point => ({ index, how: HOWS[how] ?? 'error' })
  const all: (readonly Point[])[] = []
  for (let one = 0; one < count; one += 1) {
    for (let two = one + 1; two < count; two += 1) {
      for (let hows = 0; hows < HOWS.length ** 2; hows += 1) {
        all.push([at(one, Math.floor(hows / HOWS.length)), at(two, hows % HOWS.length)])
      }
    }
  }
  if (ALL) return all
  return Array.from({ length: PAIRS }, () => all[Math.floor(Math.random() * all.length)] ?? [])
}

describe.each(['kill', 'graceful'] as const)('%s', story => {
  test('every single fault', { timeout: LIMIT_MS }, async () => {
    const count = await pointCount(story)
    const tasks = Array.from({ length: count }, (_, index) =>
      HOWS.map(how => ({ story, points: [{ index, how }] })),
    ).flat()
    const runs = await run(tasks)
    process.stdout.write(`${story}: ${count} points, ${runs.length} single faults\n`)
    expectAllHold(runs)
    const missed = runs.filter(({ hit }) => hit.length !== 1)
    expect(missed.length, 'every fault came to its turn').toBe(0)
    expect(count).toBeGreaterThan(40)
  })

  test('pairs of faults', { timeout: LIMIT_MS }, async () => {
    const tasks = pairs(await pointCount(story)).map(points => ({ story, points }))
    const runs = await run(tasks)
    const both = runs.filter(({ hit }) => hit.length === 2).length
    const which = ALL ? 'all' : 'sampled'
    process.stdout.write(`${story}: ${runs.length} pairs (${which}), both came in ${both}\n`)
    expectAllHold(runs)
    expect(both).toBeGreaterThan(0)
  })
})
