import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { errorRows, OpCode } from '../src/index.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8').replaceAll(/ +/g, ' ')

test.each(errorRows)('error %s stands in the README with its code', (name, code, mayRetry) => {
  expect(readme).toContain(`| ${code} | \`${name}\` | ${mayRetry ? 'yes ' : ''}|`)
})

test.each(Object.entries(OpCode))('request type %s stands in the README', (name, code) => {
  expect(readme).toContain(`| ${code} | \`${name}\` |`)
})
