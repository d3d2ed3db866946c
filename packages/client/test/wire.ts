/** What a server says, as bytes, and what a client said, as a line of text. */
import * as jute from '@baton/jute'
import { encode, frame, OpCode, opCodeName, Reader, RequestHeader, Writer } from '@baton/jute'
import type { AnyType } from '@baton/jute'

export const SESSION_ID = 0x100000a1b2c30001n
export const PASSWORD = Buffer.from('0123456789abcdef')

export const STAT: jute.Stat = {
  ...{ czxid: 3, mzxid: 4, ctime: 1_000, mtime: 2_000 },
  ...{ version: 1, cversion: 0, aversion: 0 },
  ...{ ephemeralOwner: 0n, dataLength: 2, numChildren: 0, pzxid: 3 },
}

export interface GrantOptions {
  readonly timeoutMs?: number
  readonly id?: bigint
  readonly password?: Uint8Array | null
}

export function grant(options: GrantOptions = {}): Buffer {
  const response = {
    protocolVersion: 0,
    timeOut: options.timeoutMs ?? 6_000,
    sessionId: options.id ?? SESSION_ID,
    passwd: options.password === undefined ? PASSWORD : options.password,
  }
  return frame(Buffer.concat([encode(jute.ConnectResponse, response), Buffer.of(0)]))
}

export const expired = (): Buffer => grant({ timeoutMs: 0, id: 0n, password: Buffer.alloc(16) })

export interface ReplyOptions {
  readonly zxid?: number
  readonly err?: number
  readonly body?: readonly [AnyType, unknown]
}

export function reply(xid: number, options: ReplyOptions = {}): Buffer {
  const header = { xid, zxid: options.zxid ?? 0, err: options.err ?? 0 }
  const parts = [encode(jute.ReplyHeader, header)]
  if (options.body !== undefined) parts.push(encode(...options.body))
  return frame(Buffer.concat(parts))
}

export function event(type: number, path: string, zxid = -1): Buffer {
  const body = { type, state: jute.KeeperState.syncConnected, path }
  return reply(jute.Xid.notification, { zxid, body: [jute.WatcherEvent, body] })
}

const bodies: Readonly<Record<number, AnyType>> = {
  [OpCode.create]: jute.CreateRequest,
  [OpCode.create2]: jute.CreateRequest,
  [OpCode.createContainer]: jute.CreateRequest,
  [OpCode.createTTL]: jute.CreateTTLRequest,
  [OpCode.delete]: jute.DeleteRequest,
  [OpCode.exists]: jute.PathAndWatchRequest,
  [OpCode.getData]: jute.PathAndWatchRequest,
  [OpCode.getChildren2]: jute.PathAndWatchRequest,
  [OpCode.setData]: jute.SetDataRequest,
  [OpCode.getACL]: jute.PathRequest,
  [OpCode.setACL]: jute.SetACLRequest,
  [OpCode.sync]: jute.PathRequest,
  [OpCode.multi]: jute.MultiRequest,
  [OpCode.multiRead]: jute.MultiRequest,
  [OpCode.auth]: jute.AuthPacket,
  [OpCode.setWatches]: jute.SetWatches,
  [OpCode.setWatches2]: jute.SetWatches2,
  [OpCode.addWatch]: jute.AddWatchRequest,
  [OpCode.removeWatches]: jute.WatcherTypeRequest,
  [OpCode.getEphemerals]: jute.PathRequest,
  [OpCode.getAllChildrenNumber]: jute.PathRequest,
}

/** One frame after the handshake. */
export function requestText(bytes: Uint8Array): string {
  const reader = new Reader(bytes, 4)
  const { xid, type } = RequestHeader.read(reader)
  const name = opCodeName(type)
  const body = bodies[type]
  if (body === undefined) return `${name} xid ${xid}`
  return `${name} xid ${xid} ${text(body.read(reader))}`
}

export function connectText(bytes: Uint8Array): string {
  const reader = new Reader(bytes, 4)
  const asked = jute.ConnectRequest.read(reader)
  const id = asked.sessionId === 0n ? 'new session' : `session 0x${asked.sessionId.toString(16)}`
  return `hello ${id} timeOut ${asked.timeOut} lastZxidSeen ${asked.lastZxidSeen}`
}

export function text(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'bigint') return `0x${part.toString(16)}`
    if (isBytes(part)) return Buffer.from(part.data).toString('latin1')
    return part
  })
}

function isBytes(value: unknown): value is { data: number[] } {
  return typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer'
}

/** What a writer wrote. */
export function bytesOf(write: (writer: Writer) => void): Buffer {
  const writer = new Writer()
  write(writer)
  return writer.finish()
}
