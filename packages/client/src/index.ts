export { ClientCnxn } from './client-cnxn.ts'
export type { ClientCnxnOptions } from './client-cnxn.ts'
export * from './connect-string.ts'
export * from './digest.ts'
export type * from './inputs-and-effects.ts'
export type * from './operation.ts'
export { Chroot, pathProblem } from './paths.ts'
export type { Watch, WatchedEvent } from './watch-manager.ts'
export * from './zookeeper-error.ts'
export * from './zookeeper.ts'
export {
  CREATOR_ALL_ACL,
  CreateMode,
  ErrorCode,
  EventType,
  OPEN_ACL_UNSAFE,
  OpCode,
  Perms,
  READ_ACL_UNSAFE,
} from '@baton/jute'
export type { ACL, ErrorName, Stat } from '@baton/jute'
