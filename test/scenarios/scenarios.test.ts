import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { formatScenario, parseScenario } from './scenario-file.ts'
import { runScenario } from './scenario-world.ts'

const DIRECTORY = new URL('.', import.meta.url)
const UPDATE = process.env['UPDATE_SCENARIOS'] === '1'
const names = readdirSync(DIRECTORY).filter(name => name.endsWith('.txt'))

test.each(names)('%s', async name => {
  const file = new URL(name, DIRECTORY)
  const text = readFileSync(file, 'utf8')
  const { blocks, failure } = await runScenario(parseScenario(text))
  expect(failure).toBeUndefined()
  const found = formatScenario(blocks)
  if (UPDATE) writeFileSync(file, found)
  else expect(found, 'UPDATE_SCENARIOS=1 writes what came').toBe(text)
})

test('there are scenarios', () => {
  expect(names.length).toBeGreaterThanOrEqual(12)
})
