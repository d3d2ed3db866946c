import { expect, test } from 'vitest'
import { elapse, inWorld, type MakeWorld } from './world.ts'

export function clockAcceptance(make: MakeWorld): void {
  test('a timer never runs before its delay has passed', () =>
    inWorld(make, async runtime => {
      for (const delayMs of [0, 0.4, 1, 2.5, 7]) {
        const start = runtime.clock.now()
        await elapse(runtime, delayMs)
        expect(runtime.clock.now() - start).toBeGreaterThanOrEqual(delayMs)
      }
    }))

  test('timers run in the order of their times, not of their calls', () =>
    inWorld(make, async runtime => {
      const order: string[] = []
      runtime.clock.after(40, () => order.push('late'))
      runtime.clock.after(5, () => order.push('early'))
      await elapse(runtime, 80)
      expect(order).toEqual(['early', 'late'])
    }))

  test('a cancelled timer does not run, and cancelling again does nothing', () =>
    inWorld(make, async runtime => {
      let runCount = 0
      const cancel = runtime.clock.after(5, () => runCount++)
      cancel()
      cancel()
      const ran = runtime.clock.after(1, () => runCount++)
      await elapse(runtime, 20)
      ran()
      expect(runCount).toBe(1)
    }))

  test('an interval runs until it is cancelled, also from inside', () =>
    inWorld(make, async runtime => {
      let turnCount = 0
      await new Promise<void>(resolve => {
        const cancel = runtime.clock.every(2, () => {
          turnCount++
          if (turnCount < 3) return
          cancel()
          resolve()
        })
      })
      await elapse(runtime, 20)
      expect(turnCount).toBe(3)
    }))

  test('a timer never runs inside the call that sets it', () =>
    inWorld(make, async runtime => {
      let ran = false
      runtime.clock.after(0, () => {
        ran = true
      })
      expect(ran).toBe(false)
      await elapse(runtime, 5)
      expect(ran).toBe(true)
    }))

  test('wall time is in milliseconds since 1970, whole', () =>
    inWorld(make, async runtime => {
      const wallTime = runtime.clock.wallTime()
      expect(Number.isInteger(wallTime)).toBe(true)
      expect(wallTime).toBeGreaterThan(Date.UTC(2020, 0))
      await elapse(runtime, 1)
    }))
}
