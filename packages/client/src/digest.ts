import { sha1 } from './sha1.ts'

/**
 * The ACL id that the credentials `user:password` of scheme `digest` have at a server:
 * `user:base64(sha1(user:password))` (ZooKeeper `DigestAuthenticationProvider.generateDigest`).
 */
export function digestId(credentials: string): string {
  const colon = credentials.indexOf(':')
  if (colon < 0) throw new RangeError('digest credentials are user:password; there is no colon')
  const hash = sha1(Buffer.from(credentials, 'utf8'))
  return `${credentials.slice(0, colon)}:${Buffer.from(hash).toString('base64')}`
}
