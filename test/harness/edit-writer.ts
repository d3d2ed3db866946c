import { setTimeout as sleep } from 'node:timers/promises'
import type { NameNodeProbe } from './name-node-probe.ts'

/** Writes edits without end to whichever NameNode takes them, and remembers each acknowledged. */
export class EditWriter {
  readonly acknowledged: string[] = []
  readonly #probe: NameNodeProbe
  readonly #ids: readonly string[]
  readonly #prefix: string
  #running = true
  #done: Promise<void>
  #lastAt = performance.now()
  #longestGapMs = 0

  constructor(probe: NameNodeProbe, ids: readonly string[], prefix: string) {
    this.#probe = probe
    this.#ids = ids
    this.#prefix = prefix
    this.#done = this.#run()
  }

  /** The longest pause between two acknowledged edits since the last call, in milliseconds. */
  takeLongestGapMs(): number {
    const longest = Math.max(this.#longestGapMs, performance.now() - this.#lastAt)
    this.#longestGapMs = 0
    return longest
  }

  async #run(): Promise<void> {
    let target = 0
    for (let count = 0; this.#running; count++) {
      const path = `/${this.#prefix}-${count}`
      const id = this.#ids[target] ?? ''
      if (await this.#probe.makeDirectory(id, path)) {
        this.acknowledged.push(path)
        const now = performance.now()
        this.#longestGapMs = Math.max(this.#longestGapMs, now - this.#lastAt)
        this.#lastAt = now
        await sleep(10)
      } else {
        target = (target + 1) % this.#ids.length
        await sleep(20)
      }
    }
  }

  async stop(): Promise<void> {
    this.#running = false
    await this.#done
  }

  /** The acknowledged paths that the NameNode does not have. */
  async missingOn(id: string): Promise<string[]> {
    const missing: string[] = []
    for (const path of this.acknowledged) {
      if (!(await this.#probe.exists(id, path))) missing.push(path)
    }
    return missing
  }
}
