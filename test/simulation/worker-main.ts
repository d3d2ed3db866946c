import { parentPort, workerData } from 'node:worker_threads'
import { runStory } from './exhaustive.ts'
import type { Story } from './exhaustive.ts'
import type { Swarm } from './faults/swarm.ts'
import type { Point } from './fault-points.ts'
import { runSeed } from './run-seed.ts'

/* The entry of the bundle in a thread of its own: tasks in, results out, one at a time. */
export interface SeedTask {
  readonly seed: string
  /** Takes the place of what the seed draws. */
  readonly directed: Partial<Swarm>
}

export interface StoryTask {
  readonly story: Story
  readonly points: readonly Point[]
}

for (const task of workerData as readonly (SeedTask | StoryTask)[]) {
  const result =
    'seed' in task
      ? await runSeed(task.seed, task.directed)
      : { ...task, ...(await runStory(task.story, task.points)) }
  parentPort?.postMessage(result)
}
