import { expect, test } from 'vitest'
import { editDistance, nearest } from '../src/nearest.ts'

test.each([
  ['datDir', 'dataDir', 1],
  ['dtaaDir', 'dataDir', 1],
  ['', 'abc', 3],
  ['kitten', 'sitting', 3],
  ['same', 'same', 0],
])('%s and %s are %i letters apart', (a, b, distance) => {
  expect(editDistance(a, b)).toBe(distance)
  expect(editDistance(b, a)).toBe(distance)
})

test('the nearest known word is found, a far one is not', () => {
  const known = ['dataDir', 'dataLogDir', 'tickTime']
  expect(nearest('datDir', known)).toBe('dataDir')
  expect(nearest('TICKTIME', known)).toBe('tickTime')
  expect(nearest('somethingElse', known)).toBeUndefined()
})
