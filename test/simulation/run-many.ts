import type { Swarm } from './faults/swarm.ts'
import { runPool } from './pool.ts'
import type { SeedResult } from './run-seed.ts'
import type { SeedTask } from './worker-main.ts'

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
  /** Ends everything with the first failure whose first line is like this. */
  readonly stopAt?: RegExp
  readonly onResult?: (result: SeedResult, doneCount: number) => void
}

export async function runMany(options: BatchOptions): Promise<Batch> {
  const { path, threadsMax, directed = {}, stopAt } = options
  const results: SeedResult[] = []
  await runPool<SeedTask, SeedResult>({
    path,
    threadsMax,
    tasks: options.seeds.map(seed => ({ seed, directed })),
    onResult: result => {
      results.push(result)
      options.onResult?.(result, results.length)
      return stopAt !== undefined && failsWith(result, stopAt)
    },
  })
  return summary(results)
}

/** Whether the first line, which names the broken promise, is like `pattern`. */
export function failsWith({ failure }: SeedResult, pattern: RegExp): boolean {
  return failure !== undefined && pattern.test(failure.split('\n')[0] ?? '')
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
