import { describe } from 'vitest'
import { diskAcceptance } from '../../../../test/acceptance/disk-acceptance.ts'
import { makeNodeWorld } from './node-world.ts'

describe('the real disk', () => diskAcceptance(makeNodeWorld))
