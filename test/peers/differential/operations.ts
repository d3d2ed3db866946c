import * as jute from '@baton/jute'
import { OpCode, Xid } from '@baton/jute'

interface Shape {
  readonly type: number
  readonly request: jute.AnyType | undefined
  readonly reply: jute.AnyType | undefined
  /** Where the protocol fixes it. */
  readonly xid?: number
}

/** A list that may also hold what no list may: only the sender's side is needed. */
const anyParts: jute.AnyType = {
  name: 'anyParts',
  read: () => {
    throw new Error('a list of requests is only sent')
  },
  write(writer: jute.Writer, parts: readonly { type: number; body: unknown }[]) {
    for (const part of parts) {
      jute.MultiHeader.write(writer, { type: part.type, done: false, err: -1 })
      const found = Object.values(shapes).find(row => row.type === part.type)
      found?.request?.write(writer, part.body)
    }
    jute.MultiHeader.write(writer, { type: -1, done: true, err: -1 })
  },
}

const shape = (
  type: number,
  request?: jute.AnyType,
  reply?: jute.AnyType,
  xid?: number,
): Shape => ({ type, request, reply, ...(xid === undefined ? {} : { xid }) })

/** How each operation is asked and answered. */
export const shapes = {
  create: shape(OpCode.create, jute.CreateRequest, jute.CreateResponse),
  create2: shape(OpCode.create2, jute.CreateRequest, jute.Create2Response),
  createContainer: shape(OpCode.createContainer, jute.CreateRequest, jute.Create2Response),
  createTTL: shape(OpCode.createTTL, jute.CreateTTLRequest, jute.Create2Response),
  delete: shape(OpCode.delete, jute.DeleteRequest),
  deleteContainer: shape(OpCode.deleteContainer, jute.PathRequest),
  exists: shape(OpCode.exists, jute.PathAndWatchRequest, jute.StatResponse),
  getData: shape(OpCode.getData, jute.PathAndWatchRequest, jute.GetDataResponse),
  setData: shape(OpCode.setData, jute.SetDataRequest, jute.StatResponse),
  getACL: shape(OpCode.getACL, jute.PathRequest, jute.GetACLResponse),
  setACL: shape(OpCode.setACL, jute.SetACLRequest, jute.StatResponse),
  getChildren: shape(OpCode.getChildren, jute.PathAndWatchRequest, jute.GetChildrenResponse),
  getChildren2: shape(OpCode.getChildren2, jute.PathAndWatchRequest, jute.GetChildren2Response),
  sync: shape(OpCode.sync, jute.PathRequest, jute.SyncResponse),
  ping: shape(OpCode.ping, undefined, undefined, Xid.ping),
  check: shape(OpCode.check, jute.CheckVersionRequest),
  multi: shape(OpCode.multi, anyParts, jute.MultiResponse),
  multiRead: shape(OpCode.multiRead, anyParts, jute.MultiResponse),
  reconfig: shape(OpCode.reconfig, jute.ReconfigRequest),
  checkWatches: shape(OpCode.checkWatches, jute.WatcherTypeRequest),
  removeWatches: shape(OpCode.removeWatches, jute.WatcherTypeRequest),
  auth: shape(OpCode.auth, jute.AuthPacket, undefined, Xid.auth),
  sasl: shape(OpCode.sasl, jute.SaslToken, jute.SaslToken),
  setWatches: shape(OpCode.setWatches, jute.SetWatches, undefined, Xid.setWatches),
  setWatches2: shape(OpCode.setWatches2, jute.SetWatches2, undefined, Xid.setWatches),
  getEphemerals: shape(OpCode.getEphemerals, jute.PathRequest, jute.GetEphemeralsResponse),
  getAllChildrenNumber: shape(
    OpCode.getAllChildrenNumber,
    jute.PathRequest,
    jute.GetAllChildrenNumberResponse,
  ),
  addWatch: shape(OpCode.addWatch, jute.AddWatchRequest, jute.ErrorResponse),
  whoAmI: shape(OpCode.whoAmI, undefined, jute.WhoAmIResponse),
  closeSession: shape(OpCode.closeSession),
} as const

export type OperationName = keyof typeof shapes

export interface Operation {
  readonly name: OperationName
  readonly request: unknown
}

type Acl = readonly jute.ACL[] | null

export const OPEN: Acl = jute.OPEN_ACL_UNSAFE

export const acl = (perms: number, scheme: string, id: string): jute.ACL => ({
  perms,
  id: { scheme, id },
})

export const bytes = (text: string): Buffer => Buffer.from(text, 'utf8')

interface CreateOptions {
  readonly data?: Uint8Array | null
  readonly acl?: Acl
  readonly flags?: number
  readonly ttl?: number
}

function creation(path: string, options: CreateOptions, ttl?: number): unknown {
  const { data = bytes('d'), flags = 0 } = options
  const list = options.acl === undefined ? OPEN : options.acl
  return { path, data, acl: list, flags, ...(ttl === undefined ? {} : { ttl }) }
}

const make =
  (name: OperationName) =>
  (path: string, options: CreateOptions = {}): Operation => ({
    name,
    request: creation(path, options, name === 'createTTL' ? (options.ttl ?? 0) : undefined),
  })

export const create = make('create')
export const create2 = make('create2')
export const createContainer = make('createContainer')
export const createTtl = make('createTTL')

const versioned =
  (name: OperationName) =>
  (path: string, version = -1): Operation => ({ name, request: { path, version } })

export const del = versioned('delete')
export const check = versioned('check')

const watched =
  (name: OperationName) =>
  (path: string, watch = false): Operation => ({ name, request: { path, watch } })

export const exists = watched('exists')
export const getData = watched('getData')
export const getChildren = watched('getChildren')
export const getChildren2 = watched('getChildren2')

const ofPath =
  (name: OperationName) =>
  (path: string): Operation => ({ name, request: { path } })

export const getAcl = ofPath('getACL')
export const sync = ofPath('sync')
export const getEphemerals = ofPath('getEphemerals')
export const getAllChildrenNumber = ofPath('getAllChildrenNumber')
export const deleteContainer = ofPath('deleteContainer')

export const setData = (path: string, data: string | null = 'e', version = -1): Operation => ({
  name: 'setData',
  request: { path, data: data === null ? null : bytes(data), version },
})

export const setAcl = (path: string, list: Acl, version = -1): Operation => ({
  name: 'setACL',
  request: { path, acl: list, version },
})

const ofType =
  (name: OperationName) =>
  (path: string, type: number): Operation => ({ name, request: { path, type } })

export const checkWatches = ofType('checkWatches')
export const removeWatches = ofType('removeWatches')

export const addWatch = (path: string, mode: number): Operation => ({
  name: 'addWatch',
  request: { path, mode },
})

export const auth = (scheme: string, data: string): Operation => ({
  name: 'auth',
  request: { type: 0, scheme, auth: bytes(data) },
})

const nothing = (name: OperationName) => (): Operation => ({ name, request: undefined })

export const ping = nothing('ping')
export const whoAmI = nothing('whoAmI')
export const closeSession = nothing('closeSession')

const list =
  (name: OperationName) =>
  (...parts: readonly Operation[]): Operation => ({
    name,
    request: parts.map(part => ({ type: shapes[part.name].type, body: part.request })),
  })

export const multi = list('multi')
export const multiRead = list('multiRead')

interface Watches {
  readonly data?: readonly string[]
  readonly exist?: readonly string[]
  readonly child?: readonly string[]
  readonly persistent?: readonly string[]
  readonly recursive?: readonly string[]
}

/** `relativeZxid` as the server counts: absolute. */
export function setWatches(relativeZxid: number, watches: Watches): Operation {
  const { data = [], exist = [], child = [], persistent, recursive } = watches
  const request = { relativeZxid, dataWatches: data, existWatches: exist, childWatches: child }
  if (persistent === undefined && recursive === undefined) return { name: 'setWatches', request }
  const more = {
    persistentWatches: persistent ?? [],
    persistentRecursiveWatches: recursive ?? [],
  }
  return { name: 'setWatches2', request: { ...request, ...more } }
}

export const reconfig = (joining: string | null): Operation => ({
  name: 'reconfig',
  request: {
    joiningServers: joining === null ? null : bytes(joining),
    leavingServers: null,
    newMembers: null,
    curConfigId: -1,
  },
})
