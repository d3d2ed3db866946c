import type { ExecOptions } from '@baton/runtime'
import { expect, test } from 'vitest'
import { inWorld, type MakeWorld } from './world.ts'

/** The scripts of this suite. A simulated world answers each as a shell would. */
export const scripts = {
  speak: 'echo out; echo err >&2; exit 3',
  copy: 'cat',
  environment: 'echo "$GREETING ${HOME:-none}"',
  hang: 'sleep 1000',
  hangInBackground: 'sleep 1000 & wait',
  flood:
    'i=0; while [ $i -lt 3000 ]; do echo "0123456789012345678901234567890 $i"; i=$((i+1)); done',
  lines: 'printf "a\\nb\\nc"',
  dieBySignal: 'kill -TERM $$',
} as const

const OPTIONS: ExecOptions = { timeoutMs: 10_000, env: { PATH: '/usr/bin:/bin' } }

function shell(script: string): readonly string[] {
  return ['sh', '-c', script]
}

export function execAcceptance(make: MakeWorld): void {
  test('exit code and both streams are reported', () =>
    inWorld(make, async ({ exec }) => {
      const result = await exec.run(shell(scripts.speak), OPTIONS)
      expect(result).toEqual({ exitCode: 3, stdout: 'out\n', stderr: 'err\n', timedOut: false })
    }))

  test('stdin is given, then closed; without it the program reads the end', () =>
    inWorld(make, async ({ exec }) => {
      const given = await exec.run(shell(scripts.copy), { ...OPTIONS, stdin: 'hello' })
      expect(given).toMatchObject({ exitCode: 0, stdout: 'hello' })
      const none = await exec.run(shell(scripts.copy), OPTIONS)
      expect(none).toMatchObject({ exitCode: 0, stdout: '' })
    }))

  test('the environment is the one given and nothing else', () =>
    inWorld(make, async ({ exec }) => {
      const env = { ...OPTIONS.env, GREETING: 'hi' }
      const result = await exec.run(shell(scripts.environment), { ...OPTIONS, env })
      expect(result.stdout).toBe('hi none\n')
    }))

  test('a missing program ends with 127', () =>
    inWorld(make, async ({ exec }) => {
      const result = await exec.run(['no-such-program-here'], OPTIONS)
      expect(result).toMatchObject({ exitCode: 127, timedOut: false })
    }))

  test('at the time limit the whole group is killed', () =>
    inWorld(make, async ({ exec }) => {
      for (const script of [scripts.hang, scripts.hangInBackground]) {
        const result = await exec.run(shell(script), { ...OPTIONS, timeoutMs: 100 })
        expect(result).toMatchObject({ exitCode: 137, timedOut: true })
      }
    }))

  test('an abort kills it, and is not a time-out', () =>
    inWorld(make, async ({ exec, clock }) => {
      const abort = new AbortController()
      clock.after(50, () => abort.abort())
      const options = { ...OPTIONS, signal: abort.signal }
      const result = await exec.run(shell(scripts.hang), options)
      expect(result).toMatchObject({ exitCode: 137, timedOut: false })
      const late = await exec.run(shell(scripts.hang), options)
      expect(late).toMatchObject({ exitCode: 137, timedOut: false })
    }))

  test('lines are handed over one by one, the last without its end too', () =>
    inWorld(make, async ({ exec }) => {
      const lines: string[] = []
      const onLine = (line: string, stream: string): void => {
        lines.push(`${stream} ${line}`)
      }
      await exec.run(shell(scripts.lines), { ...OPTIONS, onLine })
      expect(lines).toEqual(['stdout a', 'stdout b', 'stdout c'])
    }))

  test('output beyond 64 KiB is dropped and its place marked', () =>
    inWorld(make, async ({ exec }) => {
      const { stdout, exitCode } = await exec.run(shell(scripts.flood), OPTIONS)
      expect(exitCode).toBe(0)
      expect(stdout).toHaveLength(64 * 1024 + '\n[output beyond 64 KiB dropped]\n'.length)
      expect(stdout.endsWith('\n[output beyond 64 KiB dropped]\n')).toBe(true)
    }))

  test('a program ended by a signal has 128 and its number', () =>
    inWorld(make, async ({ exec }) => {
      const result = await exec.run(shell(scripts.dieBySignal), OPTIONS)
      expect(result).toMatchObject({ exitCode: 143, timedOut: false })
    }))
}
