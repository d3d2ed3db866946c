export interface TraceEntry {
  readonly atMs: number
  readonly who: string
  readonly what: string
  readonly detail: unknown
}

/**
 * The last events of a run in a ring, and a running hash over all of them: two runs of one seed
 * have the same hash, or the simulation is not deterministic.
 */
export class Trace {
  readonly #entriesMax: number
  readonly #ring: TraceEntry[] = []
  #count = 0
  #hash = 0x811c9dc5

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax
  }

  add(atMs: number, who: string, what: string, detail?: unknown): void {
    this.#ring[this.#count % this.#entriesMax] = { atMs, who, what, detail }
    this.#count++
    this.#mix(Math.round(atMs * 1e6) | 0)
    this.#mixText(who)
    this.#mixText(what)
    if (typeof detail === 'number') this.#mix(detail | 0)
    else if (typeof detail === 'string') this.#mixText(detail)
  }

  /** Events of the whole run, those that left the ring included. */
  get count(): number {
    return this.#count
  }

  get hash(): string {
    return `${this.#count}-${(this.#hash >>> 0).toString(16).padStart(8, '0')}`
  }

  entries(): readonly TraceEntry[] {
    if (this.#count <= this.#entriesMax) return this.#ring.slice()
    const at = this.#count % this.#entriesMax
    return [...this.#ring.slice(at), ...this.#ring.slice(0, at)]
  }

  /** The last `linesMax` events, one a line. */
  text(linesMax = this.#entriesMax): string {
    const lines = this.entries().slice(-linesMax).map(formatEntry)
    return lines.join('\n')
  }

  #mix(word: number): void {
    this.#hash = Math.imul(this.#hash ^ (word & 0xffff), 16_777_619)
    this.#hash = Math.imul(this.#hash ^ (word >>> 16), 16_777_619)
  }

  #mixText(text: string): void {
    let hash = this.#hash
    for (let at = 0; at < text.length; at++) {
      hash = Math.imul(hash ^ text.charCodeAt(at), 16_777_619)
    }
    this.#hash = hash
  }
}

function formatEntry(entry: TraceEntry): string {
  const line = `${entry.atMs.toFixed(3).padStart(12)} ${entry.who} ${entry.what}`
  if (entry.detail === undefined) return line
  const { detail } = entry
  return `${line} ${typeof detail === 'object' ? formatFields(detail) : String(detail)}`
}

function formatFields(fields: object | null): string {
  return JSON.stringify(fields, (_key, value: unknown) => {
    if (typeof value === 'bigint') return String(value)
    if (value instanceof Error) return value.message
    return value
  })
}
