import { expect, test } from 'vitest'
import { confirm } from '../src/confirm.ts'
import { lineReader } from '../src/line-reader.ts'

async function ask(input: readonly string[]): Promise<readonly [boolean, string]> {
  let shown = ''
  const lines = [...input]
  const stderr = (text: string): void => {
    shown += text
  }
  return [await confirm({ stderr, readLine: async () => lines.shift() }, 'Sure?'), shown]
}

test.each([
  ['y', true],
  ['YES', true],
  [' n ', false],
  ['No', false],
])('"%s" is an answer', async (line, expected) => {
  expect(await ask([line])).toEqual([expected, 'Sure? (Y or N) '])
})

test('another text is asked again', async () => {
  expect(await ask(['x', '', 'y'])).toEqual([
    true,
    'Sure? (Y or N) Invalid input: x\nSure? (Y or N) Invalid input: \nSure? (Y or N) ',
  ])
})

test('a closed input is a no', async () => {
  expect((await ask([]))[0]).toBe(false)
  expect((await ask(['maybe']))[0]).toBe(false)
})

test('lines are cut out of whatever pieces come', async () => {
  const bytes = new TextEncoder().encode('eins\r\nzwöi\n\ndrei')
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (const byte of bytes) yield Uint8Array.of(byte)
  }
  const read = lineReader(pieces)
  const lines: (string | undefined)[] = []
  for (let count = 0; count < 6; count += 1) lines.push(await read())
  expect(lines).toEqual(['eins', 'zwöi', '', 'drei', undefined, undefined])
})

test('a line without end is not read for ever', async () => {
  async function* endless(): AsyncGenerator<string> {
    for (;;) yield 'x'.repeat(100_000)
  }
  const read = lineReader(endless)
  expect((await read())?.length).toBeLessThan(2_000_000)
  expect(await read()).toBeUndefined()
})
