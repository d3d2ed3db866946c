import type { Reporter, TestModule } from 'vitest/node'

/**
 * Seconds that the files of a suite may take together on two cores, setup and imports included.
 * The whole of `npm test` has five minutes, also when more suites come: a new suite takes its share
 * from what is left here.
 */
const BUDGET_SECONDS: Readonly<Record<string, number>> = {
  packages: 150,
  tidy: 10,
  scenarios: 20,
  simulation: 150,
  e2e: 120,
  peers: 1_200,
}

/** Prints, when all is done, what each suite took beside its budget. Judges nothing. */
export default class BudgetReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const suites = new Map<string, { seconds: number; tests: number }>()
    for (const module of modules) {
      const name = module.project.name
      const suite = suites.get(name) ?? { seconds: 0, tests: 0 }
      const { duration, collectDuration, setupDuration } = module.diagnostic()
      suite.seconds += (duration + collectDuration + setupDuration) / 1_000
      suite.tests += [...module.children.allTests()].length
      suites.set(name, suite)
    }
    process.stdout.write('\n suite        tests   used   budget (seconds, files added up)\n')
    for (const [name, { seconds, tests }] of suites) {
      const budget = BUDGET_SECONDS[name]
      const over = budget !== undefined && seconds > budget ? '  over' : ''
      const cells = [
        name.padEnd(12),
        String(tests).padStart(5),
        seconds.toFixed(1).padStart(6),
        String(budget ?? '-').padStart(8),
      ]
      process.stdout.write(` ${cells.join(' ')}${over}\n`)
    }
  }
}
