import { describe } from 'vitest'
import { clockAcceptance } from '../../../../test/acceptance/clock-acceptance.ts'
import { makeSimWorld } from './sim-world.ts'

describe('the simulated clock', () => clockAcceptance(makeSimWorld))
