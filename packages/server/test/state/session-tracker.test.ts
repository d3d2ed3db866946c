import { ErrorCode } from '@baton/jute'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  initialSessionId,
  negotiateTimeout,
  SessionTracker,
  sessionPassword,
} from '../../src/state/session-tracker.ts'

test('a session never ends early and at most one tick late, whatever touches it', () => {
  const counts = { touched: 0, expired: 0, lateTick: 0, removed: 0 }
  const command = fc.record({
    session: fc.bigInt(1n, 6n),
    kind: fc.constantFrom('touch', 'touch', 'touch', 'track', 'remove', 'wait'),
    passedMs: fc.double({ min: 0, max: 1500, noNaN: true }),
    timeoutMs: fc.integer({ min: 100, max: 5000 }),
  })
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 700 }),
      fc.array(command, { minLength: 20, maxLength: 60 }),
      (tickMs, commands) => {
        const tracker = new SessionTracker(tickMs)
        const heard = new Map<bigint, { at: number; timeoutMs: number }>()
        let now = 12_345.678
        const tick = (): void => {
          for (const session of tracker.expire(now)) {
            const last = heard.get(session.id)
            expect(last, 'only a tracked session expires').toBeDefined()
            if (last === undefined) return
            expect(now).toBeGreaterThanOrEqual(last.at + last.timeoutMs)
            heard.delete(session.id)
            tracker.remove(session.id)
            counts.expired++
          }
          for (const { at, timeoutMs } of heard.values()) {
            expect(now, 'nobody is late').toBeLessThan(at + timeoutMs + tickMs)
          }
        }
        for (const { session: id, kind, passedMs, timeoutMs } of commands) {
          // The driver ticks at every bucket's time, and now and then in between.
          const until = now + passedMs
          for (let at = Math.ceil(now / tickMs) * tickMs; at <= until; at += tickMs) {
            now = Math.max(now, at)
            tick()
          }
          now = until
          const known = tracker.get(id)
          if (kind === 'track' || (kind === 'touch' && known === undefined)) {
            // A time-out that shrinks would leave the older, later deadline: sessions never do so.
            const longer = Math.max(timeoutMs, heard.get(id)?.timeoutMs ?? 0)
            tracker.track(id, longer, now)
            heard.set(id, { at: now, timeoutMs: longer })
          } else if (kind === 'touch' && known !== undefined) {
            expect(tracker.touch(known, now)).toBe(true)
            heard.set(id, { at: now, timeoutMs: known.timeoutMs })
            counts.touched++
          } else if (kind === 'remove') {
            tracker.remove(id)
            if (heard.delete(id)) counts.removed++
          }
        }
      },
    ),
    { numRuns: 150 },
  )
  expect(counts.touched).toBeGreaterThan(300)
  expect(counts.expired).toBeGreaterThan(80)
  expect(counts.removed).toBeGreaterThan(80)
})

test('an expired session is returned once, is closing, and takes no touch', () => {
  const tracker = new SessionTracker(1000)
  const session = tracker.track(5n, 2000, 0)
  expect(session.deadline).toBe(3000)
  expect(tracker.expire(2999.9)).toEqual([])
  expect(tracker.expire(3000)).toEqual([session])
  expect(tracker.expire(10_000)).toEqual([])
  expect(tracker.touch(session, 10_000)).toBe(false)
  expect(tracker.check(5n, {})).toBe(ErrorCode.sessionExpired)
  tracker.remove(5n)
  expect(tracker.size).toBe(0)
})

test('a session belongs to the connection that claimed it', () => {
  const tracker = new SessionTracker(1000)
  const [first, second] = [{}, {}]
  const session = tracker.track(9n, 2000, 0)
  expect(tracker.check(9n, first)).toBe(ErrorCode.ok)
  expect(tracker.check(9n, second)).toBe(ErrorCode.sessionMoved)
  session.owner = second
  expect(tracker.check(9n, first)).toBe(ErrorCode.sessionMoved)
  expect(tracker.check(10n, first)).toBe(ErrorCode.sessionExpired)
  expect(tracker.timeouts()).toEqual(new Map([[9n, 2000]]))
})

test('passwords are those java.util.Random deals for the id', () => {
  // Random(0xB3415C00 ^ id).nextBytes(16), asked of a JVM.
  expect(sessionPassword(0x1000_0000_0000_0001n).toString('hex')).toBe(
    '054cc74a37327db215e702e20c73f005',
  )
  expect(sessionPassword(-2n).toString('hex')).toBe('0dd532b5c441e3927c04b55e50fd9421')
})

test('ids begin with the id of the server, and time-outs are clamped', () => {
  const id = initialSessionId(1, 1_700_000_000_000)
  expect(id >> 56n).toBe(1n)
  expect(BigInt.asIntN(64, initialSessionId(255, 1_700_000_000_000)) >> 56n).toBe(-1n)
  expect(id).toBe(111_411_200_000_000_000n)
  expect([
    negotiateTimeout(1, 4, 40),
    negotiateTimeout(10, 4, 40),
    negotiateTimeout(99, 4, 40),
  ]).toEqual([4, 10, 40])
})
