import { describe, expect, test } from 'vitest'
import { AcknowledgedEditsChecker } from './checkers/acknowledged-edits.ts'
import { BreadcrumbChecker } from './checkers/breadcrumb.ts'
import { whyNotConverged } from './checkers/convergence.ts'
import { KeptRoleChecker } from './checkers/kept-role.ts'
import { LockOwnerChecker } from './checkers/lock-owner.ts'
import { OneActiveChecker } from './checkers/one-active.ts'
import type { Checker, Observation, TreeView, Violation } from './observations.ts'

/* A checker that finds nothing is worth what its planted violations say. */
type Make = new (violation: Violation) => Checker

function violations(make: Make, seen: readonly Observation[]): readonly string[] {
  const found: string[] = []
  const checker = new make(text => found.push(text))
  for (const observation of seen) checker.on(observation)
  return found
}

const NOBODY: TreeView = { lock: undefined, crumb: undefined }
const held = (
  node: string,
  crumb: string | undefined,
  owner = node === 'nn1' ? 1n : 2n,
): TreeView => ({
  lock: { owner, names: node },
  crumb,
})
const changed = (session: bigint, before: TreeView, after: TreeView): Observation => ({
  kind: 'treeChanged',
  session,
  before,
  after,
})
const state = (node: string, pid: number, to: string): Observation => ({
  kind: 'nameNodeState',
  node,
  pid,
  state: to,
})
const told = (by: string, call: 'transitionToActive' | 'transitionToStandby'): Observation => ({
  kind: 'transitionSent',
  call,
  by,
  to: by,
})
const begun = (entry: string): Observation => ({ kind: 'writeBegun', entry })
const acknowledged = (entry: string): Observation => ({ kind: 'writeAcknowledged', entry })
const log = (...entries: readonly (readonly [string, number])[]): Observation => ({
  kind: 'finalLog',
  entries: entries.map(([entry, epoch]) => ({ entry, epoch })),
})

describe('acknowledged edits', () => {
  const check = (...seen: readonly Observation[]): readonly string[] =>
    violations(AcknowledgedEditsChecker, seen)
  const epoch = (number: number): Observation => ({ kind: 'epochInForce', epoch: number })

  test('edits of one epoch after the other are fine, also one heard of late', () => {
    const late = [begun('a'), epoch(2), begun('b'), acknowledged('b'), acknowledged('a')]
    expect(check(epoch(1), ...late, log(['a', 1], ['b', 2]))).toEqual([])
  })
  test('a lost acknowledged edit is told', () => {
    const found = check(epoch(1), begun('a'), acknowledged('a'), log())
    expect(found).toEqual(['the acknowledged edit a is not in the final log'])
  })
  test('an edit begun in a higher epoch and acknowledged in an older one is told', () => {
    const found = check(epoch(1), epoch(2), begun('a'), acknowledged('a'), log(['a', 1]))
    expect(found).toEqual(['edit a was acknowledged in epoch 1 though it began in epoch 2'])
  })
  test('epochs of acknowledgements that go back are told', () => {
    const seen = [begun('a'), acknowledged('a'), begun('b'), acknowledged('b')]
    const found = check(epoch(1), ...seen, log(['b', 1], ['a', 2]))
    expect(found).toEqual([
      'edit b was acknowledged in epoch 1 after edits of epoch 2: epochs went back',
    ])
  })
  test('an epoch that comes into force twice is told', () => {
    expect(check(epoch(2), epoch(2))).toEqual(['epoch 2 came into force after epoch 2'])
  })
})

describe('one active', () => {
  const check = (...seen: readonly Observation[]): readonly string[] =>
    violations(OneActiveChecker, seen)

  test('a change of hands is fine', () => {
    const seen = [
      state('nn1', 1, 'active'),
      state('nn1', 1, 'standby'),
      told('nn2', 'transitionToActive'),
    ]
    expect(check(...seen, state('nn2', 2, 'active'))).toEqual([])
  })
  test('a second one told to be active while the first is alive is told', () => {
    const found = check(state('nn1', 1, 'active'), told('nn2', 'transitionToActive'))
    expect(found).toEqual(['nn2 was told to be active while nn1 is alive and active'])
  })
  test('a late activation beside another active one is told', () => {
    const found = check(state('nn1', 1, 'active'), state('nn2', 2, 'active'))
    expect(found).toEqual(['nn2 became active while nn1 is alive and active'])
  })
  test('a process that has ended is not active', () => {
    const ended: Observation = { kind: 'nameNodeEnded', node: 'nn1', pid: 1 }
    expect(check(state('nn1', 1, 'active'), ended, state('nn2', 2, 'active'))).toEqual([])
  })
})

describe('the breadcrumb', () => {
  const check = (...seen: readonly Observation[]): readonly string[] =>
    violations(BreadcrumbChecker, seen)
  const takeOver = [
    changed(1n, NOBODY, held('nn1', 'nn1')),
    state('nn1', 1, 'active'),
    changed(1n, held('nn1', 'nn1'), { lock: undefined, crumb: 'nn1' }),
    changed(2n, { lock: undefined, crumb: 'nn1' }, held('nn2', 'nn1')),
  ]
  const rewrite = changed(2n, held('nn2', 'nn1'), held('nn2', 'nn2'))
  const fence = (ok: boolean): Observation => ({ kind: 'fenceEnded', by: 'nn2', target: 'nn1', ok })

  test('rewritten after a fence, and then told to be active, is fine', () => {
    expect(check(...takeOver, fence(true), rewrite, told('nn2', 'transitionToActive'))).toEqual([])
  })
  test('rewritten after a confirmed standby is fine', () => {
    const seen: Observation = {
      kind: 'transitionReceived',
      call: 'transitionToStandby',
      by: 'nn2',
      node: 'nn1',
    }
    expect(check(...takeOver, seen, state('nn1', 1, 'standby'), rewrite)).toEqual([])
    const still = check(...takeOver, seen, rewrite)
    expect(still).toEqual(['the breadcrumb went from nn1 to nn2 and nn2 did not fence nn1'])
  })
  test('rewritten after a fence that failed is told', () => {
    const found = check(...takeOver, fence(false), rewrite)
    expect(found).toEqual(['the breadcrumb went from nn1 to nn2 and nn2 did not fence nn1'])
  })
  test('a fence before the lock was won does not count', () => {
    const [first, second, third, fourth] = takeOver as [
      Observation,
      Observation,
      Observation,
      Observation,
    ]
    const found = check(first, second, third, fence(true), fourth, rewrite)
    expect(found).toEqual(['the breadcrumb went from nn1 to nn2 and nn2 did not fence nn1'])
  })
  test('told to be active without breadcrumb or lock is told', () => {
    const found = check(
      changed(2n, NOBODY, held('nn2', undefined)),
      told('nn2', 'transitionToActive'),
    )
    expect(found).toEqual(['nn2 was told to be active while the breadcrumb names nobody'])
    const late = check(changed(1n, NOBODY, held('nn1', 'nn2')), told('nn2', 'transitionToActive'))
    expect(late).toEqual(['nn2 was told to be active while nn1 holds the lock'])
  })
  test('deleted from a session without the lock is told', () => {
    const found = check(changed(3n, held('nn1', 'nn1'), held('nn1', undefined)))
    expect(found).toEqual([
      'the breadcrumb of nn1 was deleted by a session without the lock: nn1 holds the lock',
    ])
  })
  test('deleted while the process is active is told, after its end it is fine', () => {
    const active = [changed(1n, NOBODY, held('nn1', 'nn1')), state('nn1', 1, 'active')]
    const deleted = changed(1n, held('nn1', 'nn1'), held('nn1', undefined))
    const found = check(...active, deleted)
    expect(found).toEqual(['the breadcrumb of nn1 was deleted while its process is active'])
    const ended: Observation = { kind: 'nameNodeEnded', node: 'nn1', pid: 1 }
    expect(check(...active, ended, deleted)).toEqual([])
  })
})

describe('the owner of the lock', () => {
  const check = (...seen: readonly Observation[]): readonly string[] =>
    violations(LockOwnerChecker, seen)

  test('a lock that goes with its session is fine', () => {
    expect(check(changed(1n, held('nn1', 'nn1'), { lock: undefined, crumb: 'nn1' }))).toEqual([])
  })
  test('a lock deleted by another session is told', () => {
    const found = check(changed(7n, held('nn1', 'nn1'), { lock: undefined, crumb: 'nn1' }))
    expect(found).toEqual(['session 0x7 deleted the lock of nn1, which it does not own'])
  })
  test('another session than the one asked for is told', () => {
    const answer = (asked: bigint, answered: bigint): Observation => ({
      kind: 'sessionAnswered',
      asked,
      answered,
    })
    expect(check(answer(0n, 5n), answer(5n, 5n), answer(5n, 0n))).toEqual([])
    const found = check(answer(5n, 6n))
    expect(found).toEqual(['session 0x5 was asked for and a new session 0x6 was handed out'])
  })
  test('a lock granted on a closed session is told', () => {
    const closed: Observation = { kind: 'sessionClosed', session: 2n }
    const found = check(closed, changed(2n, NOBODY, held('nn2', undefined)))
    expect(found).toEqual(['the lock was granted to nn2 on a session that is closed'])
  })
})

describe('a kept role', () => {
  const check = (...seen: readonly Observation[]): readonly string[] =>
    violations(KeptRoleChecker, seen)
  const restarted: readonly Observation[] = [
    changed(1n, NOBODY, held('nn1', 'nn1')),
    state('nn1', 1, 'active'),
    { kind: 'controllerStarted', node: 'nn1' },
  ]

  test('a transition call of the restarted controller is told', () => {
    const found = check(...restarted, told('nn1', 'transitionToActive'))
    expect(found[0]).toContain('its lock stood and nn1 was active, yet it sent transitionToActive')
    const demoted = check(...restarted, told('nn1', 'transitionToStandby'))
    expect(demoted[0]).toContain('yet it sent transitionToStandby')
  })
  test('after the role was kept, or the lock has gone, calls are fine', () => {
    const kept: Observation = { kind: 'controllerActive', node: 'nn1' }
    expect(check(...restarted, kept, told('nn1', 'transitionToStandby'))).toEqual([])
    const gone = changed(1n, held('nn1', 'nn1'), { lock: undefined, crumb: 'nn1' })
    expect(check(...restarted, gone, told('nn1', 'transitionToActive'))).toEqual([])
  })
})

describe('convergence', () => {
  const facts = (
    states: Readonly<Record<string, readonly [string, string]>>,
    lastAcknowledgedMs = 20,
  ): string | undefined => {
    const entries = Object.entries(states)
    return whyNotConverged(
      {
        nodes: Object.keys(states),
        runningNameNodes: new Map(entries.map(([node, [name]]) => [node, { state: name }])),
        runningControllers: new Map(
          entries.map(([node, [, role]]) => [node, { status: () => ({ role }) }]),
        ),
        lastAcknowledgedMs,
      },
      10,
    )
  }

  test('one active, all others standby, writes after the healing', () => {
    expect(facts({ nn1: ['active', 'active'], nn2: ['standby', 'standby'] })).toBeUndefined()
  })
  test('two active, none, or a role without its NameNode are told', () => {
    expect(facts({ nn1: ['active', 'active'], nn2: ['active', 'active'] })).toBeDefined()
    expect(facts({ nn1: ['standby', 'standby'], nn2: ['standby', 'standby'] })).toBeDefined()
    expect(facts({ nn1: ['standby', 'active'], nn2: ['standby', 'standby'] })).toBeDefined()
  })
  test('no write since the healing is told', () => {
    const states = { nn1: ['active', 'active'], nn2: ['standby', 'standby'] } as const
    expect(facts(states, 10)).toContain('no write was acknowledged since the healing')
  })
})
