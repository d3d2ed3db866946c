import { expect, test } from 'vitest'
import { FILE_LINES_MAX, FUNCTION_LINES_MAX, sizeFindings } from './rules/sizes.ts'
import { formatFindings, readTree } from './rules/source-tree.ts'

test('no function, file or line is longer than its limit', () => {
  expect(formatFindings(sizeFindings(readTree()))).toBe('')
})

test('a planted long function is found by name', () => {
  const body = '  x()\n'.repeat(FUNCTION_LINES_MAX)
  const planted = new Map([['packages/jute/src/a.ts', `function long() {\n${body}}\n`]])
  expect(formatFindings(sizeFindings(planted))).toContain('long has 62 lines')
})

test('a planted long arrow function is found', () => {
  const body = '  x()\n'.repeat(FUNCTION_LINES_MAX)
  const planted = new Map([['packages/jute/src/a.ts', `const long = () => {\n${body}}\n`]])
  expect(formatFindings(sizeFindings(planted))).toContain('has 62 lines')
})

test('a planted long file is found', () => {
  const planted = new Map([['packages/jute/test/a.test.ts', '//\n'.repeat(FILE_LINES_MAX + 1)]])
  expect(formatFindings(sizeFindings(planted))).toContain('401 lines')
})

test('a planted wide line is found with its number', () => {
  const planted = new Map([['test/a.ts', `\n// ${'x'.repeat(100)}\n`]])
  expect(formatFindings(sizeFindings(planted))).toContain('test/a.ts:2  103 columns')
})

test('generated files have no limits', () => {
  const planted = new Map([['packages/hadoop/src/protocol/gen/a.ts', `// ${'x'.repeat(200)}\n`]])
  expect(sizeFindings(planted)).toEqual([])
})
