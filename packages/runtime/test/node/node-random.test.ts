import { describe } from 'vitest'
import { randomAcceptance } from '../../../../test/acceptance/random-acceptance.ts'
import { makeNodeWorld } from './node-world.ts'

describe('the real random', () => randomAcceptance(makeNodeWorld))
