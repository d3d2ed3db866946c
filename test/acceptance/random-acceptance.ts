import { expect, test } from 'vitest'
import { inWorld, type MakeWorld } from './world.ts'

export function randomAcceptance(make: MakeWorld): void {
  test('integers stay in their range and reach all of it', () =>
    inWorld(make, async runtime => {
      const seen = new Set<number>()
      for (let draw = 0; draw < 2_000; draw++) seen.add(runtime.random.int(8))
      expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    }))

  test('below one there is only zero', () =>
    inWorld(make, async runtime => {
      expect([runtime.random.int(1), runtime.random.int(0)]).toEqual([0, 0])
    }))

  test('large ranges give large whole numbers', () =>
    inWorld(make, async runtime => {
      const draws = Array.from({ length: 200 }, () => runtime.random.int(2 ** 47))
      expect(draws.every(draw => Number.isSafeInteger(draw) && draw < 2 ** 47)).toBe(true)
      expect(Math.max(...draws)).toBeGreaterThan(2 ** 40)
    }))

  test('bytes come in the number asked for and differ from draw to draw', () =>
    inWorld(make, async runtime => {
      const first = runtime.random.bytes(16)
      expect(first).toHaveLength(16)
      expect(runtime.random.bytes(0)).toHaveLength(0)
      expect([...runtime.random.bytes(16)]).not.toEqual([...first])
    }))
}
