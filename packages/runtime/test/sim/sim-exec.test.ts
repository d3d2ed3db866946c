import { describe } from 'vitest'
import { execAcceptance } from '../../../../test/acceptance/exec-acceptance.ts'
import { makeSimWorld } from './sim-world.ts'

describe('the simulated exec', () => execAcceptance(makeSimWorld))
