import { implement, IpcServer, ServiceException, ZKFCProtocol } from '@baton/hadoop'
import type { CallContext } from '@baton/hadoop'
import { formatAddress } from '@baton/runtime'
import type { Address, Runtime } from '@baton/runtime'

/** Requests waiting for the core's answer; Java has three handlers and a queue before them. */
const REQUESTS_MAX = 64

/** What the caller gets instead of success: a Java class name and its message. */
export interface ServiceAnswerError {
  readonly className: string
  readonly message: string
}

/** A request that awaits `answer` with its number. */
export type ZkfcRequest =
  | (RequestBase & { readonly kind: 'cedeRequested'; readonly periodMs: number })
  | (RequestBase & { readonly kind: 'failoverRequested' })

interface RequestBase {
  readonly request: number
  readonly caller: string
  readonly callerContext?: string
}

export interface ZkfcRpcServerOptions {
  readonly runtime: Pick<Runtime, 'clock' | 'network' | 'logger'>
  readonly address: Address
  /** Rejects with `ServiceException` where the caller may not. */
  readonly access: { check(caller: CallContext): Promise<void> }
  readonly step: (request: ZkfcRequest) => void
  readonly onRefused: (request: string, caller: string, why: string) => void
}

/** Serves ZKFCProtocol to other controllers and to `haadmin`, Java's and ours. */
export class ZkfcRpcServer {
  readonly #options: ZkfcRpcServerOptions
  readonly #server: IpcServer
  readonly #waiting = new Map<number, (error: ServiceAnswerError | undefined) => void>()
  #lastRequest = 0
  #open = false

  constructor(options: ZkfcRpcServerOptions) {
    this.#options = options
    const { runtime, address } = options
    this.#server = new IpcServer(runtime, { address })
    this.#server.register(ZKFCProtocol.name, {
      cedeActive: implement(ZKFCProtocol.cedeActive, ({ millisToCede }, context) =>
        this.#serve('cedeActive', context, base => ({
          kind: 'cedeRequested',
          periodMs: millisToCede,
          ...base,
        })),
      ),
      gracefulFailover: implement(ZKFCProtocol.gracefulFailover, (_request, context) =>
        this.#serve('gracefulFailover', context, base => ({ kind: 'failoverRequested', ...base })),
      ),
    })
  }

  /** The address really bound. */
  listen(): Promise<Address> {
    return this.#server.listen()
  }

  /** The start is complete: requests are taken from now on. */
  start(): void {
    this.#open = true
  }

  answer(request: number, error: ServiceAnswerError | undefined): void {
    const settle = this.#waiting.get(request)
    this.#waiting.delete(request)
    settle?.(error)
  }

  close(): Promise<void> {
    this.#open = false
    for (const request of [...this.#waiting.keys()]) this.answer(request, SHUTTING_DOWN)
    return this.#server.close()
  }

  async #serve(
    name: string,
    context: CallContext,
    makeInput: (base: RequestBase) => ZkfcRequest,
  ): Promise<Record<never, never>> {
    const caller = `${context.user} at ${formatAddress(context.remote)}`
    try {
      await this.#options.access.check(context)
    } catch (error) {
      if (error instanceof ServiceException) {
        this.#options.onRefused(name, caller, error.message)
      }
      throw error
    }
    const { callerContext } = context
    const request = (this.#lastRequest += 1)
    const base: RequestBase = {
      request,
      caller,
      ...(callerContext === undefined ? {} : { callerContext }),
    }
    const error = await this.#ask(request, makeInput(base))
    if (error !== undefined) throw new ServiceException(error.className, error.message)
    return {}
  }

  #ask(request: number, input: ZkfcRequest): Promise<ServiceAnswerError | undefined> {
    if (!this.#open) return Promise.resolve(NOT_STARTED)
    if (this.#waiting.size >= REQUESTS_MAX) return Promise.resolve(TOO_BUSY)
    return new Promise(resolve => {
      this.#waiting.set(request, resolve)
      this.#options.step(input)
    })
  }
}

const IO_EXCEPTION = 'java.io.IOException'
const SHUTTING_DOWN = { className: IO_EXCEPTION, message: 'this failover controller is stopping' }
const NOT_STARTED = { className: IO_EXCEPTION, message: 'this failover controller is starting' }
const TOO_BUSY = {
  className: IO_EXCEPTION,
  message: `this failover controller has ${REQUESTS_MAX} requests under way already; try later`,
}
