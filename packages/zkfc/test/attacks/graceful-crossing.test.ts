import { expect, test } from 'vitest'
import { ACTIVATING, ACTIVE, last, played, STANDBY } from './moves.ts'

/* A failover on request that crosses one that happens by itself. */
const asked = [...STANDBY, 'failover', 'activeRead ok data=nn2']

test('holding the lock is not being active: the state is read before done is said', () => {
  for (const where of [ACTIVE, ACTIVATING]) {
    const lines = [...where, 'failover', 'activeRead ok data=own']
    expect(last(lines)).not.toContain('answer')
  }
  const lines = [...ACTIVE, 'failover', 'activeRead ok data=own']
  expect(last(lines)).toContain('call=getServiceStatus')
  expect(last([...lines, 'called ok active'])).toContain('answer 901 ok')
  expect(last([...lines, 'called ok standby'])).toContain('answer 901 ServiceFailedException')
})

test('the role that came while a third controller was asked counts', () => {
  const won = ['watch deleted', 'zk ok', 'zk noNode', 'zk ok', 'called ok', 'called ok']
  const player = played([...asked, ...won, 'zk ok owner=me'])
  // The third answers, the old active's controller is gone with its host.
  player.play('ceded ok')
  expect(player.play('ceded refused "gone"').join('\n')).not.toContain('answer')
  player.play('ceded ok')
  expect(player.play('called ok active').join('\n')).toContain('answer 901 ok')
})

test('an attempt that failed before the old active was asked does not decide', () => {
  const failed = ['watch deleted', 'zk ok', 'zk noNode', 'zk badVersion', 'session closed']
  const player = played([...asked, ...failed])
  const effects = ['ceded ok', 'ceded ok'].flatMap(line => player.play(line)).join('\n')
  expect(effects).not.toContain('gracefulFailoverEnded')
})

test('those that ceded are released also when the request fails', () => {
  const effects = last([...asked, 'ceded ok', 'ceded refused "gone"'])
  expect(effects.match(/cedeRemote .*periodMs=-1/g)?.length).toBe(2)
})

test('a request whose question went down with the session is answered', () => {
  const reading = [...ACTIVE, 'failover', 'cede 10000', 'called ok', 'zk noNode']
  expect(last([...reading, 'session closed'])).toContain('answer 901')
})
