import { describe } from 'vitest'
import { clockAcceptance } from '../../../../test/acceptance/clock-acceptance.ts'
import { makeNodeWorld } from './node-world.ts'

describe('the real clock', () => clockAcceptance(makeNodeWorld))
