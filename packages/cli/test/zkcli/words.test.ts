import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseCommand, splitLine } from '../../src/zkcli/words.ts'

test('words are cut at blanks, quotes hold them together', () => {
  expect(splitLine('  set /a "b  c" \'d "e"\' f')).toEqual(['set', '/a', 'b  c', 'd "e"', 'f'])
  expect(splitLine('create /a ""')).toEqual(['create', '/a', ''])
  expect(splitLine(' \t ')).toEqual([])
})

test('options may stand anywhere, -- ends them, numbers and a lone - are words', () => {
  const table = { flags: ['s', 'json'], values: ['v'] }
  const found = parseCommand(['/a', '-s', '-v', '-1', '--json', '-', '-5', '--', '-s'], table)
  expect([...found.flags]).toEqual(['s', 'json'])
  expect(found.values.get('v')).toBe('-1')
  expect(found.args).toEqual(['/a', '-', '-5', '-s'])
})

test('words without quotes and blanks come back from a line', () => {
  const word = fc.stringMatching(/^[A-Za-z0-9/_.:-]{1,8}$/)
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), words => {
      expect(splitLine(words.join(' '))).toEqual(words)
    }),
  )
})
