import { availableParallelism } from 'node:os'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bundle } from './bundle.ts'
import type { Bundle } from './bundle.ts'
import { FENCE_MODES } from './cluster/fences.ts'
import { FAULT_KINDS } from './faults/swarm.ts'
import { failureReport, histogram } from './report.ts'
import { runMany, seedsFrom } from './run-many.ts'

/*
 * Fresh seeds in every run; the base seed is printed, and a failure says how to repeat it.
 * BATON_SIM_SEEDS sets how many, BATON_SIM_FROM the first.
 */
const COUNT = Number(process.env['BATON_SIM_SEEDS'] ?? 200)
const FROM = Number(process.env['BATON_SIM_FROM'] ?? Math.floor(Math.random() * 1e9))
const FAILURES_SHOWN = 3
/** Below this a rare thing may be missed by chance. */
const SMALL = 200
const LARGE = 1000
const PAUSES = ['timer', 'data', 'connect', 'disk']
const RARE_PAUSES = ['close', 'exec']

let file: Bundle

beforeAll(async () => {
  file = await bundle('test/simulation/worker-main.ts')
})

afterAll(async () => {
  await file.remove()
})

test('fresh seeds: one writer, the breadcrumb never skipped, and it converges', async () => {
  const seeds = seedsFrom(FROM, COUNT)
  const startedMs = performance.now()
  const batch = await runMany({ path: file.path, seeds, threadsMax: availableParallelism() })
  const seconds = (performance.now() - startedMs) / 1000
  process.stdout.write(`simulation: ${COUNT} seeds from ${FROM} in ${seconds.toFixed(1)} s\n`)
  const reports = batch.failures.slice(0, FAILURES_SHOWN).map(failureReport)
  expect(batch.failures.length, reports.join('\n\n')).toBe(0)
  if (COUNT < SMALL) return
  for (const what of mustHappen()) {
    const text = `"${what}" never happened in ${COUNT} seeds from ${FROM}:\n`
    expect(batch.counts.get(what) ?? 0, text + histogram(batch.counts)).toBeGreaterThan(0)
  }
}, 240_000)

/** A batch in which one of these did not happen tested less than it says. */
function mustHappen(): readonly string[] {
  return [
    ...FAULT_KINDS.map(kind => `fault ${kind}`),
    ...FENCE_MODES.map(mode => `fence ${mode}`),
    ...(COUNT < LARGE ? PAUSES : [...PAUSES, ...RARE_PAUSES]).map(kind => `paused before ${kind}`),
    'role kept over a restart',
    'event breadcrumbDeleted',
    'event gracefulFailoverEnded',
    'event cedeEnded',
    'event sessionReattach',
    'event stateMismatch',
    'event processEvidence',
  ]
}

test('one seed leads to one history', async () => {
  const seeds = seedsFrom(FROM, 4)
  const runs = [
    await runMany({ path: file.path, seeds, threadsMax: 1 }),
    await runMany({ path: file.path, seeds: [...seeds].reverse(), threadsMax: 2 }),
  ]
  const [first, second] = runs.map(run =>
    Object.fromEntries(run.results.map(({ seed, hash }) => [seed, hash])),
  )
  expect(first).toEqual(second)
})
