import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { undisturbed } from '../calm-rig.ts'
import { sampleZooCfg } from '../rig.ts'

type Row = readonly [words: readonly string[], code: number, says: readonly string[]]

const ROWS: readonly Row[] = [
  [['frobnicate'], 1, ['frobnicate']],
  [['--frobnicate'], 1, ['--frobnicate']],
  [['-D', 'novalue', 'haadmin', '-getAllServiceState'], 1, ['novalue', 'expected key=value']],
  [['haadmin'], 255, ['Usage: ']],
  [['haadmin', '-frobnicate'], 255, ['frobnicate']],
  [['haadmin', '-getServiceState', 'nn9'], 255, ['nn9']],
  [['haadmin', '-transitionToActive', 'nn2'], 255, ['Automatic failover is enabled']],
  [['haadmin', '-transitionToStandby', '--forcemanual', 'nn1'], 255, ['forcemanual']],
  [['zkcli', '-server', '127.0.0.1:1', '-timeout', '1000', 'ls', '/'], 3, ['127.0.0.1:1']],
  [['zkcli', 'frobnicate'], 2, ['frobnicate']],
  [['server'], 2, ['Usage: baton server']],
  [['server', '/nowhere/zoo.cfg'], 2, ['/nowhere/zoo.cfg: no such file']],
]

describe.concurrent('a command with wrong words', () => {
  test.each(ROWS)('%j ends with %i', async (words, code, says) => {
    await undisturbed(async rig => {
      const ended = await rig.baton(words)
      expect(ended.code, ended.text).toBe(code)
      for (const part of says) expect(ended.text).toContain(part)
    })
  })

  test.each([
    ['a tick that is no number', { tickTime: 'often' }, '', 'tickTime'],
    ['a port out of range', { clientPort: '99999' }, '', 'clientPort'],
    ['an ensemble', {}, 'server.1=a:2888:3888\nserver.2=b:2888:3888\n', 'server.'],
  ])('a zoo.cfg with %s is refused by name', async (name, values, more, key) => {
    await undisturbed(async rig => {
      const directory = join(rig.directory, `zoo ${name}`)
      mkdirSync(directory)
      const file = join(directory, 'zoo.cfg')
      writeFileSync(file, `${sampleZooCfg({ dataDir: directory, ...values })}${more}`)
      const ended = await rig.baton(['server', file])
      expect(ended.code, ended.text).toBe(2)
      expect(ended.stderr).toContain(file)
      expect(ended.stderr).toContain(key)
    })
  })
})
