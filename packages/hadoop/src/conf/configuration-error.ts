/**
 * What is wrong with the configuration, all of it at once: one entry in `problems` for each
 * mistake, naming the key, the file it came from and its value.
 */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

/**
 * Gathers the problems of several reads, so that an operator sees every mistake in one run.
 * `read` returns the value, or `fallback` where the read failed; `throwIfAny` ends the gathering.
 */
export class ProblemCollector {
  readonly #problems: string[] = []

  get problems(): readonly string[] {
    return this.#problems
  }

  add(problem: string): void {
    if (!this.#problems.includes(problem)) this.#problems.push(problem)
  }

  read<T>(run: () => T, fallback: T): T {
    try {
      return run()
    } catch (error) {
      this.#take(error)
      return fallback
    }
  }

  async readLater<T>(run: () => Promise<T>, fallback: T): Promise<T> {
    try {
      return await run()
    } catch (error) {
      this.#take(error)
      return fallback
    }
  }

  throwIfAny(): void {
    if (this.#problems.length > 0) throw new ConfigurationError(this.#problems)
  }

  #take(error: unknown): void {
    if (!(error instanceof ConfigurationError)) throw error
    for (const problem of error.problems) this.add(problem)
  }
}
