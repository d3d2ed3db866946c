/** Random operations of three sessions: whatever they come to, both servers come to the same. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { compare, startPair, type Pair } from './differential/pair.ts'
import { histogram, playRandomly } from './differential/random-script.ts'

const STEPS = 1500
const seed = Number(process.env['BATON_SEED'] ?? Date.now() % 2 ** 31)

let pair: Pair

beforeAll(async () => {
  pair = await startPair('random')
})

afterAll(() => pair.stop())

const SUCCESSES =
  'create create2 createContainer delete setData setACL multi multiRead exists getData getACL ' +
  'getChildren getChildren2 getEphemerals getAllChildrenNumber sync whoAmI addWatch ' +
  'removeWatches checkWatches setWatches setWatches2 ping closeSession'

const ERRORS = [
  'any create -101',
  'any create -110',
  'any create -114',
  'any create -102',
  'any create -108',
  'any create -8',
  'any create -6',
  'delete -101',
  'delete -103',
  'delete -111',
  'setData -101',
  'setData -102',
  'setData -103',
  'setData -8',
  'setACL -114',
  'multi -5',
  'getData -101',
  'addWatch -5',
  'removeWatches -121',
  'removeWatches -5',
  'createTTL -6',
  'setACL -102',
  'delete -102',
  'checkWatches -121',
  'checkWatches -5',

  'part -101',
  'part -2',
  'part 0',
]

it(`${STEPS} random operations are answered alike (BATON_SEED=${seed})`, async () => {
  const { apache } = await compare(pair, side => playRandomly(side, seed, STEPS))
  const counts = histogram(apache.lines)
  console.log(
    `seed ${seed}: ${[...counts]
      .sort()
      .map(row => row.join(': '))
      .join(', ')}`,
  )
  const wanted = [...SUCCESSES.split(' ').map(name => `${name} 0`), ...ERRORS]
  expect(wanted.filter(key => !counts.has(key))).toEqual([])
})
