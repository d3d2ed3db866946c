import { expect, test } from 'vitest'
import {
  baseName,
  isSystemPath,
  parentPath,
  pathProblem,
  sequentialPath,
} from '../../src/state/path.ts'

test.each(['/', '/a', '/a/b', '/...', '/.x', '/a b', '/\ud7ff', '/\uffef', '/ü', '/a/..b'])(
  '%j is a valid path',
  path => {
    expect(pathProblem(path)).toBeUndefined()
  },
)

test.each([
  ['', 'is empty'],
  ['a', 'does not start'],
  ['/a/', 'ends with'],
  ['//', 'ends with'],
  ['/a//b', 'empty segment'],
  ['/.', 'relative segment "."'],
  ['/a/../b', 'relative segment ".."'],
  ['/a/./b', 'relative segment "."'],
  ['/a\u0000', 'U+0000 at 2'],
  ['/\u0001', 'U+0001'],
  ['/\u001f', 'U+001f'],
  ['/\u007f', 'U+007f'],
  ['/\u009f', 'U+009f'],
  ['/\ud83d\ude00', 'U+d83d'],
  ['/\uf8ff', 'U+f8ff'],
  ['/\ufff0', 'U+fff0'],
])('%j is refused: it %s', (path, reason) => {
  expect(pathProblem(path)).toContain(reason)
})

test('a sequential name has ten digits, eleven characters once the counter overflowed', () => {
  expect(sequentialPath('/a/', 4)).toBe('/a/0000000004')
  expect(sequentialPath('/a/x-', 2_147_483_647)).toBe('/a/x-2147483647')
  expect(sequentialPath('/a/x-', -2_147_483_648)).toBe('/a/x--2147483648')
  expect(sequentialPath('/a/x-', -5)).toBe('/a/x--000000005')
})

test('parents and names are cut at the last slash', () => {
  expect([parentPath('/a/b'), parentPath('/a'), baseName('/a/b')]).toEqual(['/a', '/', 'b'])
  expect(() => parentPath('/')).toThrow('has a parent')
  expect(isSystemPath('/zookeeper/config')).toBe(true)
  expect(isSystemPath('/zookeeper/x')).toBe(false)
})
