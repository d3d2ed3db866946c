import { describe } from 'vitest'
import { diskAcceptance } from '../../../../test/acceptance/disk-acceptance.ts'
import { makeSimWorld } from './sim-world.ts'

describe('the simulated disk', () => diskAcceptance(makeSimWorld))
