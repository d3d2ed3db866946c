/**
 * Who may do what: schemes world, auth, digest, ip and super (ZooKeeper 3.9
 * `ZooKeeperServer.checkACL`, `PrepRequestProcessor.fixupACL`, `auth/*`). A connection has a list
 * of ids; a node has a list of {permissions, id}; nothing is inherited. An empty list on a node is
 * open to all.
 */
import type { ACL, ClientInfo, Id } from '@baton/jute'
import { sha1 } from './sha1.ts'

export const SUPER_ID: Id = { scheme: 'super', id: '' }

interface Scheme {
  /** Whether an ACL may name this id. */
  isValid(id: string): boolean
  /** Whether a connection's id is covered by the id an ACL names. */
  matches(own: string, named: string): boolean
  /** Whether the id stands for who its holder is, so that `auth` in an ACL expands to it. */
  readonly isIdentity: boolean
}

const schemes: Readonly<Record<string, Scheme>> = {
  world: { isValid: id => id === 'anyone', matches: () => false, isIdentity: false },
  ip: { isValid: id => parseRange(id) !== undefined, matches: matchesIp, isIdentity: false },
  digest: {
    isValid: id => id.split(':').length === 2,
    matches: (own, named) => own === named,
    isIdentity: true,
  },
  super: { isValid: () => false, matches: () => false, isIdentity: false },
}

function schemeOf(name: string): Scheme | undefined {
  return Object.hasOwn(schemes, name) ? schemes[name] : undefined
}

/** Whether any of `ids` has any of the bits of `perm`. */
export function permits(list: readonly ACL[], perm: number, ids: readonly Id[]): boolean {
  if (list.length === 0) return true
  if (ids.some(id => id.scheme === 'super')) return true
  return list.some(({ perms, id }) => (perms & perm) !== 0 && holds(ids, id))
}

function holds(ids: readonly Id[], named: Id): boolean {
  if (named.scheme === 'world' && named.id === 'anyone') return true
  const scheme = schemeOf(named.scheme)
  if (scheme === undefined) return false
  return ids.some(own => own.scheme === named.scheme && scheme.matches(own.id, named.id))
}

/**
 * The list a write really sets: duplicates go, then `auth` becomes the ids the connection proved.
 * undefined: the list is not allowed (empty, unknown scheme, malformed id, `auth` of a nobody).
 */
export function fixupAcl(
  list: readonly ACL[] | null,
  ids: readonly Id[],
): readonly ACL[] | undefined {
  if (list === null || list.length === 0) return undefined
  const unique = new Map(
    list.map(acl => [JSON.stringify([acl.perms, acl.id.scheme, acl.id.id]), acl]),
  )
  const fixed: ACL[] = []
  for (const acl of unique.values()) {
    const expanded = acl.id.scheme === 'auth' ? expandAuth(acl, ids) : validated(acl)
    if (expanded.length === 0) return undefined
    fixed.push(...expanded)
  }
  return fixed
}

function validated(acl: ACL): readonly ACL[] {
  return schemeOf(acl.id.scheme)?.isValid(acl.id.id) === true ? [acl] : []
}

function expandAuth(acl: ACL, ids: readonly Id[]): readonly ACL[] {
  return ids
    .filter(id => schemeOf(id.scheme)?.isIdentity === true)
    .map(id => ({ perms: acl.perms, id }))
}

/** For getACL without ADMIN: the hash of a digest id is not for everyone. */
export function maskAcl(list: readonly ACL[]): readonly ACL[] {
  return list.map(({ perms, id }) => {
    if (id.scheme !== 'digest') return { perms, id }
    return { perms, id: { scheme: id.scheme, id: `${userOf(id.id)}:x` } }
  })
}

function userOf(id: string): string {
  const at = id.indexOf(':')
  return at < 0 ? id : id.slice(0, at)
}

/** The id every connection has from the start. A v4 address in v6 clothes is the v4 address. */
export function ipId(remoteHost: string): Id {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(remoteHost)
  return { scheme: 'ip', id: mapped?.[1] ?? remoteHost }
}

/** `user:password` -> `user:base64(SHA1(user:password))`. */
export function digestId(userAndPassword: string): string {
  const hash = sha1(Buffer.from(userAndPassword, 'utf8')).toString('base64')
  return `${userOf(userAndPassword)}:${hash}`
}

/**
 * The ids that `auth` proves; undefined where it proves none (authFailed). `superDigest` is the
 * value of `zookeeper.DigestAuthenticationProvider.superDigest`.
 */
export function authenticate(
  scheme: string,
  auth: Uint8Array,
  superDigest?: string,
): readonly Id[] | undefined {
  if (scheme !== 'digest') return undefined
  const id = digestId(Buffer.from(auth).toString('utf8'))
  const own: Id = { scheme: 'digest', id }
  return id === superDigest ? [SUPER_ID, own] : [own]
}

/** Users by scheme, without their hashes. */
export function whoAmI(ids: readonly Id[]): readonly ClientInfo[] {
  return ids.map(({ scheme, id }) => ({
    authScheme: scheme,
    user: scheme === 'digest' ? userOf(id) : id,
  }))
}

interface Range {
  readonly bytes: Uint8Array
  readonly bits: number
}

/** `address[/bits]`, v4 or v6. */
function parseRange(text: string): Range | undefined {
  const [address, bits, ...rest] = text.split('/')
  const bytes = parseIp(address ?? '')
  if (bytes === undefined || rest.length > 0) return undefined
  if (bits === undefined) return { bytes, bits: bytes.length * 8 }
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > bytes.length * 8) return undefined
  return { bytes, bits: Number(bits) }
}

function matchesIp(own: string, named: string): boolean {
  const address = parseIp(own)
  const range = parseRange(named)
  if (address === undefined || range === undefined) return false
  if (address.length !== range.bytes.length) return false
  return range.bytes.every((byte, i) => {
    const bits = Math.min(Math.max(range.bits - i * 8, 0), 8)
    const mask = (0xff00 >> bits) & 0xff
    return (byte & mask) === ((address[i] as number) & mask)
  })
}

function parseIp(text: string): Uint8Array | undefined {
  return text.includes(':') ? parseV6(text) : parseV4(text)
}

function parseV4(text: string): Uint8Array | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  if (!parts.every(part => /^\d{1,3}$/.test(part) && Number(part) <= 255)) return undefined
  return Uint8Array.from(parts, Number)
}

function parseV6(text: string): Uint8Array | undefined {
  const halves = text.split('::').map(half => (half === '' ? [] : half.split(':')))
  const [head = [], tail = []] = halves
  const given = head.length + tail.length
  if (halves.length > 2 || (halves.length === 1 ? given !== 8 : given >= 8)) return undefined
  const groups = [...head, ...Array<string>(8 - given).fill('0'), ...tail]
  if (!groups.every(group => /^[0-9a-f]{1,4}$/i.test(group))) return undefined
  return Uint8Array.from(
    groups.flatMap(group => {
      const value = Number.parseInt(group, 16)
      return [value >> 8, value & 0xff]
    }),
  )
}
