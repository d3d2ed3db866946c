import { randomBytes, randomInt } from 'node:crypto'
import type { Random } from '../random.ts'

/** The system's cryptographic generator: session passwords come from here. */
export const nodeRandom: Random = {
  int: below => (below <= 1 ? 0 : randomInt(below)),
  bytes: count => randomBytes(count),
}
