import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Player } from './support/golden.ts'

/*
 * Any inputs in any order: what a peer, ZooKeeper, the kernel or the clock says may be wrong or
 * come at a bad time, but it never crashes the core, and the promises that can be read off the
 * effects alone hold.
 */
const LINES = [
  ...['begin', 'connected', 'connectFailed refused', 'connectFailed timeout', 'ended end'],
  ...['ended reset', 'status active', 'status standby', 'status observer', 'healthy', 'healthy'],
  ...['callFailed unhealthy x', 'callFailed error x', 'session connected session=0x10'],
  ...['session disconnected', 'session expired', 'session closed', 'zk ok', 'zk ok', 'zk noNode'],
  ...['zk nodeExists', 'zk badVersion', 'zk connectionLoss', 'zk operationTimeout'],
  ...['zk ok owner=me data=own', 'zk ok owner=0x20 data=nn2', 'zk ok data=own version=3'],
  ...['zk ok data=nn2 version=4', 'zk ok data=garbage version=1', 'zk ok data=nn2-moved version=2'],
  ...['watch deleted', 'watch changed', 'called ok', 'called ok', 'called ok active'],
  ...['called refused x', 'called remote x', 'called noAnswer x', 'ceded ok', 'ceded refused x'],
  ...['fenced ok x', 'fenced no x', 'recorded', 'recorded none', 'evidence gone'],
  ...['evidence alive', 'evidence unknown', 'kept ok', 'cede 5000', 'cede -1', 'failover'],
  ...['activeRead ok data=nn2', 'activeRead ok data=own', 'activeRead noNode', 'tick', '+50'],
  ...['+1000', '+7000', '+50000', 'pause 800', 'pause 20000', 'deaf', 'suspend 20000'],
  ...['suspend -20000', 'connectFailed reset', 'connectFailed other', '+10'],
]

const ENDS = ['stop keep', 'stop handOver']

/** Breaks of a promise that show in the effects, in order. */
function breaches(effects: readonly string[]): readonly string[] {
  const found: string[] = []
  let crumbWritten = false
  let gracefulAsked = false
  for (const effect of effects.map(text => text.replace(/^@\S+ /, ''))) {
    if (effect.startsWith('openSession')) crumbWritten = gracefulAsked = false
    if (effect === '! breadcrumbWritten') crumbWritten = true
    if (effect.startsWith('gracefulFence ')) gracefulAsked = true
    if (effect.startsWith('transitionToActive') && !crumbWritten) found.push('active, no crumb')
    if (effect.startsWith('runFencing') && !gracefulAsked) found.push('methods, not asked')
    if (effect.startsWith('zk delete lock')) found.push('a lock is deleted')
  }
  return found
}

test('no order of inputs crashes the core or breaks what can be seen from outside', () => {
  const line = fc.constantFrom(...LINES)
  const lines = fc.array(line, { minLength: 20, maxLength: 120 })
  const run = fc.tuple(fc.boolean(), lines, fc.constantFrom('', ...ENDS))
  fc.assert(
    fc.property(run, ([resume, middle, end]) => {
      const player = new Player()
      const all = ['start' + (resume ? ' resume' : ''), 'session connected session=0x10', 'zk ok']
      all.push('begin', ...middle.filter(text => text !== 'begin'), ...(end === '' ? [] : [end]))
      const effects = all.flatMap(text => player.play(text))
      expect(breaches(effects)).toEqual([])
      expect(player.differences()).toEqual([])
    }),
    { numRuns: Number(process.env['FUZZ_RUNS'] ?? 200) },
  )
})
