/** What the txn log and proposals carry (`zookeeper.jute`, modules `txn` and `persistence`). */
import { ACL } from './records.ts'
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

/** 32 bytes before every txn. `clientId` is the session; `cxid` the client's xid. */
export const TxnHeader = record('TxnHeader', {
  clientId: long64,
  cxid: int,
  zxid: long,
  time: long,
  type: int,
})
export type TxnHeader = TypeOf<typeof TxnHeader>

export const TxnDigest = record('TxnDigest', { version: int, treeDigest: long64 })
export type TxnDigest = TypeOf<typeof TxnDigest>

/** For create and create2. `parentCVersion` is the parent's new one. */
export const CreateTxn = record('CreateTxn', {
  path: ustring,
  data: buffer,
  acl: nullableVector(ACL),
  ephemeral: boolean,
  parentCVersion: int,
})
export type CreateTxn = TypeOf<typeof CreateTxn>

export const CreateContainerTxn = record('CreateContainerTxn', {
  path: ustring,
  data: buffer,
  acl: nullableVector(ACL),
  parentCVersion: int,
})
export type CreateContainerTxn = TypeOf<typeof CreateContainerTxn>

export const CreateTTLTxn = record('CreateTTLTxn', {
  path: ustring,
  data: buffer,
  acl: nullableVector(ACL),
  parentCVersion: int,
  ttl: long,
})
export type CreateTTLTxn = TypeOf<typeof CreateTTLTxn>

export const DeleteTxn = record('DeleteTxn', { path: ustring })
export type DeleteTxn = TypeOf<typeof DeleteTxn>

/** `version` is the new one. */
export const SetDataTxn = record('SetDataTxn', { path: ustring, data: buffer, version: int })
export type SetDataTxn = TypeOf<typeof SetDataTxn>

export const SetACLTxn = record('SetACLTxn', {
  path: ustring,
  acl: nullableVector(ACL),
  version: int,
})
export type SetACLTxn = TypeOf<typeof SetACLTxn>

export const CheckVersionTxn = record('CheckVersionTxn', { path: ustring, version: int })
export type CheckVersionTxn = TypeOf<typeof CheckVersionTxn>

export const CreateSessionTxn = record('CreateSessionTxn', { timeOut: int })
export type CreateSessionTxn = TypeOf<typeof CreateSessionTxn>

/** The ephemerals to delete (since 3.6; the record may be absent in older logs). */
export const CloseSessionTxn = record('CloseSessionTxn', { paths2Delete: vector(ustring) })
export type CloseSessionTxn = TypeOf<typeof CloseSessionTxn>

export const ErrorTxn = record('ErrorTxn', { err: int })
export type ErrorTxn = TypeOf<typeof ErrorTxn>

/** One part of a multi: its type and its own record's bytes. */
export const SubTxn = record('Txn', { type: int, data: buffer })
export type SubTxn = TypeOf<typeof SubTxn>

export const MultiTxn = record('MultiTxn', { txns: vector(SubTxn) })
export type MultiTxn = TypeOf<typeof MultiTxn>
