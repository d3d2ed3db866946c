/** What can be asked of a server, as data, and what each kind answers. */
import type { ACL, ClientInfo, CreateMode, MultiRequestOp, MultiResult, Stat } from '@baton/jute'
import type { Watch } from './watch-manager.ts'
import type { ZooKeeperError } from './zookeeper-error.ts'

export type Data = Uint8Array | null

/** Paths are the client's (below the chroot). `version` -1 or absent: any. */
export type Operation =
  | CreateOperation<'create'>
  | CreateOperation<'create2'>
  | { readonly kind: 'delete'; readonly path: string; readonly version?: number }
  | { readonly kind: 'exists'; readonly path: string; readonly watch?: Watch | undefined }
  | { readonly kind: 'getData'; readonly path: string; readonly watch?: Watch | undefined }
  | { readonly kind: 'getChildren'; readonly path: string; readonly watch?: Watch | undefined }
  | {
      readonly kind: 'setData'
      readonly path: string
      readonly data: Data
      readonly version?: number
    }
  | { readonly kind: 'getACL'; readonly path: string }
  | {
      readonly kind: 'setACL'
      readonly path: string
      readonly acl: readonly ACL[]
      readonly version?: number
    }
  | { readonly kind: 'sync'; readonly path: string }
  | { readonly kind: 'multi'; readonly ops: readonly MultiOp[] }
  | { readonly kind: 'multiRead'; readonly ops: readonly MultiReadOp[] }
  | {
      readonly kind: 'addWatch'
      readonly path: string
      readonly mode: WatchMode
      readonly watch: Watch
    }
  | { readonly kind: 'removeWatches'; readonly path: string; readonly type: WatcherTypeName }
  | { readonly kind: 'getEphemerals'; readonly prefix: string }
  | { readonly kind: 'getAllChildrenNumber'; readonly path: string }
  | { readonly kind: 'whoAmI' }

interface CreateOperation<K extends string> extends CreateOptions {
  readonly kind: K
  readonly path: string
  readonly data: Data
}

export interface CreateOptions {
  /** Absent: world:anyone with every permission. */
  readonly acl?: readonly ACL[]
  /** Absent: persistent. */
  readonly mode?: CreateMode
  /** Only with the two TTL modes, which need it; 1 to 2^40 - 1 ms. */
  readonly ttlMs?: number
}

export type WatchMode = 'persistent' | 'persistentRecursive'
export type WatcherTypeName = 'children' | 'data' | 'any' | 'persistent' | 'persistentRecursive'

/** One part of a multi: a write, or `check`, which only compares the version. */
export type MultiOp = Extract<MultiRequestOp, { type: 1 | 2 | 5 | 13 | 15 | 19 | 21 }>
export type MultiReadOp = Extract<MultiRequestOp, { type: 4 | 8 }>
export type MultiOpResult = Exclude<MultiResult, { type: -1 | 4 | 8 }>
export type MultiReadResult = Extract<MultiResult, { type: 4 | 8 }> | ZooKeeperError

/** What each kind of operation answers with. */
export interface Results {
  readonly create: string
  readonly create2: { readonly path: string; readonly stat: Stat }
  readonly delete: undefined
  /** undefined: no such znode; the watch then waits for its creation. */
  readonly exists: Stat | undefined
  readonly getData: { readonly data: Data; readonly stat: Stat }
  readonly getChildren: { readonly children: readonly string[]; readonly stat: Stat }
  readonly setData: Stat
  readonly getACL: { readonly acl: readonly ACL[]; readonly stat: Stat }
  readonly setACL: Stat
  readonly sync: string
  readonly multi: readonly MultiOpResult[]
  readonly multiRead: readonly MultiReadResult[]
  readonly addWatch: undefined
  readonly removeWatches: undefined
  readonly getEphemerals: readonly string[]
  readonly getAllChildrenNumber: number
  readonly whoAmI: readonly ClientInfo[]
}

export type Kind = Operation['kind']
export type OperationOf<K extends Kind> = Extract<Operation, { kind: K }>

/** Exactly one call, never from inside `submit`; `value` is set where `error` is undefined. */
export type Reply<T> = (error: ZooKeeperError | undefined, value: T | undefined) => void
