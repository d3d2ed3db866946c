import type { FailoverSettings } from '../../src/core/settings.ts'
import { Player } from '../support/golden.ts'

/** How the attacks begin; the inputs are those of the scenario files. */
export const STANDBY = [
  'start',
  'session connected session=0x10',
  'zk ok',
  'begin',
  'connected',
  'status standby',
  'healthy',
  'zk nodeExists',
  'called ok',
  'zk ok owner=0x20',
]
export const WON = [...STANDBY, '+10 watch deleted', 'zk ok']
/** Nobody to fence, the breadcrumb written, the connection for transitionToActive being made. */
export const ACTIVATING = [...WON, 'zk noNode', 'zk ok']
export const SENT = [...ACTIVATING, 'called ok']
export const ACTIVE = [...SENT, '+100 called ok', 'zk ok owner=me']
export const RECORDED = [...ACTIVE, '+900', 'status active', 'recorded', 'healthy']

export function played(
  lines: readonly string[],
  overrides: Partial<FailoverSettings> = {},
): Player {
  const player = new Player(overrides)
  for (const line of lines) player.play(line)
  return player
}

/** What the last of `lines` led to, one effect a line. */
export function last(lines: readonly string[], overrides: Partial<FailoverSettings> = {}): string {
  const player = played(lines.slice(0, -1), overrides)
  return player.play(lines.at(-1) ?? '').join('\n')
}
