import { parseAddress } from '@baton/runtime'
import type { Address } from '@baton/runtime'
import { pathProblem } from './paths.ts'

/** The port a ZooKeeper server listens on where a connect string names none. */
export const DEFAULT_PORT = 2181

export interface ConnectString {
  readonly servers: readonly Address[]
  /** '' for none; else a path without a trailing slash. */
  readonly chroot: string
}

/**
 * `h1:p1,h2:p2[/chroot]`; IPv6 literals in brackets (ZooKeeper `ConnectStringParser`).
 * Throws `RangeError` naming the part that is wrong.
 */
export function parseConnectString(text: string): ConnectString {
  const slash = text.indexOf('/')
  const hosts = slash < 0 ? text : text.slice(0, slash)
  const path = slash < 0 ? '' : text.slice(slash).trim()
  const chroot = path === '/' ? '' : path
  const problem = chroot === '' ? undefined : pathProblem(chroot)
  if (problem !== undefined) {
    throw new RangeError(`connect string "${text}": chroot "${chroot}" ${problem}`)
  }
  const parts = hosts
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '')
  if (parts.length === 0) throw new RangeError(`connect string "${text}" names no server`)
  return { servers: parts.map(part => serverOf(part, text)), chroot }
}

function serverOf(part: string, text: string): Address {
  try {
    return parseAddress(part, DEFAULT_PORT)
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause)
    throw new RangeError(`connect string "${text}": ${detail}`, { cause })
  }
}
