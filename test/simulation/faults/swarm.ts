import type { SimRandom } from '@baton/runtime/sim'
import type { Cluster } from '../cluster/cluster.ts'
import { FENCE_MODES } from '../cluster/fences.ts'
import type { FenceMode } from '../cluster/fences.ts'
import type { Fault, FaultContext } from './fault-context.ts'
import { PROCESS_FAULTS } from './process-faults.ts'
import { WORLD_FAULTS } from './world-faults.ts'

/*
 * Each seed draws its own mixture: a few kinds of faults, how often they come, how many NameNodes,
 * what the fences do. Few kinds at a time, because faults of one kind hide those of another.
 */
export const FAULTS: Readonly<Record<string, Fault>> = { ...PROCESS_FAULTS, ...WORLD_FAULTS }
export const FAULT_KINDS = Object.keys(FAULTS)

export interface Swarm {
  readonly nodes: readonly string[]
  readonly kinds: readonly string[]
  readonly meanPauseMs: number
  readonly durationMs: number
  /** Equal chances for each entry. */
  readonly fences: readonly FenceMode[]
  /** In a journal quorum; without, the proof that a process is gone saves nobody from the fence. */
  readonly journal: boolean
}

const KINDS_MAX = 6
const FENCES: readonly (readonly FenceMode[])[] = [
  ['really'],
  ['really'],
  ['really', 'fails', 'hangs'],
  ['really', 'halfDone', 'hangs'],
  ['lies'],
  FENCE_MODES,
]

export function drawSwarm(random: SimRandom): Swarm {
  const count = 1 + random.int(KINDS_MAX)
  const left = [...FAULT_KINDS]
  const kinds: string[] = []
  while (kinds.length < count) kinds.push(...left.splice(random.int(left.length), 1))
  return {
    nodes: random.chance(0.65) ? ['nn1', 'nn2'] : ['nn1', 'nn2', 'nn3'],
    kinds,
    meanPauseMs: random.pick([600, 1500, 4000]),
    durationMs: random.between(10_000, 25_000),
    fences: random.pick(FENCES),
    journal: random.chance(0.6),
  }
}

/** Without a lie among them the second part of the top promise is claimed. */
export function fencesReallyFence(fences: readonly FenceMode[]): boolean {
  return !fences.includes('lies')
}

export class FaultInjector {
  readonly counts = new Map<string, number>()
  readonly #cluster: Cluster
  readonly #swarm: Swarm
  readonly #random: SimRandom
  readonly #undo = new Set<() => void>()
  #over = false

  constructor(cluster: Cluster, swarm: Swarm, random: SimRandom) {
    this.#cluster = cluster
    this.#swarm = swarm
    this.#random = random
  }

  start(): void {
    this.#next()
  }

  /** Takes every lasting fault back; no new ones come. */
  heal(): void {
    this.#over = true
    for (const undo of [...this.#undo]) undo()
  }

  #next(): void {
    const delayMs = this.#random.between(0, 2 * this.#swarm.meanPauseMs)
    this.#cluster.sim.schedule(this.#cluster.sim.now + delayMs, () => {
      if (this.#over) return
      this.#inject(this.#random.pick(this.#swarm.kinds))
      this.#next()
    })
  }

  #inject(kind: string): void {
    const { sim } = this.#cluster
    sim.note('fault', kind)
    if (FAULTS[kind]?.(this.#context) !== true) return
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1)
  }

  get #context(): FaultContext {
    return {
      cluster: this.#cluster,
      random: this.#random,
      undoAfter: (ms, undo) => {
        const once = (): void => {
          if (this.#undo.delete(once)) undo()
        }
        this.#undo.add(once)
        this.#cluster.sim.schedule(this.#cluster.sim.now + ms, once)
      },
    }
  }
}
