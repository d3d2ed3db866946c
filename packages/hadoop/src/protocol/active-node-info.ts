import { decodeMessage, encodeMessage } from './message-codec.ts'
import { ActiveNodeInfoSchema } from './gen/ha_pb.ts'

/** Content of the znodes ActiveStandbyElectorLock and ActiveBreadCrumb (Java `HAZKInfoProtos`). */
export interface ActiveNodeInfo {
  readonly nameserviceId: string
  readonly namenodeId: string
  /** As Java's address object names it: an IP literal of the configuration by reverse lookup. */
  readonly hostname: string
  /** The service RPC port where one is configured, else the RPC port. */
  readonly port: number
  readonly zkfcPort: number
}

/** Byte-identical with Java's: all five fields, in order, and nothing else. */
export function encodeActiveNodeInfo(info: ActiveNodeInfo): Uint8Array {
  const { nameserviceId, namenodeId, hostname, port, zkfcPort } = info
  return encodeMessage(ActiveNodeInfoSchema, {
    nameserviceId,
    namenodeId,
    hostname,
    port,
    zkfcPort,
  })
}

/** Throws `ProtocolError` where a field is missing or the bytes are no such message. */
export function decodeActiveNodeInfo(bytes: Uint8Array): ActiveNodeInfo {
  const message = decodeMessage(ActiveNodeInfoSchema, bytes)
  const { nameserviceId, namenodeId, hostname, port, zkfcPort } = message
  return { nameserviceId, namenodeId, hostname, port, zkfcPort }
}
