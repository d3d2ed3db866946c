import { parentPort, workerData } from 'node:worker_threads'
import { runSeed } from './run-seed.ts'

/* The entry of the bundle in a thread of its own: seeds in, results out, one at a time. */
export interface WorkerTask {
  readonly seeds: readonly string[]
}

const { seeds } = workerData as WorkerTask
for (const seed of seeds) parentPort?.postMessage(await runSeed(seed))
