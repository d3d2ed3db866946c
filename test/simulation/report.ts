import { execFileSync } from 'node:child_process'
import type { SeedResult } from './run-seed.ts'

/** All that is needed to see the failure again: seed, commit, last events, the command. */
export function failureReport({ seed, swarm, failure }: SeedResult): string {
  const { nodes, kinds, fences } = swarm
  return [
    `simulation seed ${seed} at commit ${commit()}`,
    `${nodes.length} NameNodes; faults: ${kinds.join(', ')}; fences: ${fences.join(', ')}`,
    failure ?? '',
    `to repeat it: npm run sim -- --seed ${seed}`,
  ].join('\n')
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).trim()
  } catch (error) {
    return `unknown (${error instanceof Error ? error.message.split('\n')[0] : 'no git'})`
  }
}

/** `what: times`, most first. */
export function histogram(counts: ReadonlyMap<string, number>): string {
  const rows = [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]))
  return rows.map(([what, times]) => `${String(times).padStart(9)} ${what}`).join('\n')
}
