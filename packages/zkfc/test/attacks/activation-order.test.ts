import { describe, expect, test } from 'vitest'
import { ACTIVATING, last, played, SENT, STANDBY, WON } from './moves.ts'

/*
 * Requests that cross an activation: what is queued for our NameNode, and what of it may still be
 * sent once the go-ahead was given or taken back.
 */
const REWON = ['session connected session=0x11', 'zk ok', 'zk ok data=own version=0', 'zk ok']

describe('a call that stands between the go-ahead and transitionToActive', () => {
  const ceding = [...ACTIVATING, 'cede 10000']

  test('goes first, and the go-ahead is asked for again', () => {
    const player = played(ceding)
    const opened = player.play('called ok').join('\n')
    expect(opened).toContain('call=transitionToStandby')
    expect(opened).not.toContain('transitionToActive')
  })

  test('a confirmed cede is not followed by transitionToActive', () => {
    const player = played([...ceding, 'called ok'])
    const effects = ['called ok', 'called ok', '+1', 'session closed', '+100']
      .flatMap(line => player.play(line))
      .join('\n')
    expect(effects).not.toContain('transitionToActive')
    expect(effects).toContain('answer 900 ok')
  })

  test('neither where the lock was read again in between', () => {
    const player = played([...ACTIVATING, 'pause 900', 'called ok', 'cede 10000', 'zk ok'])
    const effects = ['zk ok owner=me', 'called ok', 'called ok', 'called ok']
      .flatMap(line => player.play(line))
      .join('\n')
    expect(effects).not.toContain('transitionToActive')
  })

  test('a mere question delays it, and then it is sent on a new go-ahead', () => {
    const asked = [...STANDBY, 'failover', 'activeRead ok data=nn2', 'ceded ok', 'ceded ok']
    const active = ['watch deleted', 'zk ok', 'zk noNode', 'zk ok', 'called ok', 'called ok']
    // Active, but its lock is lost before the other controllers have answered the release.
    const lost = [...asked, ...active, 'zk ok owner=me', 'session expired', ...REWON]
    const player = played([...lost, 'ceded ok', 'ceded ok'])
    const opened = player.play('called ok').join('\n')
    expect(opened).toContain('call=getServiceStatus')
    expect(opened).not.toContain('transitionToActive')
    expect(player.play('called ok standby').join('\n')).toContain('openForActive')
    expect(player.play('called ok').join('\n')).toContain('transitionToActive')
  })
})

describe('a connect given up with its activation', () => {
  const lost = [...ACTIVATING, 'session expired', '+3000', ...REWON]

  test('is called off at once', () => {
    expect(last([...ACTIVATING, 'session expired'])).toContain('closeForActive')
    expect(last([...ACTIVATING, 'cede 10000', 'session expired'])).toContain('closeForActive')
  })

  test('does not take the next activation with it when it ends late', () => {
    for (const end of ['called ok', 'called noAnswer "aborted"', 'called refused "x"']) {
      const player = played([...lost, end])
      expect(player.core.state.controller.current?.call).toBe('open')
      expect(player.play('called ok').join('\n')).toContain('transitionToActive')
    }
  })

  test('does not hold up the end of a controller that stops', () => {
    const player = played([...ACTIVATING, 'stop keep', 'session closed'])
    expect(player.play('called noAnswer "aborted"').join('\n')).toContain('ended')
  })
})

test('a session that takes longer to close than the back-off does not make ticks pile up', () => {
  const player = played([...ACTIVATING, 'called remote "x"'])
  expect(() => player.play('+3000')).not.toThrow()
  expect(player.play('session closed').join('\n')).toContain('openSession')
})

describe('while our own lock of an earlier session is waited out', () => {
  const waiting = [
    ...STANDBY.slice(0, 5),
    'status active',
    'healthy',
    'zk nodeExists',
    'zk ok',
    'zk ok owner=0x9 data=own',
  ]

  test('the same lock is waited for', () => {
    const player = played([...waiting, 'zk ok owner=0x9', 'watch changed'])
    expect(player.play('zk ok owner=0x9')).toEqual([])
    expect(player.core.state.elector.role).toBe('waiting')
  })

  test('a lock that changed hands unseen is read, and decides', () => {
    for (const seen of [['zk ok owner=0x9', 'watch changed'], []]) {
      const player = played([...waiting, ...seen])
      expect(player.play('zk ok owner=0x20').join('\n')).toContain('zk sync lock')
      player.play('zk ok')
      const effects = player.play('zk ok owner=0x20 data=nn2').join('\n')
      expect(effects).toContain('call=transitionToStandby')
    }
  })

  test('and so does one that changed hands while the connection was lost', () => {
    const lost = ['zk ok owner=0x9', 'session disconnected', '+50 session connected']
    expect(last([...waiting, ...lost, 'zk ok owner=0x20'])).toContain('zk sync lock')
  })
})

test('a ZooKeeper under load is asked again, a second later, after reading back', () => {
  for (const error of ['throttledOp', 'requestTimeout', 'operationTimeout']) {
    const player = played([...STANDBY, '+10 watch deleted', `zk ${error}`])
    expect(player.play('+900').join('\n')).not.toContain('zk ')
    expect(player.play('+200').join('\n')).toContain('zk getData lock')
  }
})

test('a breadcrumb is left where the lock was not read again since the activation', () => {
  // Standby is confirmed, but whether the lock is still ours is not known yet.
  const player = played([...SENT, 'cede 10000', 'called ok'])
  const effects = player.play('called ok').join('\n')
  expect(effects).toContain('standbyEnded {"ok":true')
  expect(effects).toContain('breadcrumbKept')
  expect(effects).not.toContain('zk ')
})

test('a lock deleted during the fence is noticed before the breadcrumb is written', () => {
  const fencing = [...WON, 'zk ok data=nn2 version=3', 'fenced no "refused"']
  const lines = [...fencing, 'watch deleted', 'fenced ok "exit 0"']
  expect(last(lines)).not.toContain('setData')
  expect(last([...lines, 'zk ok', 'zk noNode'])).not.toContain('setData')
})

test('the end of a fence called off is not taken for the end of the one that runs', () => {
  const fencing = [...WON, 'zk ok data=nn2 version=3', 'fenced no "refused"']
  const player = played(fencing)
  const old = player.core.state.controller.fencing?.waiting ?? 0
  const again = ['session connected session=0x11', 'zk ok', 'zk ok data=nn2 version=3']
  for (const line of ['session expired', '+3000', ...again]) player.play(line)
  expect(player.core.state.controller.fencing?.waiting).toBeGreaterThan(old)
  expect(player.play(`fenced ok "exit 0" id=${old}`)).toEqual([])
  expect(player.play('fenced no "refused"').join('\n')).toContain('runFencing')
})
