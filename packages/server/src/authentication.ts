/**
 * auth and sasl: answered at once, outside of the order of requests, with zxid 0 (ZooKeeper 3.9
 * `ZooKeeperServer.processPacket`). SASL is not offered: as ZooKeeper without a login context, the
 * server answers with no token, and the client goes on without SASL.
 */
import { AuthPacket, ErrorCode, JuteError, SaslToken } from '@baton/jute'
import type { Id } from '@baton/jute'
import type { ServerConfig } from './config.ts'
import type { ServerCnxn } from './net/server-cnxn.ts'
import { bodyReader } from './request/request.ts'
import { authenticate, ipId } from './state/acl.ts'

/** Each is compared with each ACL on every request. */
const IDS_MAX = 256

/** False where the connection was refused; it is closed then. Ids that it has add up. */
export function answerAuth(cnxn: ServerCnxn, payload: Buffer, config: ServerConfig): boolean {
  const xid = payload.readInt32BE(0)
  let packet: AuthPacket
  try {
    packet = AuthPacket.read(bodyReader(payload))
  } catch (error) {
    if (!(error instanceof JuteError)) throw error
    cnxn.close(`not an auth packet: ${error.message}`)
    return false
  }
  const found = idsFor(cnxn, packet, config)
  cnxn.beginReply(xid, 0)
  if (found === undefined) {
    cnxn.endReply(ErrorCode.authFailed)
    cnxn.close(`authentication with scheme "${packet.scheme}" failed`)
    return false
  }
  const known = cnxn.ids
  if (known.length >= IDS_MAX) {
    cnxn.endReply(ErrorCode.authFailed)
    cnxn.close(`more than ${IDS_MAX} identities of one connection`)
    return false
  }
  const added = found.filter(id => !known.some(k => k.scheme === id.scheme && k.id === id.id))
  cnxn.ids = [...known, ...added]
  cnxn.endReply(ErrorCode.ok)
  return true
}

/** Asking for `ip` gives what every connection has from the start. */
function idsFor(
  cnxn: ServerCnxn,
  packet: AuthPacket,
  config: ServerConfig,
): readonly Id[] | undefined {
  if (packet.scheme === 'ip') return [ipId(cnxn.remote.host)]
  if (packet.auth === null) return undefined
  return authenticate(packet.scheme, packet.auth, config.superDigest)
}

export function answerSasl(cnxn: ServerCnxn, payload: Buffer): void {
  try {
    SaslToken.read(bodyReader(payload))
  } catch (error) {
    if (!(error instanceof JuteError)) throw error
    return cnxn.close(`not a SASL token: ${error.message}`)
  }
  cnxn.beginReply(payload.readInt32BE(0), 0).bytes(null)
  cnxn.endReply(ErrorCode.ok)
}
