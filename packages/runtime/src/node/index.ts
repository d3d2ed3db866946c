import { silentLogger, type Logger } from '../logger.ts'
import type { Runtime } from '../runtime.ts'
import { nodeClock } from './node-clock.ts'
import { NodeDisk, type NodeDiskOptions } from './node-disk.ts'
import { NodeExec } from './node-exec.ts'
import { NodeNetwork, type NodeNetworkOptions } from './node-network.ts'
import { nodeRandom } from './node-random.ts'

export * from './create-logger.ts'
export { nodeClock, nodeRandom, NodeDisk, NodeExec, NodeNetwork }
export type { NodeDiskOptions, NodeNetworkOptions }

export interface NodeRuntimeOptions extends NodeDiskOptions, NodeNetworkOptions {
  /** Silent where absent. */
  readonly logger?: Logger
}

/** The real world as one value. Loads neither pino nor execa. */
export function createNodeRuntime(options: NodeRuntimeOptions = {}): Runtime {
  return {
    clock: nodeClock,
    random: nodeRandom,
    network: new NodeNetwork(options),
    disk: new NodeDisk(options),
    exec: new NodeExec(),
    logger: options.logger ?? silentLogger,
  }
}
