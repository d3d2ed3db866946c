import { readdirSync, readFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Child, until } from '../../harness/child.ts'
import { BATON, temporaryDirectory } from '../../harness/paths.ts'

interface DemoResult {
  readonly rows: readonly { readonly event: string; readonly kept: boolean }[]
  readonly acknowledgedCount: number
  readonly lostCount: number
  readonly twoActiveCount: number
  readonly broken: readonly string[]
}

/** The demo with a temporary directory of its own, so that what it leaves can be seen. */
function startDemo(words: readonly string[]) {
  const { path, remove } = temporaryDirectory('e2e-demo')
  const temporary = join(path, 'tmp')
  mkdirSync(temporary)
  const child = new Child({
    name: 'demo',
    command: [...BATON, 'demo', ...words],
    logFile: join(path, 'demo.log'),
    env: { TMPDIR: temporary },
  })
  return { child, temporary, remove }
}

/** Processes whose environment names that directory: those the demo started, orphans too. */
function processesOf(temporary: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter(pid => pid > 0 && environmentOf(pid).includes(`TMPDIR=${temporary}\0`))
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1')
  } catch (error) {
    // It ended meanwhile, or belongs to another user.
    const { code = '' } = error as NodeJS.ErrnoException
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(code)) return ''
    throw error
  }
}

async function expectNothingLeft(temporary: string): Promise<void> {
  const ended = (): boolean => processesOf(temporary).length === 0
  await until('every process of the demo has ended', ended, { withinMs: 2_000 })
  expect(readdirSync(temporary)).toEqual([])
}

describe.concurrent('the demo', () => {
  test('keeps every promise and leaves nothing behind', async () => {
    const { child, temporary, remove } = startDemo(['--json'])
    try {
      const code = await child.exited
      expect(code, child.log).toBe(0)
      const { log } = child
      const result = JSON.parse(log.slice(log.indexOf('\n{\n'))) as DemoResult
      expect(result).toMatchObject({ lostCount: 0, twoActiveCount: 0, broken: [] })
      expect(result.acknowledgedCount).toBeGreaterThan(0)
      expect(result.rows.filter(row => !row.kept)).toEqual([])
      expect(result.rows).toHaveLength(6)
      await expectNothingLeft(temporary)
    } finally {
      await child.kill()
      remove()
    }
  })

  test('an interrupt in the middle ends it with 130 and leaves nothing behind', async () => {
    const { child, temporary, remove } = startDemo([])
    try {
      const active = (): boolean => child.log.includes('is active **')
      await until('the demo is under way', active, { withinMs: 30_000, watch: [child] })
      expect(processesOf(temporary).length).toBeGreaterThan(3)
      child.signal('SIGINT')
      expect(await child.exited).toBe(130)
      expect(child.log).toContain('Interrupted')
      await expectNothingLeft(temporary)
    } finally {
      await child.kill()
      remove()
    }
  })
})
