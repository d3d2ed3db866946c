import { parentPort, workerData } from 'node:worker_threads'
import type { Swarm } from './faults/swarm.ts'
import { runSeed } from './run-seed.ts'

/* The entry of the bundle in a thread of its own: seeds in, results out, one at a time. */
export interface WorkerTask {
  readonly seeds: readonly string[]
  /** Takes the place of what the seed draws. */
  readonly directed?: Partial<Swarm>
}

const { seeds, directed } = workerData as WorkerTask
for (const seed of seeds) parentPort?.postMessage(await runSeed(seed, directed))
