/**
 * The client protocol as tables (ZooKeeper 3.9 `zookeeper.jute`, modules `data` and `proto`). One
 * line a field, in wire order; the type, the reader and the writer come from the one table.
 */
import {
  boolean,
  buffer,
  int,
  long,
  long64,
  nullableVector,
  record,
  ustring,
  vector,
} from './types.ts'
import type { TypeOf } from './types.ts'

export const Id = record('Id', { scheme: ustring, id: ustring })
export type Id = TypeOf<typeof Id>

export const ACL = record('ACL', { perms: int, id: Id })
export type ACL = TypeOf<typeof ACL>

/** 68 bytes. `ephemeralOwner` is the session id, or 0n. */
export const Stat = record('Stat', {
  czxid: long,
  mzxid: long,
  ctime: long,
  mtime: long,
  version: int,
  cversion: int,
  aversion: int,
  ephemeralOwner: long64,
  dataLength: int,
  numChildren: int,
  pzxid: long,
})
export type Stat = TypeOf<typeof Stat>

/** The first 44 bytes of both connect messages; one more byte, `readOnly`, may follow (3.4). */
export const ConnectRequest = record('ConnectRequest', {
  protocolVersion: int,
  lastZxidSeen: long,
  timeOut: int,
  sessionId: long64,
  passwd: buffer,
})
export type ConnectRequest = TypeOf<typeof ConnectRequest>

export const ConnectResponse = record('ConnectResponse', {
  protocolVersion: int,
  timeOut: int,
  sessionId: long64,
  passwd: buffer,
})
export type ConnectResponse = TypeOf<typeof ConnectResponse>

export const RequestHeader = record('RequestHeader', { xid: int, type: int })
export type RequestHeader = TypeOf<typeof RequestHeader>

export const ReplyHeader = record('ReplyHeader', { xid: int, zxid: long, err: int })
export type ReplyHeader = TypeOf<typeof ReplyHeader>

export const WatcherEvent = record('WatcherEvent', { type: int, state: int, path: ustring })
export type WatcherEvent = TypeOf<typeof WatcherEvent>

export const AuthPacket = record('AuthPacket', { type: int, scheme: ustring, auth: buffer })
export type AuthPacket = TypeOf<typeof AuthPacket>

export const CreateRequest = record('CreateRequest', {
  path: ustring,
  data: buffer,
  acl: nullableVector(ACL),
  flags: int,
})
export type CreateRequest = TypeOf<typeof CreateRequest>

export const CreateTTLRequest = record('CreateTTLRequest', {
  path: ustring,
  data: buffer,
  acl: nullableVector(ACL),
  flags: int,
  ttl: long,
})
export type CreateTTLRequest = TypeOf<typeof CreateTTLRequest>

export const CreateResponse = record('CreateResponse', { path: ustring })
export type CreateResponse = TypeOf<typeof CreateResponse>

export const Create2Response = record('Create2Response', { path: ustring, stat: Stat })
export type Create2Response = TypeOf<typeof Create2Response>

export const DeleteRequest = record('DeleteRequest', { path: ustring, version: int })
export type DeleteRequest = TypeOf<typeof DeleteRequest>

export const CheckVersionRequest = record('CheckVersionRequest', { path: ustring, version: int })
export type CheckVersionRequest = TypeOf<typeof CheckVersionRequest>

/** exists, getData, getChildren and getChildren2 all ask with this shape. */
export const PathAndWatchRequest = record('PathAndWatchRequest', { path: ustring, watch: boolean })
export type PathAndWatchRequest = TypeOf<typeof PathAndWatchRequest>

/** getACL, sync, getEphemerals (a prefix), getAllChildrenNumber, deleteContainer. */
export const PathRequest = record('PathRequest', { path: ustring })
export type PathRequest = TypeOf<typeof PathRequest>

export const StatResponse = record('StatResponse', { stat: Stat })
export type StatResponse = TypeOf<typeof StatResponse>

export const GetDataResponse = record('GetDataResponse', { data: buffer, stat: Stat })
export type GetDataResponse = TypeOf<typeof GetDataResponse>

export const SetDataRequest = record('SetDataRequest', {
  path: ustring,
  data: buffer,
  version: int,
})
export type SetDataRequest = TypeOf<typeof SetDataRequest>

export const GetACLResponse = record('GetACLResponse', { acl: nullableVector(ACL), stat: Stat })
export type GetACLResponse = TypeOf<typeof GetACLResponse>

export const SetACLRequest = record('SetACLRequest', {
  path: ustring,
  acl: nullableVector(ACL),
  version: int,
})
export type SetACLRequest = TypeOf<typeof SetACLRequest>

export const GetChildrenResponse = record('GetChildrenResponse', { children: vector(ustring) })
export type GetChildrenResponse = TypeOf<typeof GetChildrenResponse>

export const GetChildren2Response = record('GetChildren2Response', {
  children: vector(ustring),
  stat: Stat,
})
export type GetChildren2Response = TypeOf<typeof GetChildren2Response>

export const SyncResponse = record('SyncResponse', { path: ustring })
export type SyncResponse = TypeOf<typeof SyncResponse>

export const SetWatches = record('SetWatches', {
  relativeZxid: long,
  dataWatches: vector(ustring),
  existWatches: vector(ustring),
  childWatches: vector(ustring),
})
export type SetWatches = TypeOf<typeof SetWatches>

export const SetWatches2 = record('SetWatches2', {
  relativeZxid: long,
  dataWatches: vector(ustring),
  existWatches: vector(ustring),
  childWatches: vector(ustring),
  persistentWatches: vector(ustring),
  persistentRecursiveWatches: vector(ustring),
})
export type SetWatches2 = TypeOf<typeof SetWatches2>

export const AddWatchRequest = record('AddWatchRequest', { path: ustring, mode: int })
export type AddWatchRequest = TypeOf<typeof AddWatchRequest>

/** checkWatches and removeWatches. */
export const WatcherTypeRequest = record('WatcherTypeRequest', { path: ustring, type: int })
export type WatcherTypeRequest = TypeOf<typeof WatcherTypeRequest>

export const ErrorResponse = record('ErrorResponse', { err: int })
export type ErrorResponse = TypeOf<typeof ErrorResponse>

export const GetEphemeralsResponse = record('GetEphemeralsResponse', {
  ephemerals: vector(ustring),
})
export type GetEphemeralsResponse = TypeOf<typeof GetEphemeralsResponse>

export const GetAllChildrenNumberResponse = record('GetAllChildrenNumberResponse', {
  totalNumber: int,
})
export type GetAllChildrenNumberResponse = TypeOf<typeof GetAllChildrenNumberResponse>

export const ClientInfo = record('ClientInfo', { authScheme: ustring, user: ustring })
export type ClientInfo = TypeOf<typeof ClientInfo>

export const WhoAmIResponse = record('WhoAmIResponse', { clientInfo: vector(ClientInfo) })
export type WhoAmIResponse = TypeOf<typeof WhoAmIResponse>

export const SaslToken = record('SaslToken', { token: buffer })
export type SaslToken = TypeOf<typeof SaslToken>

export const ReconfigRequest = record('ReconfigRequest', {
  joiningServers: buffer,
  leavingServers: buffer,
  newMembers: buffer,
  curConfigId: long,
})
export type ReconfigRequest = TypeOf<typeof ReconfigRequest>

export const MultiHeader = record('MultiHeader', { type: int, done: boolean, err: int })
export type MultiHeader = TypeOf<typeof MultiHeader>

/** `world:anyone` with every permission. */
export const OPEN_ACL_UNSAFE: readonly ACL[] = [
  { perms: 31, id: { scheme: 'world', id: 'anyone' } },
]
export const READ_ACL_UNSAFE: readonly ACL[] = [{ perms: 1, id: { scheme: 'world', id: 'anyone' } }]
/** Every permission to whoever the connection authenticated as. */
export const CREATOR_ALL_ACL: readonly ACL[] = [{ perms: 31, id: { scheme: 'auth', id: '' } }]
