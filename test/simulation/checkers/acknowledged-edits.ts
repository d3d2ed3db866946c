import type { Checker, LoggedEntry, Observation, Violation } from '../observations.ts'

/**
 * At most one NameNode's edits are acknowledged, whatever the fences do (design, section 4):
 *
 * - every acknowledged edit is in the final log;
 * - an edit begun after a higher epoch was in force is not acknowledged in an older one;
 * - an edit begun after an acknowledgement in epoch e is not acknowledged in an epoch before e.
 *
 * "Begun after", because an answer may be late on the wire: an edit made safe in time may be heard
 * of after the next epoch has begun. The epoch of an edit is known once the logs are read.
 */
export class AcknowledgedEditsChecker implements Checker {
  readonly #violation: Violation
  #epoch = 0
  /** Acknowledged so far, in order of acknowledgement. */
  readonly #acknowledged: string[] = []
  readonly #begun = new Map<string, { readonly epoch: number; readonly acknowledged: number }>()

  constructor(violation: Violation) {
    this.#violation = violation
  }

  on(seen: Observation): void {
    switch (seen.kind) {
      case 'epochInForce':
        if (seen.epoch <= this.#epoch) {
          this.#violation(`epoch ${seen.epoch} came into force after epoch ${this.#epoch}`)
        }
        this.#epoch = Math.max(this.#epoch, seen.epoch)
        return
      case 'writeBegun':
        this.#begun.set(seen.entry, {
          epoch: this.#epoch,
          acknowledged: this.#acknowledged.length,
        })
        return
      case 'writeAcknowledged':
        this.#acknowledged.push(seen.entry)
        return
      case 'finalLog':
        return this.#judge(seen.entries)
      default:
    }
  }

  #judge(entries: readonly LoggedEntry[]): void {
    const epochs = new Map(entries.map(({ entry, epoch }) => [entry, epoch]))
    if (epochs.size !== entries.length) this.#violation('the final log holds an edit twice')
    let highest = 0
    /** Highest epoch among the first n acknowledged. */
    const highestOf: number[] = [0]
    for (const entry of this.#acknowledged) {
      const epoch = epochs.get(entry)
      if (epoch === undefined) {
        this.#violation(`the acknowledged edit ${entry} is not in the final log`)
        continue
      }
      this.#judgeEpoch(entry, epoch, highestOf)
      highest = Math.max(highest, epoch)
      highestOf.push(highest)
    }
  }

  #judgeEpoch(entry: string, epoch: number, highestOf: readonly number[]): void {
    const begun = this.#begun.get(entry)
    if (begun === undefined) return this.#violation(`nobody wrote the acknowledged edit ${entry}`)
    if (epoch < begun.epoch) {
      const text = `was acknowledged in epoch ${epoch} though it began in epoch ${begun.epoch}`
      this.#violation(`edit ${entry} ${text}`)
    }
    const before = highestOf[Math.min(begun.acknowledged, highestOf.length - 1)] ?? 0
    if (epoch >= before) return
    const text = `was acknowledged in epoch ${epoch} after edits of epoch ${before}`
    this.#violation(`edit ${entry} ${text}: epochs went back`)
  }
}
