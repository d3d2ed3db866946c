import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { FailoverSettings } from '../src/core/settings.ts'
import { Player } from './support/golden.ts'

/*
 * Every row of the table of promises (README) by its name. The scenario files show whole courses
 * of events; here each promise stands alone, with each of its conditions taken away in turn.
 */
const goldenDirectory = new URL('./golden/', import.meta.url)

const STANDBY = [
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
const WON = [...STANDBY, '+10 watch deleted', 'zk ok']
const NOTHING_TO_FENCE = [...WON, 'zk noNode', 'zk ok']
const SENT = [...NOTHING_TO_FENCE, 'called ok']
const ACTIVE = [...SENT, '+100 called ok', 'zk ok owner=me']
const RECORDED = [...ACTIVE, '+900', 'status active', 'recorded', 'healthy']
const REFUSED = [...RECORDED, '+10 ended reset', 'connectFailed refused']
const RESUMED = ['start resume', 'session connected session=0x10', 'zk ok', 'begin']

function played(lines: readonly string[], overrides: Partial<FailoverSettings> = {}): Player {
  const player = new Player(overrides)
  for (const line of lines) player.play(line)
  return player
}

/** What the last of `lines` led to, one effect a line. */
function last(lines: readonly string[], overrides: Partial<FailoverSettings> = {}): string {
  const player = played(lines.slice(0, -1), overrides)
  return player.play(lines.at(-1) ?? '').join('\n')
}

describe('transitionToActive is sent only after', () => {
  test('all of it: lock, nobody left to fence, breadcrumb, a fresh sign of ZooKeeper', () => {
    expect(last(SENT)).toContain('transitionToActive')
  })

  test('the old active was fenced', () => {
    const fencing = [...WON, 'zk ok data=nn2 version=3']
    expect(last(fencing)).toContain('gracefulFence nn2@nn2:8020')
    expect(last([...fencing, 'fenced no "refused"'])).not.toContain('setData crumb')
    const failed = [...fencing, 'fenced no "refused"', 'fenced no "exit 1"']
    expect(last(failed)).not.toContain('setData crumb')
    const fenced = [...fencing, 'fenced no "refused"', 'fenced ok "exit 0"']
    expect(last(fenced)).toContain('zk setData crumb own version=3')
  })

  test('the breadcrumb was rewritten at the version that was read', () => {
    const lines = [...WON, 'zk ok data=own version=7']
    expect(last(lines)).toContain('zk setData crumb own version=7')
    expect(last([...lines, 'zk badVersion'])).toContain('closeSession')
  })

  test('ZooKeeper was heard within a third of the session time-out, else the lock is read', () => {
    const late = [...NOTHING_TO_FENCE, 'deaf', '+3400 called ok']
    expect(last(late)).toContain('zk sync lock')
    expect(last(late)).not.toContain('transitionToActive')
    const intime = [...NOTHING_TO_FENCE, 'deaf', '+3300 called ok']
    expect(last(intime)).toContain('transitionToActive')
  })

  test('no lag of this process came between, else the lock is read, and read again', () => {
    const paused = [...NOTHING_TO_FENCE, 'pause 900', 'called ok']
    expect(last(paused)).toContain('zk sync lock')
    const verified = [...paused, '+1 zk ok', '+1 zk ok owner=me']
    expect(last(verified)).toContain('transitionToActive')
    const pausedAgain = [...paused, '+1 zk ok', 'pause 900', 'zk ok owner=me']
    expect(last(pausedAgain)).not.toContain('transitionToActive')
    expect(last([...paused, '+1 zk ok', '+1 zk ok owner=0x99'])).not.toContain('transitionToActive')
  })

  test('and after success the lock is read: standby if it is not ours', () => {
    expect(last([...SENT, '+100 called ok'])).toContain('zk exists lock watch')
    const lost = last([...SENT, '+100 called ok', 'zk ok owner=0x99'])
    expect(lost).toContain('call call=transitionToStandby')
    expect(last([...SENT, '+100 called ok', 'zk noNode'])).toContain('transitionToStandby')
  })
})

test('a transitionToActive without an answer is unknown, never failed', () => {
  const player = played([...SENT, '+900 called noAnswer "time-out"'])
  expect(player.play('called ok standby').join()).toContain('transitionToStandby')
  const settled = player.play('called ok').join()
  expect(settled).toContain('closeSession')
  expect(settled).toContain('retryScheduled')
  expect(settled).not.toContain('delete crumb')
})

describe('a ZooKeeper write lost with its connection is read back before the next step', () => {
  const back = ['session disconnected', '+50 session connected']
  test('the lock', () => {
    const lines = [...STANDBY, '+10 watch deleted', 'zk connectionLoss', ...back]
    expect(last(lines)).toContain('zk getData lock')
    expect(last([...lines, 'zk ok owner=me data=own'])).toContain('lockAcquired')
    expect(last([...lines, 'zk noNode'])).toContain('zk create lock')
  })

  test('the breadcrumb', () => {
    const lines = [...WON, 'zk noNode', 'zk connectionLoss', ...back, 'zk ok', 'zk ok owner=me']
    expect(last(lines)).toContain('zk getData crumb')
    expect(last([...lines, 'zk noNode'])).toContain('zk create crumb')
    expect(last([...lines, 'zk ok data=own version=0'])).toContain('openForActive')
    expect(last([...lines, 'zk ok data=nn2 version=0'])).toContain('closeSession')
  })

  test('the delete of the breadcrumb', () => {
    const quitting = [...ACTIVE, 'cede 10000', 'called ok', 'zk ok data=own version=0']
    const lines = [...quitting, 'zk connectionLoss', ...back]
    expect(last(lines)).toContain('zk getData crumb')
    expect(last([...lines, 'zk noNode'])).toContain('closeSession')
  })
})

describe('losing the session aborts the sequence before the next effect', () => {
  const fencing = [...WON, 'zk ok data=nn2 version=3', 'fenced no "refused"']
  test('a fence under way is stopped, and its success leads to nothing', () => {
    const player = played(fencing)
    const id = player.core.state.controller.fencing?.waiting ?? 0
    expect(player.play('session expired').join()).toContain('abortFencing')
    expect(player.play(`fenced ok "exit 0" id=${id}`)).toEqual([])
  })

  test('a transitionToActive under way is followed by standby', () => {
    const player = played([...SENT, 'session expired'])
    expect(player.play('called ok').join()).toContain('transitionToStandby')
  })

  test('meanwhile health checks, cede requests and watches go on', () => {
    const player = played(fencing)
    expect(player.play('+1000').join()).toContain('getStatus')
    expect(player.play('cede 10000').join()).toContain('transitionToStandby')
    expect(player.play('called ok').join()).toContain('abortFencing')
  })
})

test('the fencing methods begin only when the graceful step has ended', () => {
  const lines = [...WON, 'zk ok data=nn2 version=3']
  expect(last(lines)).not.toContain('runFencing')
  expect(last([...lines, '+5000'])).not.toContain('runFencing')
  expect(last([...lines, 'fenced no "refused"'])).toContain('runFencing')
})

describe('the election is left at once', () => {
  test('when the connection ended and the connect is refused', () => {
    expect(last([...ACTIVE, 'ended reset', 'connectFailed refused'])).toContain('closeSession')
    expect(last([...ACTIVE, 'ended end', 'connectFailed refused'])).toContain('closeSession')
  })

  test('but not when the connect is accepted, times out, or the connection merely ended', () => {
    for (const next of ['ended end', 'ended end|connected', 'ended end|connectFailed timeout']) {
      expect(last([...ACTIVE, ...next.split('|')])).not.toContain('closeSession')
    }
  })

  test('or when the next health call after an accepted connect fails', () => {
    const failed = [...ACTIVE, 'ended end', 'connected', 'callFailed error']
    expect(last(failed)).toContain('closeSession')
  })

  test('a connect that is cut is asked again for 200 ms, then a verdict, not evidence', () => {
    const cut = [...RECORDED, '+10 ended end', 'connected', 'ended reset']
    expect(last([...cut, '+10', 'connectFailed refused'])).toContain('proveGone')
    const forLong = last([...cut, '+10', 'connected', '+190', 'ended reset'])
    expect(forLong).toContain('closeSession')
    expect(forLong).not.toContain('proveGone')
  })
})

describe('the breadcrumb is deleted', () => {
  const gone = [...REFUSED, 'evidence gone']
  test('when standby is confirmed', () => {
    const lines = [...ACTIVE, 'cede 10000', 'called ok', 'zk ok data=own version=4']
    expect(last(lines)).toContain('zk delete crumb version=4')
  })

  test('when the process is proven gone, before the session closes', () => {
    const lines = [...gone, 'zk ok data=own version=4']
    expect(last(lines)).toContain('zk delete crumb version=4')
    expect(last([...lines, 'zk ok'])).toContain('closeSession')
  })

  const kept: readonly (readonly [string, readonly string[], Partial<FailoverSettings>])[] = [
    ['standby is not confirmed', [...ACTIVE, 'cede 10000', 'called noAnswer "x"'], {}],
    ['the process is alive for the whole limit', [...REFUSED, '+100'], {}],
    ['nothing is known of the process', [...REFUSED, 'evidence unknown'], {}],
    ['the process was never recorded', [...ACTIVE, 'ended end', 'connectFailed refused'], {}],
    ['the shared edits have no epochs', REFUSED, { sharedEditsFenced: false }],
    ['the breadcrumb is not our own bytes', [...gone, 'zk ok data=nn2 version=4'], {}],
    ['the version changed meanwhile', [...gone, 'zk ok data=own version=4', 'zk badVersion'], {}],
    ['ZooKeeper is too slow', [...gone, '+100'], {}],
    ['the NameNode is only unhealthy', [...ACTIVE, '+900', 'callFailed unhealthy x'], {}],
    ['the NameNode is only silent', [...RECORDED, '+46000'], {}],
    ['the connection to ZooKeeper is lost', [...REFUSED, 'session disconnected', '+100'], {}],
  ]
  for (const [name, lines, overrides] of kept) {
    test(`not when ${name}`, () => {
      const player = new Player(overrides)
      const all = lines.flatMap(line => player.play(line))
      const deleted = all.filter(effect => effect.includes('breadcrumbDeleted'))
      expect(deleted).toEqual([])
      expect(all.join('\n')).toMatch(/closeSession/)
    })
  }

  test('not by a controller that started after the death', () => {
    const lines = [...RESUMED, 'zk ok', 'zk ok owner=me data=own', 'zk ok data=own version=1']
    expect(last([...lines, 'connectFailed refused'])).not.toContain('delete crumb')
  })
})

describe('the role is kept after a restart only if', () => {
  const read = [...RESUMED, 'zk ok']
  const proven = [...read, 'zk ok owner=me data=own', 'zk ok data=own version=4', 'connected']

  test('all of it holds: then the NameNode is asked nothing', () => {
    const player = played([...proven, 'status active'])
    const effects = player.play('healthy').join('\n')
    expect(effects).toContain('sessionReattach {"ok":true')
    expect(effects).not.toContain('transition')
    expect(player.core.state.elector.role).toBe('active')
  })

  const refused: readonly (readonly [string, readonly string[]])[] = [
    ['the lock is of another session', [...read, 'zk ok owner=0x99 data=own']],
    ['the lock is gone', [...read, 'zk noNode']],
    ['the lock holds other bytes', [...read, 'zk ok owner=me data=nn2']],
    ['the breadcrumb is gone', [...read, 'zk ok owner=me data=own', 'zk noNode']],
    ['the breadcrumb is another', [...read, 'zk ok owner=me data=own', 'zk ok data=nn2 version=1']],
    ['the verdict comes too late', [...proven, '+10000']],
    ['the first verdict is bad', [...proven, 'status active', 'callFailed unhealthy "x"']],
  ]
  for (const [name, lines] of refused) {
    test(`not when ${name}`, () => {
      const effects = last(lines)
      expect(effects).toContain('closeSession')
      expect(effects).not.toContain('transition')
    })
  }
})

test('a lock is never deleted, not even our own', () => {
  for (const file of readdirSync(goldenDirectory)) {
    expect(readFileSync(new URL(file, goldenDirectory), 'utf8')).not.toContain('zk delete lock')
  }
})

describe('a healthy active NameNode is demoted unasked only when', () => {
  const expired = [
    ...RECORDED,
    'session expired',
    'session connected session=0x11',
    'zk nodeExists',
  ]
  test('sync and a read show a lock with the owner and the data of another', () => {
    expect(last(expired)).toContain('zk sync lock')
    expect(last([...expired, 'zk ok'])).toContain('zk getData lock')
    expect(last([...expired, 'zk ok', 'zk ok owner=0x20 data=nn2'])).toContain(
      'transitionToStandby',
    )
  })

  test('not when the lock is absent, unreadable or holds our own data', () => {
    expect(last([...expired, 'zk ok', 'zk noNode'])).toContain('zk create lock')
    for (const reply of ['zk ok owner=0x20 data=own', 'zk connectionLoss', 'zk noNode']) {
      expect(last([...expired, 'zk ok', reply])).not.toContain('transitionToStandby')
    }
  })
})

describe('a NameNode is called dead only on evidence, or after the whole silence', () => {
  test('silence is the whole time-out', () => {
    const asked = [...ACTIVE, '+900']
    expect(last([...asked, '+44900'])).not.toContain('notResponding')
    expect(last([...asked, '+45000'])).toContain('notResponding')
  })

  test('busy with our own transition is not dead', () => {
    expect(last([...SENT, '+1000', '+58000'])).not.toContain('notResponding')
    const done = [...SENT, '+1000', '+50000', 'called ok', 'zk ok owner=me']
    expect(last([...done, '+40000'])).not.toContain('notResponding')
    expect(last([...done, '+45001'])).toContain('notResponding')
  })
})

test('a failover on request is reported done only after the state was read back', () => {
  const asked = [...STANDBY, 'failover', 'activeRead ok data=nn2', 'ceded ok', 'ceded ok']
  const won = ['watch deleted', 'zk ok', 'zk noNode', 'zk ok', 'called ok', 'called ok']
  const lines = [...asked, ...won, 'zk ok owner=me', 'ceded ok', 'ceded ok']
  expect(last(lines)).toContain('getServiceStatus')
  expect(last(lines)).not.toContain('answer')
  expect(last([...lines, 'called ok active'])).toContain('answer 901 ok')
  expect(last([...lines, 'called ok standby'])).toContain('answer 901 ServiceFailedException')
})
