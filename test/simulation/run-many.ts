import { Worker } from 'node:worker_threads'
import type { Swarm } from './faults/swarm.ts'
import type { SeedResult } from './run-seed.ts'
import type { WorkerTask } from './worker-main.ts'

export interface Batch {
  readonly results: readonly SeedResult[]
  readonly failures: readonly SeedResult[]
  /** How often each thing really happened, over all seeds. */
  readonly counts: ReadonlyMap<string, number>
}

export interface BatchOptions {
  /** The bundle of `worker-main.ts`. */
  readonly path: string
  readonly seeds: readonly string[]
  readonly threadsMax: number
  readonly directed?: Partial<Swarm>
  /** Ends everything with the first failure. */
  readonly stopAtFailure?: boolean
  readonly onResult?: (result: SeedResult, doneCount: number) => void
}

/** Runs seeds on several threads. Which thread runs a seed changes nothing in it. */
export async function runMany(options: BatchOptions): Promise<Batch> {
  const results: SeedResult[] = []
  const threads = Math.max(1, Math.min(options.threadsMax, options.seeds.length))
  const workers: Worker[] = []
  let stopped = false
  const stop = (): void => {
    stopped = true
    for (const worker of workers) void worker.terminate()
  }
  const runThread = (at: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const seeds = options.seeds.filter((_, index) => index % threads === at)
      const { directed } = options
      const workerData: WorkerTask = directed === undefined ? { seeds } : { seeds, directed }
      const worker = new Worker(options.path, { workerData, execArgv: [] })
      workers.push(worker)
      worker.on('message', (result: SeedResult) => {
        if (stopped) return
        results.push(result)
        options.onResult?.(result, results.length)
        if (result.failure !== undefined && options.stopAtFailure === true) stop()
      })
      worker.on('error', reject)
      worker.on('exit', code => {
        if (code === 0 || stopped) resolve()
        else reject(new Error(`a thread of the simulation ended with ${code}`))
      })
    })
  await Promise.all(Array.from({ length: threads }, (_, at) => runThread(at)))
  return summary(results)
}

function summary(results: readonly SeedResult[]): Batch {
  const counts = new Map<string, number>()
  for (const result of results) {
    for (const [what, times] of Object.entries(result.counts)) {
      counts.set(what, (counts.get(what) ?? 0) + times)
    }
  }
  const failures = results.filter(({ failure }) => failure !== undefined)
  return { results, failures, counts }
}

export function seedsFrom(base: number, count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => String(base + at))
}
