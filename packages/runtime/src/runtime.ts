import type { Clock } from './clock.ts'
import type { Disk } from './disk.ts'
import type { Exec } from './exec.ts'
import type { Logger } from './logger.ts'
import type { Network } from './network.ts'
import type { Random } from './random.ts'

/** All that a driver may touch of the world: real in production, simulated in tests. */
export interface Runtime {
  readonly clock: Clock
  readonly random: Random
  readonly network: Network
  readonly disk: Disk
  readonly exec: Exec
  readonly logger: Logger
}
