import { expect, test } from 'vitest'
import { countFailure, initialElector } from '../../src/core/elector-state.ts'
import { SETTINGS } from '../support/golden.ts'

test('a failure long after the last one is a first one, and told again', () => {
  const state = { ...initialElector(), refusal: 'not fenced' }
  const fail = (startedMs: number, endedMs: number): number => {
    state.activationStartedMs = startedMs
    countFailure(state, endedMs, SETTINGS)
    return state.failures
  }
  expect(fail(0, 10_000)).toBe(1)
  state.refusal = 'not fenced'
  const soon = 10_000 + 2 * SETTINGS.backoffMaxMs
  expect(fail(soon, soon + 300_000), 'the length of a try does not count').toBe(2)
  expect(state.refusal).toBe('not fenced')
  const late = soon + 300_000 + 2 * SETTINGS.backoffMaxMs + 1
  expect(fail(late, late)).toBe(1)
  expect(state.refusal).toBe('')
})
