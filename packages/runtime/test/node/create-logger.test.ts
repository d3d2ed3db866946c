import { createLogger, type LoggerOptions } from '@baton/runtime/node'
import { expect, test } from 'vitest'

function capture(options: LoggerOptions): [ReturnType<typeof createLogger>, string[]] {
  const lines: string[] = []
  const write = (text: string): void => void lines.push(text)
  return [createLogger({ ...options, destination: { kind: 'stream', write } }), lines]
}

test('a line is one JSON object with level, time, bound fields, own fields and words', () => {
  const [logger, lines] = capture({ fields: { role: 'zkfc' } })
  logger.child({ peer: 'nn1' }).warn({ tries: 3 }, 'no answer')
  expect(lines).toHaveLength(1)
  const line = JSON.parse(lines[0] ?? '') as Record<string, unknown>
  expect(line).toMatchObject({
    level: 'warn',
    role: 'zkfc',
    peer: 'nn1',
    tries: 3,
    msg: 'no answer',
  })
  expect(line['time']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
})

test('lines below the level are not made', () => {
  const [logger, lines] = capture({ level: 'warn' })
  logger.debug({}, 'no')
  logger.info({}, 'no')
  logger.error({}, 'yes')
  expect(lines).toHaveLength(1)
})

test('pretty lines are plain words for people', async () => {
  const [logger, lines] = capture({ pretty: true, fields: { role: 'zkfc' } })
  logger.info({ peer: 'nn1' }, 'became active')
  await new Promise(resolve => {
    setImmediate(resolve)
  })
  expect(lines.join('')).toMatch(/INFO.*: became active\n.*role.*"zkfc"\n.*peer.*"nn1"\n/)
})
