import { expect, test } from 'vitest'
import { splitShellArgument } from '../../src/fencing/shell-argument.ts'

test.each([
  ['/bin/true'],
  ['fence "a,b"'],
  [`fence 'a,b'`],
  ['fence a\\,b'],
  ['echo $(fence a,b)'],
  ['fence {a,b}'],
  [`awk '{print $1, "\\'"'"', $2}'`],
  ['fence a,'],
])('%s is one command', argument => {
  expect(splitShellArgument(argument)).toEqual({ commands: [argument] })
})

test('one separating comma makes two commands and is warned of', () => {
  const { commands, warning } = splitShellArgument('/bin/prepare.sh x, /bin/fence.sh $source_host')
  expect(commands).toEqual(['/bin/prepare.sh x', '/bin/fence.sh $source_host'])
  expect(warning).toContain('put the comma in quotes')
})

test('more than one comma cannot be two commands: the whole is one, with a warning', () => {
  const { commands, warning } = splitShellArgument('fence --hosts a,b,c')
  expect(commands).toEqual(['fence --hosts a,b,c'])
  expect(warning).toContain('one command')
})
