import { formatAddress, type Address } from '@baton/runtime'

export type IpcErrorCode =
  | 'refused'
  | 'connectTimeout'
  | 'unreachable'
  | 'unknownHost'
  | 'closed'
  | 'reset'
  | 'timeout'
  | 'protocol'
  | 'tooLarge'
  | 'aborted'

/**
 * A call that got no answer from the server's own mouth. `refused`: nothing listens at the address,
 * reported at once. `closed` / `reset`: the link ended by FIN / RST while the call waited, its
 * outcome is unknown. `timeout`: no answer in `rpcTimeoutMs`, outcome unknown. `protocol`: the peer
 * does not speak Hadoop RPC as it should. `tooLarge`: an answer beyond the limit.
 */
export class IpcError extends Error {
  override readonly name = 'IpcError'
  readonly code: IpcErrorCode
  readonly address: Address
  constructor(code: IpcErrorCode, address: Address, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.address = address
  }
}

/** An error answer of the server (Java `RemoteException`). */
export class RemoteException extends Error {
  override readonly name = 'RemoteException'
  /** Java class name, for example `org.apache.hadoop.ipc.StandbyException`. */
  readonly className: string
  /** `RpcErrorCodeProto`; undefined where the server gave none. */
  readonly errorDetail: number | undefined
  /** The server closes the connection after this answer. */
  readonly fatal: boolean

  /** `message` is the server's text; a Java server adds its stack trace to it. */
  constructor(
    className: string,
    message: string,
    details: { readonly errorDetail: number | undefined; readonly fatal: boolean },
  ) {
    super(message)
    this.className = className
    this.errorDetail = details.errorDetail
    this.fatal = details.fatal
  }

  /** First line of the message: the server's words without the stack trace. */
  get shortMessage(): string {
    const end = this.message.indexOf('\n')
    return end < 0 ? this.message : this.message.slice(0, end)
  }
}

/** Thrown by a handler: the caller gets this Java class name and message. */
export class ServiceException extends Error {
  override readonly name = 'ServiceException'
  readonly className: string
  constructor(className: string, message: string) {
    super(message)
    this.className = className
  }
}

/** "what happened at address" in one form for all transport errors. */
export function ipcError(code: IpcErrorCode, address: Address, what: string): IpcError {
  return new IpcError(code, address, `${what} (${formatAddress(address)})`)
}
