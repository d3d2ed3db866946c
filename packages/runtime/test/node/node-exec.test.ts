import { describe } from 'vitest'
import { execAcceptance } from '../../../../test/acceptance/exec-acceptance.ts'
import { makeNodeWorld } from './node-world.ts'

describe('the real exec', () => execAcceptance(makeNodeWorld))
