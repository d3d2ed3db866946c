import { describe, expect, test } from 'vitest'
import { ACTIVE, played, SENT, last } from './moves.ts'

/*
 * A NameNode that is active and well is told standby only on proof; requests in any number neither
 * crash the controller nor hide what it owes its NameNode.
 */
describe('right after the activation, before the NameNode has reported active once', () => {
  const expired = [...ACTIVE, 'session expired', 'session connected session=0x11']

  test('a lost lock is proven lost before the NameNode is demoted', () => {
    const found = last([...expired, 'zk nodeExists'])
    expect(found).toContain('zk sync lock')
    expect(found).not.toContain('transitionToStandby')
  })

  test('a lock with our own data demotes nobody', () => {
    const player = played([...expired, 'zk nodeExists', 'zk ok', 'zk ok owner=0x9 data=own'])
    expect(player.core.state.elector.role).toBe('waiting')
  })

  test('a report that was under way during the activation is not believed', () => {
    const late = [...SENT.slice(0, -1), '+900', 'called ok', '+10 called ok', 'zk ok owner=me']
    const player = played([...late, 'status standby', 'healthy', 'session expired'])
    player.play('session connected session=0x11')
    expect(player.play('zk nodeExists').join('\n')).toContain('zk sync lock')
  })
})

describe('as many cede requests as the RPC server lets in', () => {
  const ceding = Array.from({ length: 64 }, (_, at) => `cede 1000 request=${1000 + at}`)

  test('do not crash a controller that still has an unanswered activation to settle', () => {
    const player = played([...SENT, ...ceding])
    expect(() => player.play('called noAnswer "time-out"')).not.toThrow()
  })

  test('are all answered, and the controller comes back to the election', () => {
    const player = played([...ACTIVE, ...ceding])
    const effects: string[] = []
    for (let at = 0; at < 64; at += 1) {
      effects.push(...player.play('called ok'))
      if (at === 0)
        effects.push(...player.play('zk ok data=own version=0'), ...player.play('zk ok'))
      effects.push(...player.play('session closed'))
    }
    expect(effects.filter(effect => effect.startsWith('answer ')).length).toBe(64)
    expect(player.play('+1001').join('\n')).toContain('openSession')
  })
})

test('an activation confirmed and not yet verified is taken back when the session is lost', () => {
  const lost = [...SENT, 'called ok', 'session expired']
  expect(last(lost)).toContain('call=transitionToStandby')
  expect(last([...lost, 'called ok'])).toContain('retryScheduled')
})
