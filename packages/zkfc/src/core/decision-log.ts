import { FailoverCore } from './failover-core.ts'
import type { FailoverState } from './failover-core.ts'
import type { Effect, Input } from './messages.ts'
import type { FailoverSettings } from './settings.ts'

/*
 * The last decisions, each whole in itself: state before, input, time, effects. Stepping a core
 * made from that state with that input must give those effects again, on any machine, which is
 * what makes "why did it fail over?" a question with one answer.
 */
export interface Decision {
  readonly now: number
  readonly input: Input
  readonly before: FailoverState
  readonly effects: readonly Effect[]
}

const DECISIONS_MAX = 200

/** A bounded ring of decisions; steps without effects are left out. */
export class DecisionLog {
  readonly #entries: Decision[] = []
  readonly #max: number

  constructor(max = DECISIONS_MAX) {
    this.#max = max
  }

  /** Steps `core` and keeps what happened. */
  step(core: FailoverCore, input: Input, now: number): readonly Effect[] {
    const before = structuredClone(core.state)
    const effects = core.step(input, now)
    if (effects.length > 0) this.#keep({ now, input, before, effects })
    return effects
  }

  #keep(decision: Decision): void {
    this.#entries.push(decision)
    if (this.#entries.length > this.#max) this.#entries.shift()
  }

  get decisions(): readonly Decision[] {
    return this.#entries
  }
}

/** The effects that the same state and input lead to now. */
export function replay(decision: Decision, settings: FailoverSettings): readonly Effect[] {
  const core = new FailoverCore(settings, structuredClone(decision.before))
  return core.step(decision.input, decision.now)
}

/** One line of JSON; bigint and bytes are tagged, so that `decodeDecision` gives the same value. */
export function encodeDecision(decision: Decision): string {
  return JSON.stringify(decision, (_key, value: unknown) => {
    if (typeof value === 'bigint') return { $bigint: value.toString() }
    if (value instanceof Uint8Array) return { $bytes: Array.from(value) }
    if (typeof value === 'number' && !Number.isFinite(value)) return { $number: String(value) }
    return value
  })
}

/** Throws `SyntaxError` on text that `encodeDecision` did not make. */
export function decodeDecision(line: string): Decision {
  return JSON.parse(line, (_key, value: unknown) => untag(value)) as Decision
}

function untag(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const tagged = value as { $bigint?: string; $bytes?: number[]; $number?: string }
  if (tagged.$bigint !== undefined) return BigInt(tagged.$bigint)
  if (tagged.$bytes !== undefined) return Uint8Array.from(tagged.$bytes)
  if (tagged.$number !== undefined) return Number(tagged.$number)
  return value
}
