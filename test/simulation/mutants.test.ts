import { availableParallelism } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundle, replaceOnce } from './bundle.ts'
import type { Bundle } from './bundle.ts'
import { MUTANTS } from './mutants.ts'
import type { Mutant } from './mutants.ts'
import { runMany, seedsFrom } from './run-many.ts'
import type { Batch } from './run-many.ts'

/*
 * A simulation that lets known bugs pass proves nothing. Each is put back in and must be caught by
 * the checker meant for it, within a few seeds; the code as it stands passes the very same seeds.
 */
const ENTRY = 'test/simulation/worker-main.ts'
const FROM = 1

let control: Bundle

beforeAll(async () => {
  control = await bundle(ENTRY)
})

afterAll(async () => {
  await control.remove()
})

function run(file: Bundle, { directed, seedsMax }: Mutant): Promise<Batch> {
  return runMany({
    path: file.path,
    seeds: seedsFrom(FROM, seedsMax),
    threadsMax: availableParallelism(),
    stopAtFailure: true,
    ...(directed === undefined ? {} : { directed }),
  })
}

describe.each(MUTANTS)('$name', mutant => {
  test(`is caught within ${mutant.seedsMax} seeds, and the seed passes without it`, async () => {
    const file = await bundle(ENTRY, mutant.mutations)
    const batch = await run(file, mutant).finally(() => file.remove())
    const caught = batch.failures[0]
    expect(caught, `not caught within ${mutant.seedsMax} seeds`).toBeDefined()
    expect(caught?.failure?.split('\n')[0]).toMatch(mutant.caughtBy)
    process.stdout.write(`mutant "${mutant.name}": caught with seed ${caught?.seed}\n`)
    const seeds = batch.results.map(({ seed }) => seed)
    const same = await runMany({
      path: control.path,
      seeds,
      threadsMax: availableParallelism(),
      ...(mutant.directed === undefined ? {} : { directed: mutant.directed }),
    })
    expect(same.failures.map(({ seed, failure }) => `${seed}: ${failure?.slice(0, 300)}`)).toEqual(
      [],
    )
  }, 240_000)
})

test('a mutant whose text is gone, or is there twice, is told', () => {
  const mutation = { file: 'a.ts', from: 'x', to: 'y' }
  expect(replaceOnce('a x b', mutation)).toBe('a y b')
  expect(() => replaceOnce('a b', mutation)).toThrow('found it 0 times')
  expect(() => replaceOnce('x x', mutation)).toThrow('found it 2 times')
})
