export type { ConnectionCallOptions, IpcConnection } from './client-connection.ts'
export { IpcClient, type CallOptions, type IpcClientOptions } from './ipc-client.ts'
export { IpcError, RemoteException, ServiceException, type IpcErrorCode } from './ipc-error.ts'
export {
  implement,
  IpcServer,
  type CallContext,
  type Handler,
  type IpcServerOptions,
} from './ipc-server.ts'
