import { describe } from 'vitest'
import { networkAcceptance } from '../../../../test/acceptance/network-acceptance.ts'
import { makeNodeWorld } from './node-world.ts'

describe('the real network', () => networkAcceptance(makeNodeWorld))
