import { NodeExec } from '@baton/runtime/node'
import { expect, test } from 'vitest'

const OPTIONS = { timeoutMs: 10_000, env: { PATH: '/usr/bin:/bin' } }

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Init reaps a killed orphan in its own time. */
async function gone(pid: number): Promise<void> {
  while (alive(pid)) {
    await new Promise(resolve => {
      setImmediate(resolve)
    })
  }
}

test('a kill reaches the grandchildren too', async () => {
  const pids: number[] = []
  const abort = new AbortController()
  const result = await new NodeExec().run(['sh', '-c', 'sleep 1000 & echo $!; wait'], {
    ...OPTIONS,
    signal: abort.signal,
    onLine: line => {
      pids.push(Number(line))
      abort.abort()
    },
  })
  expect(result).toMatchObject({ exitCode: 137, timedOut: false })
  expect(pids).toHaveLength(1)
  await gone(pids[0] as number)
})

test('a child left in the background does not hold up the verdict', async () => {
  const pids: number[] = []
  const result = await new NodeExec().run(['sh', '-c', 'sleep 1000 & echo $!; exit 4'], {
    ...OPTIONS,
    onLine: line => pids.push(Number(line)),
  })
  expect(result).toMatchObject({ exitCode: 4, timedOut: false })
  process.kill(pids[0] as number, 'SIGKILL')
})

test('an empty command and a file that is no program do not reject', async () => {
  const exec = new NodeExec()
  expect((await exec.run([], OPTIONS)).exitCode).toBe(127)
  expect((await exec.run([import.meta.filename], OPTIONS)).exitCode).toBe(126)
})

test('a program that never reads its stdin does no harm', async () => {
  const stdin = 'x'.repeat(1_000_000)
  const result = await new NodeExec().run(['true'], { ...OPTIONS, stdin })
  expect(result).toMatchObject({ exitCode: 0 })
})

test('a letter cut by a read boundary is whole in its line', async () => {
  const lines: string[] = []
  const script = `printf '\\303'; sleep 0.05; printf '\\244\\n'`
  const onLine = (line: string): void => void lines.push(line)
  await new NodeExec().run(['sh', '-c', script], { ...OPTIONS, onLine })
  expect(lines).toEqual(['ä'])
})
