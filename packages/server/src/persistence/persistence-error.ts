/**
 * The files on disk cannot be gone on with. `path` and `offset` say where; the message says what
 * was found, what was expected, and what an operator can do.
 */
export class PersistenceError extends Error {
  override readonly name = 'PersistenceError'
  readonly path: string
  readonly offset: number | undefined
  constructor(path: string, message: string, options: { offset?: number; cause?: unknown } = {}) {
    const where = options.offset === undefined ? path : `${path}, offset ${options.offset}`
    super(`${where}: ${message}`, options.cause === undefined ? {} : { cause: options.cause })
    this.path = path
    this.offset = options.offset
  }
}

/** The text of whatever was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
