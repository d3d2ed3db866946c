import { availableParallelism } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundle, replaceOnce } from './bundle.ts'
import type { Bundle } from './bundle.ts'
import { MUTANTS } from './mutants.ts'
import type * as Directed from './directed.ts'
import type { Mutant } from './mutants.ts'
import { failsWith, runMany, seedsFrom } from './run-many.ts'
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

function run(file: Bundle, mutant: Mutant, seeds: readonly string[]): Promise<Batch> {
  return runMany({
    path: file.path,
    seeds,
    threadsMax: availableParallelism(),
    stopAt: mutant.caughtBy,
    ...(mutant.directed === undefined ? {} : { directed: mutant.directed }),
  })
}

describe.each(MUTANTS.filter(({ seedsMax }) => seedsMax !== undefined))('$name', mutant => {
  test(`is caught within ${mutant.seedsMax} seeds, which pass without it`, async () => {
    const file = await bundle(ENTRY, mutant.mutations)
    const seeds = seedsFrom(FROM, mutant.seedsMax ?? 0)
    const batch = await run(file, mutant, seeds).finally(() => file.remove())
    const caught = batch.failures.find(result => failsWith(result, mutant.caughtBy))
    const others = batch.failures.map(({ failure }) => failure?.split('\n')[0])
    expect(caught, `not so within ${mutant.seedsMax} seeds, but ${others}`).toBeDefined()
    process.stdout.write(`mutant "${mutant.name}": caught with seed ${caught?.seed}\n`)
    const passed = batch.results.map(({ seed }) => seed)
    const same = await run(control, mutant, passed)
    expect(same.failures.map(({ seed, failure }) => `${seed}: ${failure?.slice(0, 300)}`)).toEqual(
      [],
    )
  }, 240_000)
})

const WORLDS = 'test/simulation/directed.ts'
const TURNS = 40

async function runWorld(world: Mutant['world'], mutant?: Mutant): Promise<string | undefined> {
  const file = await bundle(WORLDS, mutant?.mutations)
  try {
    const worlds = (await import(file.path)) as typeof Directed
    switch (world) {
      case 'pauseAtEveryTurn':
        return await worlds.pauseAtEveryTurn(TURNS)
      case 'cedeWithoutLock':
        return await worlds.cedeWithoutLock()
      default:
        return worlds.staleCompletion()
    }
  } finally {
    await file.remove()
  }
}

describe.each(MUTANTS.filter(({ world }) => world !== undefined))('$name', mutant => {
  test('is caught in the world made for it, which passes without it', async () => {
    const caught = await runWorld(mutant.world, mutant)
    expect(caught?.split('\n')[0]).toMatch(mutant.caughtBy)
    expect(await runWorld(mutant.world)).toBeUndefined()
  }, 240_000)
})

test('a mutant whose text is gone, or is there twice, is told', () => {
  const mutation = { file: 'a.ts', from: 'x', to: 'y' }
  expect(replaceOnce('a x b', mutation)).toBe('a y b')
  expect(() => replaceOnce('a b', mutation)).toThrow('found it 0 times')
  expect(() => replaceOnce('x x', mutation)).toThrow('found it 2 times')
})
