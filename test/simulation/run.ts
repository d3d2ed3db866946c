import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { bundle } from './bundle.ts'
import { failureReport, histogram } from './report.ts'
import { runMany, seedsFrom } from './run-many.ts'

/**
 * `npm run sim -- --seed 123` repeats one run; `--seeds 5000` runs many, from a base seed drawn by
 * chance or given by `--from`; `--threads` says on how many threads.
 * Exits with 1 where a check failed.
 */
const USAGE = 'usage: npm run sim -- --seed N | --seeds COUNT [--from N] [--threads N]\n'
const REPORTS_MAX = 5

function numberOf(text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 0) return value
  process.stderr.write(`"${text}" is not a whole number\n${USAGE}`)
  process.exit(2)
}

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    from: { type: 'string' },
    threads: { type: 'string' },
  },
})
const count = numberOf(values.seeds, 200)
const base = numberOf(values.from, Math.floor(Math.random() * 1e9))
const seeds = values.seed === undefined ? seedsFrom(base, count) : [values.seed]
const threadsMax = numberOf(values.threads, availableParallelism())

const file = await bundle('test/simulation/worker-main.ts')
const startedMs = performance.now()
let failedCount = 0
const batch = await runMany({
  path: file.path,
  seeds,
  threadsMax,
  onResult: (result, done) => {
    if (result.failure !== undefined) failedCount += 1
    if (done % 100 === 0)
      process.stderr.write(`${done} of ${seeds.length}, ${failedCount} failed\n`)
  },
}).finally(() => file.remove())
const seconds = (performance.now() - startedMs) / 1000
for (const failed of batch.failures.slice(0, REPORTS_MAX)) {
  process.stdout.write(`${failureReport(failed)}\n\n`)
}
if (batch.failures.length > 1) {
  const all = batch.failures.map(({ seed }) => seed).join(' ')
  process.stdout.write(`failed seeds: ${all}\n`)
}
process.stdout.write(`${histogram(batch.counts)}\n`)
if (seeds.length === 1) process.stdout.write(`trace ${batch.results[0]?.hash}\n`)
const rate = (seeds.length / seconds).toFixed(1)
const what = seeds.length === 1 ? `seed ${seeds[0]}` : `${seeds.length} seeds from ${base}`
process.stdout.write(`${what}: ${batch.failures.length} failed, ${rate} seeds/s\n`)
process.exitCode = batch.failures.length === 0 ? 0 : 1
