import { describe } from 'vitest'
import { randomAcceptance } from '../../../../test/acceptance/random-acceptance.ts'
import { makeSimWorld } from './sim-world.ts'

describe('the simulated random', () => randomAcceptance(makeSimWorld))
