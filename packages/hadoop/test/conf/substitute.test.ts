import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { substitute, type SubstitutionSource } from '../../src/conf/substitute.ts'

const ENVIRONMENT: Readonly<Record<string, string>> = { HOME: '/root', EMPTY: '' }

const source = (raw: Readonly<Record<string, string>>): SubstitutionSource => ({
  environment: name => ENVIRONMENT[name],
  systemProperty: name => (name === 'java.io.tmpdir' ? '/tmp' : undefined),
  raw: key => raw[key],
})

/** Every row was run through Hadoop 3.4.3's Configuration. */
const MEASURED: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
  ['${a}', { a: '1' }, '1'],
  ['${a}/${b}', { b: '1' }, '${a}/${b}'],
  ['${b}/${a}', { b: '1' }, '1/${a}'],
  ['${a}', { a: '${b}', b: '${c}', c: '3' }, '3'],
  ['${a${b}}', { b: '1', a1: 'deep' }, 'deep'],
  ['${a}', { a: 'x${a}' }, '${a}'],
  ['a${x}b', { x: 'a${x}b' }, 'a${x}b'],
  ['${env.HOME}', {}, '/root'],
  ['${env.NOPE}', {}, '${env.NOPE}'],
  ['${env.NOPE}', { 'env.NOPE': 'conf' }, 'conf'],
  ['${env.NOPE-def}', {}, 'def'],
  ['${env.NOPE:-def}', {}, 'def'],
  ['${env.EMPTY-def}', {}, ''],
  ['${env.EMPTY:-def}', {}, 'def'],
  ['${env.EMPTY}', {}, ''],
  ['${env.NOPE:-}', {}, ''],
  ['${env.NOPE-}', {}, ''],
  ['${env.FOO-a-b}', {}, 'a-b'],
  ['${env.FOO:-x:-y}', {}, 'x:-y'],
  ['${env.FOO:b}', {}, '${env.FOO:b}'],
  ['${env.FOO-${a}}', { a: '1' }, '1'],
  ['${env.}', {}, '${env.}'],
  ['${java.io.tmpdir}', { 'java.io.tmpdir': 'conf' }, '/tmp'],
  ['${ a }', { a: '1' }, '${ a }'],
  ['${a b}', { 'a b': '1' }, '${a b}'],
  ['${}', {}, '${}'],
  ['${a', { a: '1' }, '${a'],
  ['$target_host ${target_host}', {}, '$target_host ${target_host}'],
  ['$${a}', { a: '1' }, '$1'],
  ['${a}}', { a: '1' }, '1}'],
  ['${a{b}', { 'a{b': '1' }, '1'],
  ['{${a}}', { a: '1' }, '{1}'],
  ['${a}', { a: '' }, ''],
]

describe('substitution as Hadoop does it', () => {
  test.each(MEASURED)('%s with %j is %s', (expression, raw, expected) => {
    expect(substitute(expression, source(raw))).toBe(expected)
  })

  test('nineteen variables are replaced, the twentieth is too deep', () => {
    const one = source({ a: '1' })
    expect(substitute('${a}'.repeat(19), one)).toBe('1'.repeat(19))
    expect(() => substitute('${a}'.repeat(20), one)).toThrow(/too deep/)
  })

  test('a loop of two variables is too deep', () => {
    expect(() => substitute('${a}', source({ a: '${b}', b: '${a}' }))).toThrow(/too deep/)
  })

  test('a value that doubles with each round ends at the length limit', () => {
    const big = 'x'.repeat(600_000)
    expect(() => substitute('${a}${a}', source({ a: big }))).toThrow(/longer than/)
  })
})

test('a text without "${" is never changed', () => {
  fc.assert(
    fc.property(fc.string(), text => {
      fc.pre(!text.includes('${'))
      expect(substitute(text, source({ a: '1' }))).toBe(text)
    }),
  )
})

test('any expression ends in a text or a RangeError', () => {
  const piece = fc.constantFrom('${', '}', 'a', 'b', 'env.', '-', ':', '$', ' ', '{')
  const text = fc.array(piece, { maxLength: 12 }).map(pieces => pieces.join(''))
  fc.assert(
    fc.property(text, text, text, (expression, a, b) => {
      try {
        expect(typeof substitute(expression, source({ a, b }))).toBe('string')
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
      }
    }),
    { numRuns: 2000 },
  )
})

test('a chain of bound variables gives the value at its end', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 18 }),
      fc.stringMatching(/^[a-z0-9/:.]{0,10}$/),
      (n, end) => {
        const raw: Record<string, string> = { [`k${n}`]: end }
        for (let at = 0; at < n; at += 1) raw[`k${at}`] = `\${k${at + 1}}`
        expect(substitute('${k0}', source(raw))).toBe(end)
      },
    ),
  )
})
