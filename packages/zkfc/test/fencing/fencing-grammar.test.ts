import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BadFencingConfigurationError, parseFencingMethods } from '../../src/fencing/index.ts'

const parsed = (value: string): readonly (readonly [string, string | undefined])[] =>
  parseFencingMethods(value).map(line => [line.name, line.argument] as const)

const accepted: readonly (readonly [string, string, ReturnType<typeof parsed>])[] = [
  ['one name', 'sshfence', [['sshfence', undefined]]],
  ['a name with argument', 'shell(/bin/true)', [['shell', '/bin/true']]],
  ['blanks around', '\n   sshfence(hdfs:22) \t\n', [['sshfence', 'hdfs:22']]],
  [
    'several, in their order',
    'sshfence\nshell(/bin/true)',
    [
      ['sshfence', undefined],
      ['shell', '/bin/true'],
    ],
  ],
  ['inner parentheses up to the last one', 'shell(a (b) c)', [['shell', 'a (b) c']]],
  ['a closing parenthesis inside', 'shell(a) b)', [['shell', 'a) b']]],
  ['a comment after a method', 'sshfence # the first', [['sshfence', undefined]]],
  ['comment lines and empty lines', '# a\n\n sshfence\n#b', [['sshfence', undefined]]],
  [
    'Windows line ends',
    'sshfence\r\nshell(x)\r\n',
    [
      ['sshfence', undefined],
      ['shell', 'x'],
    ],
  ],
  ['nothing at all', '', []],
  ['only comments', '# none\n  # yet', []],
]

test.each(accepted)('the grammar takes %s', (_what, value, expected) => {
  expect(parsed(value)).toEqual(expected)
})

const refused: readonly (readonly [string, string, RegExp])[] = [
  ['an empty argument', 'sshfence()', /line 1, 'sshfence\(\)': Unable to parse line/],
  ['an empty shell command', '\nshell()', /line 2, 'shell\(\)'/],
  ['text after the last parenthesis', 'shell(a) b', /closing "\)" must end the line/],
  ['a hash inside a command', 'shell(echo #1)', /"#" begins a comment/],
  ['a name that is no name', 'my-fencer', /expected NAME or NAME\(ARGUMENT\)/],
  ['a no-break space, which Java does not trim', '\u00a0sshfence', /Unable to parse/],
  ['a Java class', 'com.acme.Fencer(x)', /com\.acme\.Fencer.*shell\(\.\.\.\)/],
  ['powershell', 'powershell(NameNode)', /Windows only.*shell\(\.\.\.\)/],
]

test.each(refused)('the grammar refuses %s and says why', (_what, value, message) => {
  expect(() => parseFencingMethods(value)).toThrow(BadFencingConfigurationError)
  expect(() => parseFencingMethods(value)).toThrow(message)
})

test('all wrong lines are named at once', () => {
  expect(() => parseFencingMethods('shell()\nsshfence\nnope')).toThrow(/line 1.*line 3/)
})

describe('any text', () => {
  test('is taken or refused with the one error, and taken lines keep their order', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), value => {
        try {
          const numbers = parseFencingMethods(value).map(line => line.number)
          expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
        } catch (error) {
          expect(error).toBeInstanceOf(BadFencingConfigurationError)
        }
      }),
    )
  })

  test('made of methods is read as those methods', () => {
    const argument = fc.stringMatching(/^[a-z0-9 ,()/$]{0,20}[a-z]$/)
    fc.assert(
      fc.property(fc.array(argument, { maxLength: 5 }), commands => {
        const value = commands.map(command => `  shell(${command}) # ${command}`).join('\n')
        expect(parsed(value)).toEqual(commands.map(command => ['shell', command]))
      }),
    )
  })
})
