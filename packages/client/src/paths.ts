/**
 * What a path may be (ZooKeeper `PathUtils.validatePath`, reference section 2.9), and how a chroot
 * maps a client's paths to the server's and back.
 */

/** Why `path` cannot name a znode, as the end of a sentence; undefined where it can. */
export function pathProblem(path: string): string | undefined {
  if (path === '') return 'is empty'
  if (!path.startsWith('/')) return 'does not begin with /'
  if (path === '/') return undefined
  if (path.endsWith('/')) return 'ends with /'
  for (const segment of path.slice(1).split('/')) {
    if (segment === '') return 'has an empty segment'
    if (segment === '.' || segment === '..') return `has the relative segment "${segment}"`
  }
  for (let at = 0; at < path.length; at++) {
    if (isForbidden(path.charCodeAt(at))) return `has a forbidden character at position ${at}`
  }
  return undefined
}

/** Control characters, surrogates with the private use area, and the specials. */
function isForbidden(unit: number): boolean {
  if (unit <= 0x1f) return true
  if (unit >= 0x7f && unit <= 0x9f) return true
  return (unit >= 0xd800 && unit <= 0xf8ff) || unit >= 0xfff0
}

export class Chroot {
  readonly prefix: string

  /** `prefix` is '' for none, else a valid path other than '/'. */
  constructor(prefix: string) {
    this.prefix = prefix
  }

  toServer(path: string): string {
    if (this.prefix === '') return path
    return path === '/' ? this.prefix : this.prefix + path
  }

  /** A server path outside the chroot comes back as it is; `covers` tells. */
  toClient(path: string): string {
    if (this.prefix === '' || !this.covers(path)) return path
    return path.length === this.prefix.length ? '/' : path.slice(this.prefix.length)
  }

  covers(path: string): boolean {
    if (!path.startsWith(this.prefix)) return false
    return path.length === this.prefix.length || this.prefix === '' || isChild(path, this.prefix)
  }
}

function isChild(path: string, prefix: string): boolean {
  return path[prefix.length] === '/'
}
