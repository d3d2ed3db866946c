import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { FailoverSettings } from '../src/core/settings.ts'
import { Player } from './support/golden.ts'

/*
 * Golden decisions. `UPDATE_GOLDEN=1` rewrites the files; the diff is what a reviewer reads.
 */
const directory = new URL('./golden/', import.meta.url)
const update = process.env['UPDATE_GOLDEN'] === '1'
const files = readdirSync(directory).filter(name => name.endsWith('.txt'))
let totalCount = 0

function inputsOf(name: string): readonly string[] {
  const text = readFileSync(new URL(`${name}.txt`, directory), 'utf8')
  return text.split('\n').flatMap(line => {
    if (line.startsWith('use ')) return inputsOf(line.slice(4).trim())
    return line.startsWith('> ') ? [line.slice(2)] : []
  })
}

function overridesOf(lines: readonly string[]): Partial<FailoverSettings> {
  const entries = lines
    .filter(line => line.startsWith('set '))
    .map(line => {
      const [name = '', value = ''] = line.slice(4).split('=')
      return [name, JSON.parse(value) as unknown]
    })
  return Object.fromEntries(entries) as Partial<FailoverSettings>
}

/** The file as it should be. */
function play(text: string): { readonly text: string; readonly player: Player } {
  const lines = text.split('\n')
  const player = new Player(overridesOf(lines))
  const out: string[] = []
  for (const line of lines) {
    if (line.startsWith('  ')) continue
    out.push(line)
    if (line.startsWith('use ')) for (const input of inputsOf(line.slice(4))) player.play(input)
    if (line.startsWith('> ')) {
      for (const effect of player.play(line.slice(2))) out.push(`  ${effect}`)
      totalCount += 1
    }
  }
  return { text: out.join('\n'), player }
}

describe('golden decisions', () => {
  for (const file of files) {
    test(file.replace('.txt', ''), () => {
      const url = new URL(file, directory)
      const expected = readFileSync(url, 'utf8')
      const { text, player } = play(expected)
      if (update) writeFileSync(url, text)
      else expect(text).toBe(expected)
      expect(player.differences()).toEqual([])
    })
  }

  test('there are at least a hundred cases', () => {
    expect(totalCount).toBeGreaterThanOrEqual(100)
  })
})
