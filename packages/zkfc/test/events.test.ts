import { expect, test } from 'vitest'
import { describeEvent, EVENT_KINDS, notifyAll } from '../src/events.ts'
import type { ControllerEvent } from '../src/events.ts'

const base = { at: 1_700_000_000_000, nameserviceId: 'mycluster', namenodeId: 'nn2' }
const target = { namenodeId: 'nn1', address: 'host1:8020' }

const examples: readonly (readonly [ControllerEvent, string])[] = [
  [
    { ...base, kind: 'healthChanged', from: 'healthy', to: 'notResponding', cause: 'refused' },
    'nn2: health is not responding (was healthy): refused',
  ],
  [
    { ...base, kind: 'gracefulFenceEnded', target, ok: false, durationMs: 12.4 },
    'nn2: nn1 (host1:8020) did not confirm that it is standby in 12 ms',
  ],
  [
    {
      ...base,
      kind: 'fencingAttempt',
      target,
      number: 1,
      methodCount: 2,
      attempt: {
        method: 'sshfence',
        target: 'host1/192.0.2.1:8020',
        ok: false,
        cause: 'the login was refused',
        output: '',
        durationMs: 3,
        timedOut: false,
      },
    },
    'nn2: fencing nn1 (host1:8020), method 1/2 sshfence: failed, the login was refused',
  ],
  [
    { ...base, kind: 'breadcrumbDeleted', proof: 'processGone' },
    'nn2: deleted its breadcrumb: the process is proven gone',
  ],
  [
    { ...base, kind: 'controllerStopping', mode: 'keep', returnByWallTime: 1_700_000_010_000 },
    'nn2: controller is stopping and keeps the role for a restart; it must be back by ' +
      '22:13:30 UTC, else another controller takes over (the time is ' +
      'ha.zookeeper.session-timeout.ms)',
  ],
  [
    {
      ...base,
      ...{ kind: 'retryScheduled', what: 'becoming active', delayMs: 6240.4, attempt: 5 },
      durationMs: 24,
    },
    'nn2: tries becoming active again in 6240 ms (try 5)',
  ],
  [
    {
      ...base,
      kind: 'failoverEnded',
      ok: true,
      from: target,
      steps: [
        { name: 'fencing', durationMs: 20 },
        { name: 'activation', durationMs: 200.6 },
      ],
    },
    'nn2: failover from nn1 (host1:8020) is done (fencing 20 ms, activation 201 ms)',
  ],
  [
    { ...base, kind: 'cedeRequested', periodMs: -1, caller: 'hdfs' },
    'nn2: hdfs ends the cede period',
  ],
]

test.each(examples)('event %# is told in plain words', (event, text) => {
  expect(describeEvent(event)).toBe(text)
})

test('every kind has words', () => {
  expect(EVENT_KINDS.length).toBeGreaterThan(30)
})

test('a listener that throws keeps the event from nobody', () => {
  const seen: string[] = []
  const errors: unknown[] = []
  const event: ControllerEvent = { ...base, kind: 'lockAcquired' }
  const broken = new Error('full')
  notifyAll(
    [
      () => {
        throw broken
      },
      ({ kind }) => seen.push(kind),
    ],
    event,
    error => errors.push(error),
  )
  expect(seen).toEqual(['lockAcquired'])
  expect(errors).toEqual([broken])
})
