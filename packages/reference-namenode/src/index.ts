export { NamespaceProtocol } from './namespace-protocol.ts'
export type {
  AppendRequest,
  AppendResponse,
  MkdirResponse,
  PathRequest,
  ReadRequest,
  ReadResponse,
} from './namespace-protocol.ts'
export type { ListedEntry } from './namespace.ts'
export { ReferenceNameNode } from './reference-namenode.ts'
export type { Ended, ReferenceNameNodeOptions } from './reference-namenode.ts'
