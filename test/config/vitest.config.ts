import { defineConfig } from 'vitest/config'

const project = (name: string, include: string[], testTimeout = 20_000) => ({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source', 'node', 'import', 'default'] } },
  test: {
    name,
    include,
    testTimeout,
    hookTimeout: 30_000,
    root: new URL('../..', import.meta.url).pathname,
  },
})

export default defineConfig({
  test: {
    reporters: ['default', './test/config/budget-reporter.ts'],
    projects: [
      project('packages', ['packages/*/test/**/*.test.ts']),
      project('tidy', ['test/tidy/**/*.test.ts'], 60_000),
      project('scenarios', ['test/scenarios/**/*.test.ts'], 60_000),
      project('simulation', ['test/simulation/**/*.test.ts'], 240_000),
      project('e2e', ['test/e2e/**/*.test.ts'], 120_000),
    ],
  },
})
