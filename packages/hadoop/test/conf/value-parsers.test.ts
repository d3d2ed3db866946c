import { describe, expect, test } from 'vitest'
import { Configuration, ConfigurationError } from '../../src/conf/index.ts'
import { javaTrim } from '../../src/conf/value-parsers.ts'

type Outcome = number | 'refused'

/** [text, getInt, getLong, duration counted in ms, duration counted in s]: measured on 3.4.3. */
const NUMBERS: readonly (readonly [string, Outcome, Outcome, Outcome, Outcome])[] = [
  ['5', 5, 5, 5, 5000],
  [' 5 ', 5, 5, 5, 5000],
  ['+5', 5, 5, 5, 5000],
  ['0x10', 16, 16, 'refused', 'refused'],
  ['-0x10', -16, -16, 'refused', 'refused'],
  ['0X1f', 31, 31, 'refused', 'refused'],
  ['0x7fffffff', 2147483647, 2147483647, 'refused', 'refused'],
  ['0xffffffff', 'refused', 4294967295, 'refused', 'refused'],
  ['2147483647', 2147483647, 2147483647, 2147483647, 2147483647000],
  ['2147483648', 'refused', 2147483648, 2147483648, 2147483648000],
  ['-2147483648', -2147483648, -2147483648, -2147483648, -2147483648000],
  ['9223372036854775808', 'refused', 'refused', 'refused', 'refused'],
  ['5s', 'refused', 'refused', 5000, 5000],
  ['1S', 'refused', 'refused', 1000, 1000],
  ['5 s', 'refused', 'refused', 'refused', 'refused'],
  ['10ms', 'refused', 'refused', 10, 10],
  ['1m', 'refused', 'refused', 60_000, 60_000],
  ['1h', 'refused', 'refused', 3_600_000, 3_600_000],
  ['2d', 'refused', 'refused', 172_800_000, 172_800_000],
  ['500ns', 'refused', 'refused', 0, 0],
  ['1500us', 'refused', 'refused', 1, 1],
  ['-5s', 'refused', 'refused', -5000, -5000],
  ['1.5', 'refused', 'refused', 'refused', 'refused'],
  ['1w', 'refused', 'refused', 'refused', 'refused'],
  ['0x10s', 'refused', 'refused', 'refused', 'refused'],
  ['1_0', 'refused', 'refused', 'refused', 'refused'],
  ['+0x5', 'refused', 'refused', 'refused', 'refused'],
  ['', 'refused', 'refused', 'refused', 'refused'],
  ['0x', 'refused', 'refused', 'refused', 'refused'],
  ['-', 'refused', 'refused', 'refused', 'refused'],
  ['abc', 'refused', 'refused', 'refused', 'refused'],
]

describe('numbers and durations', () => {
  test.each(NUMBERS)('"%s"', (text, int, long, milliseconds, seconds) => {
    const conf = Configuration.fromEntries([['k', text]])
    expect(outcome(() => conf.getInt('k', 7))).toBe(int)
    expect(outcome(() => conf.getLong('k', 7))).toBe(long)
    expect(outcome(() => conf.getTimeDurationMs('k', 7))).toBe(milliseconds)
    expect(outcome(() => conf.getTimeDurationMs('k', 7, 's'))).toBe(seconds)
  })

  test('a number beyond what JavaScript holds exactly is refused, not rounded', () => {
    const conf = Configuration.fromEntries([['k', '9007199254740993']])
    expect(() => conf.getLong('k', 0)).toThrow(/9007199254740991/)
  })

  test('the default is used only where the key is absent', () => {
    const conf = Configuration.fromEntries([])
    expect(conf.getInt('k', 7)).toBe(7)
    expect(conf.getTimeDurationMs('k', 7)).toBe(7)
  })

  test('the error names key, file and value', () => {
    const conf = Configuration.fromEntries([]).with([['ha.x', '1 apple']], '/etc/c/core-site.xml')
    const expected = 'ha.x = "1 apple" (/etc/c/core-site.xml): is not a whole number'
    expect(() => conf.getInt('ha.x', 1)).toThrow(expected)
  })
})

describe('truth and lists', () => {
  test('true and false in any case, anything else is the default', () => {
    const read = (text: string): readonly boolean[] => {
      const conf = Configuration.fromEntries([['k', text]])
      return [conf.getBoolean('k', true), conf.getBoolean('k', false)]
    }
    expect(read(' TRUE ')).toEqual([true, true])
    expect(read('False')).toEqual([false, false])
    for (const text of ['', 'yes', '1', '0']) expect(read(text)).toEqual([true, false])
  })

  test('lists are cut at commas and newlines, trimmed, without empty entries', () => {
    const conf = Configuration.fromEntries([['k', ' a, b c ,,d\n e,']])
    expect(conf.getTrimmedStrings('k')).toEqual(['a', 'b c', 'd', 'e'])
    expect(conf.getTrimmedStrings('absent')).toEqual([])
  })

  test('trimming takes what Java takes: everything up to the space, no other white space', () => {
    expect(javaTrim('\u0000\t x \u00a0\n')).toBe('x \u00a0')
  })
})

function outcome(run: () => number): Outcome {
  try {
    return run()
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError)
    return 'refused'
  }
}
