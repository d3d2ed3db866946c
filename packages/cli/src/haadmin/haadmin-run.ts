/** One run of haadmin and the steps that several of its commands share. */
import type { Configuration, RequestSource } from '@baton/hadoop'
import type { Runtime } from '@baton/runtime'
import type { CliIo } from '../cli-io.ts'
import { END_STATE, type HaCalls, type Transition } from './ha-calls.ts'
import { resolveTarget, targetText, type HaTarget } from './ha-target.ts'
import { GUARD_TEXT, usageOf } from './haadmin-usage.ts'

export const EXIT_OK = 0
export const EXIT_FAILED = 255

/** Ends a command with this text on standard error and exit code 255. */
export class HaAdminError extends Error {
  override readonly name = 'HaAdminError'
}

/** One run: what the command functions work with. */
export interface HaAdminRun {
  readonly io: CliIo
  readonly runtime: Runtime
  readonly conf: Configuration
  readonly calls: HaCalls
  readonly nameserviceId: string | undefined
  readonly command: string
  readonly options: ReadonlySet<string>
  readonly optionCount: number
  readonly args: readonly string[]
  readonly source: RequestSource
  readonly json: boolean
}

/** The one NameNode a command names; `undefined` after a usage error was printed. */
export function onlyTarget(run: HaAdminRun): HaTarget | undefined {
  const [id] = run.args
  if (id !== undefined && run.args.length === 1) {
    return resolveTarget(run.conf, run.nameserviceId, id)
  }
  const name = run.command.slice(1)
  run.io.stderr(`${name}: incorrect number of arguments\n${usageOf(run.command)}`)
  return undefined
}

/** False, with Java's text, where controllers manage this NameNode and nothing was forced. */
export async function isManualAllowed(run: HaAdminRun, target: HaTarget): Promise<boolean> {
  if (!target.autoFailover) return true
  const text = await targetText(target, run.runtime.network, false)
  if (run.source === 'userForced') {
    run.io.stderr(
      'WARN: Proceeding with manual HA state management even though\n' +
        `automatic failover is enabled for ${text}\n`,
    )
    return true
  }
  run.io.stderr(`Automatic failover is enabled for ${text}${GUARD_TEXT}`)
  return false
}

/** Sends the transition, then reads the state back: success is said only of what was seen. */
export async function transition(
  run: HaAdminRun,
  target: HaTarget,
  kind: Transition,
): Promise<void> {
  await run.calls.transition(target, kind, run.source)
  await confirmState(run, target, END_STATE[kind])
}

export async function confirmState(
  run: HaAdminRun,
  target: HaTarget,
  expected: string,
): Promise<void> {
  const { state } = await run.calls.getStatus(target, run.calls.checkTimeoutMs)
  if (state === expected) return
  const text = await targetText(target, run.runtime.network)
  throw new HaAdminError(
    `Operation failed: ${text} accepted the change and then said that it is ${state}, ` +
      `expected ${expected}. Something else changes its state; look at its log`,
  )
}
