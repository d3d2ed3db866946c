/** Our own mistake, never a peer's: the process must not go on. */
export class AssertionFailure extends Error {
  override readonly name = 'AssertionFailure'
}

/** On in production. `message` says what must hold, in the positive. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message)
}

/** Ends every `switch` over a `kind`, so that the compiler names the case that was forgotten. */
export function unreachable(value: never): never {
  throw new AssertionFailure(`unreachable: ${JSON.stringify(value)}`)
}
