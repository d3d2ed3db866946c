import type { ExecResult } from '@baton/runtime'
import type { ProgramContext, SimRandom } from '@baton/runtime/sim'

/**
 * What a fencing program does when it is run:
 * `really` kills the NameNode, wherever it is; `lies` exits 0 and does nothing, like
 * `shell(/bin/true)`; `fails` exits 1; `hangs` until it is killed; `halfDone` kills and exits 1.
 */
export const FENCE_MODES = ['really', 'lies', 'fails', 'hangs', 'halfDone'] as const
export type FenceMode = (typeof FENCE_MODES)[number]

export interface FenceRun {
  readonly mode: FenceMode
  readonly by: string
  readonly target: string
  readonly context: ProgramContext
  readonly random: SimRandom
  readonly sleep: (ms: number) => Promise<void>
  readonly killNameNode: (target: string) => void
  readonly onEnded: (ok: boolean) => void
}

const RUN_MS_MAX = 300

export async function runFence(run: FenceRun): Promise<ExecResult> {
  const { mode, context } = run
  if (mode === 'hangs') return new Promise(() => {})
  await run.sleep(run.random.between(2, RUN_MS_MAX))
  const kills = mode === 'really' || mode === 'halfDone'
  if (kills && !context.killed) run.killNameNode(run.target)
  const exitCode = mode === 'really' || mode === 'lies' ? 0 : 1
  run.onEnded(exitCode === 0 && !context.killed)
  return { exitCode, stdout: '', stderr: '', timedOut: false }
}
