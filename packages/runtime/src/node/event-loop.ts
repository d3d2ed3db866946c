/**
 * Resolves once no microtask is left: node runs `nextTick` callbacks only when that queue is empty,
 * however many promises settled promises made.
 */
export function microtasksEnd(): Promise<void> {
  return new Promise(atNextTick)
}

/** Lets the real event loop turn once. */
export function breathe(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve)
  })
}

/** Hears of promises that were rejected and that nobody awaits; the answer stops it. */
export function watchRejections(run: (error: unknown) => void): () => void {
  process.on('unhandledRejection', run)
  return () => process.off('unhandledRejection', run)
}

function atNextTick(resolve: () => void): void {
  process.nextTick(resolve)
}
