/**
 * Path rules (ZooKeeper 3.9 `PathUtils.validatePath`) and the arithmetic of parents and names.
 *
 * Only paths that a write would put into the tree are validated. A read of an odd path just finds
 * nothing. The tree knows its root under two names, '' and '/'; parents are always spelled '/'.
 */
import { assert } from '@baton/runtime'

const SYSTEM_PATHS: ReadonlySet<string> = new Set([
  '',
  '/',
  '/zookeeper',
  '/zookeeper/quota',
  '/zookeeper/config',
])

/** Ranges of UTF-16 units no path may hold; all surrogates are among them. */
const REFUSED_UNITS: readonly (readonly [first: number, last: number])[] = [
  [0x0000, 0x001f],
  [0x007f, 0x009f],
  [0xd800, 0xf8ff],
  [0xfff0, 0xffff],
]

const REFUSED_SEGMENTS: Readonly<Record<string, string>> = {
  '': 'has an empty segment',
  '.': 'has a relative segment "."',
  '..': 'has a relative segment ".."',
}

/** Why `path` cannot name a znode, in words; undefined where it can. */
export function pathProblem(path: string): string | undefined {
  if (path.length === 0) return 'is empty'
  if (path[0] !== '/') return 'does not start with "/"'
  if (path.length === 1) return undefined
  if (path.endsWith('/')) return 'ends with "/"'
  for (let i = 1; i < path.length; i++) {
    const unit = path.charCodeAt(i)
    // Printable ASCII needs no look at the table.
    if (unit >= 0x20 && unit < 0x7f) continue
    if (REFUSED_UNITS.some(([first, last]) => unit >= first && unit <= last)) {
      return `holds the refused character U+${unit.toString(16).padStart(4, '0')} at ${i}`
    }
  }
  if (!path.includes('//') && !path.includes('/.')) return undefined
  for (const segment of path.slice(1).split('/')) {
    const problem = REFUSED_SEGMENTS[segment]
    if (problem !== undefined) return problem
  }
  return undefined
}

/** '/a/b' -> '/a', '/a' -> '/'. The root has no parent. */
export function parentPath(path: string): string {
  const at = path.lastIndexOf('/')
  assert(at >= 0 && path.length > 1, 'the path has a parent')
  return at === 0 ? '/' : path.slice(0, at)
}

/** '/a/b' -> 'b'. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/**
 * `prefix` with the parent's count of creates, as Java's `%010d` of a signed int: eleven characters
 * once the counter has overflowed (ZooKeeper 3.9 `PrepRequestProcessor`).
 */
export function sequentialPath(prefix: string, counter: number): string {
  const digits = String(Math.abs(counter))
  return counter < 0 ? `${prefix}-${digits.padStart(9, '0')}` : prefix + digits.padStart(10, '0')
}

/** The nodes every tree has; they may not be deleted. */
export function isSystemPath(path: string): boolean {
  return SYSTEM_PATHS.has(path)
}
