import type { ExecOptions, ExecResult } from '@baton/runtime'
import { Simulation, type ProgramContext, type SimHost } from '@baton/runtime/sim'
import { scripts } from '../../../../test/acceptance/exec-acceptance.ts'
import type { World } from '../../../../test/acceptance/world.ts'

export async function makeSimWorld(): Promise<World> {
  const sim = new Simulation({ seed: 'acceptance' })
  const host = sim.host('one')
  host.onExec(runScript)
  host.disk.put('/test/.keep', new Uint8Array())
  const setUp = host.spawn('set-up', async ({ disk }) => disk.remove('/test/.keep'))
  await sim.runUntil(10)
  setUp.exit()
  return {
    directory: '/test',
    run: async body => {
      const outcome: { ended: boolean; error?: unknown } = { ended: false }
      host.spawn('body', async runtime => {
        await body(runtime).catch((error: unknown) => {
          outcome.error = error
        })
        outcome.ended = true
      })
      await sim.runUntil(() => outcome.ended)
      if (outcome.error !== undefined) throw outcome.error
    },
    dispose: async () => {},
  }
}

const ENDED: ExecResult = { exitCode: 0, stdout: '', stderr: '', timedOut: false }

function flood(): string {
  const lines = Array.from({ length: 3000 }, (_, at) => `0123456789012345678901234567890 ${at}\n`)
  return lines.join('')
}

const answers: Readonly<Record<string, (options: ExecOptions) => Partial<ExecResult> | undefined>> =
  {
    [scripts.speak]: () => ({ exitCode: 3, stdout: 'out\n', stderr: 'err\n' }),
    [scripts.copy]: options => ({ stdout: options.stdin ?? '' }),
    [scripts.environment]: ({ env }) => ({
      stdout: `${env['GREETING'] ?? ''} ${env['HOME'] ?? 'none'}\n`,
    }),
    [scripts.hang]: () => undefined,
    [scripts.hangInBackground]: () => undefined,
    [scripts.flood]: () => ({ stdout: flood() }),
    [scripts.lines]: () => ({ stdout: 'a\nb\nc' }),
    [scripts.dieBySignal]: () => ({ exitCode: 143 }),
  }

function runScript(
  command: readonly string[],
  options: ExecOptions,
  host: SimHost,
  _context: ProgramContext,
): ExecResult | Promise<ExecResult> {
  const answer = command[0] === 'sh' ? answers[command[2] ?? ''] : () => ({ exitCode: 127 })
  if (answer === undefined) throw new Error(`no script answers ${command.join(' ')}`)
  const result = answer(options)
  if (result !== undefined) return { ...ENDED, ...result }
  return host.sim.sleep(1e9).then(() => ENDED)
}
