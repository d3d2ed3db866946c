import { afterAll } from 'vitest'
import { stopCalmRig } from './calm-rig.ts'

/*
 * One file, so that the suites run side by side whatever the number of workers: they spend most of
 * their time waiting for sessions to expire.
 */
import './cases/demo.ts'
import './cases/failover.ts'
import './cases/configuration.ts'
import './cases/disks-and-znodes.ts'
import './cases/peers.ts'
import './cases/commands.ts'

afterAll(() => stopCalmRig())
