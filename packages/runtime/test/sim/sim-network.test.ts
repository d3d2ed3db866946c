import { describe } from 'vitest'
import { networkAcceptance } from '../../../../test/acceptance/network-acceptance.ts'
import { makeSimWorld } from './sim-world.ts'

describe('the simulated network', () => networkAcceptance(makeSimWorld))
