/**
 * A decider: synchronous and deterministic. It is given an input and the monotonic time, changes
 * its own fields, and returns effects that the driver carries out in order. What an effect led to
 * comes back as an input.
 */
export interface Core<Input, Effect> {
  step(input: Input, now: number): readonly Effect[]
}
