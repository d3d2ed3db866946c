import {
  HAServiceProtocol,
  IpcClient,
  RemoteException,
  ZKFCProtocol,
  type Configuration,
  type RequestSource,
  type ServiceState,
  type ServiceStatus,
} from '@baton/hadoop'
import type { Runtime } from '@baton/runtime'
import type { HaTarget } from './ha-target.ts'

export const SERVICE_FAILED = 'org.apache.hadoop.ha.ServiceFailedException'
export const HEALTH_CHECK_FAILED = 'org.apache.hadoop.ha.HealthCheckFailedException'

export type Transition = 'transitionToActive' | 'transitionToStandby' | 'transitionToObserver'

/** The state each transition is to end in. */
export const END_STATE: Readonly<Record<Transition, ServiceState>> = {
  transitionToActive: 'active',
  transitionToStandby: 'standby',
  transitionToObserver: 'observer',
}

interface Limit {
  /** 0: none. */
  readonly rpcTimeoutMs: number
  readonly connectRetries?: number
  readonly connectRetriesOnTimeouts?: number
}

/**
 * The remote calls of haadmin, with the time-outs of Hadoop's keys. A refused connect is reported
 * at once: Java's second try after one second only delays the answer.
 */
export class HaCalls {
  readonly #client: IpcClient
  readonly checkTimeoutMs: number
  readonly gracefulFenceTimeoutMs: number
  readonly gracefulFenceRetries: number
  readonly newActiveTimeoutMs: number

  /** Throws `ConfigurationError` where a time-out is no number. */
  constructor(conf: Configuration, runtime: Runtime, user: string) {
    const controller = 'ha.failover-controller'
    this.checkTimeoutMs = conf.getInt(`${controller}.cli-check.rpc-timeout.ms`, 20_000)
    this.gracefulFenceTimeoutMs = conf.getInt(`${controller}.graceful-fence.rpc-timeout.ms`, 5_000)
    this.gracefulFenceRetries = conf.getInt(`${controller}.graceful-fence.connection.retries`, 1)
    this.newActiveTimeoutMs = conf.getInt(`${controller}.new-active.rpc-timeout.ms`, 60_000)
    this.#client = new IpcClient(runtime, {
      user,
      callerContext: 'CLI',
      connectTimeoutMs: conf.getInt('ipc.client.connect.timeout', 20_000),
      pingIntervalMs: conf.getBoolean('ipc.client.ping', true)
        ? conf.getInt('ipc.ping.interval', 60_000)
        : 0,
      responseBytesMax: conf.getInt('ipc.maximum.response.length', 134_217_728),
    })
  }

  getStatus(target: HaTarget, rpcTimeoutMs: number): Promise<ServiceStatus> {
    const limit = { rpcTimeoutMs }
    return this.#client.call(target.address, HAServiceProtocol.getServiceStatus, {}, limit)
  }

  async monitorHealth(target: HaTarget, rpcTimeoutMs: number): Promise<void> {
    await this.#client.call(target.address, HAServiceProtocol.monitorHealth, {}, { rpcTimeoutMs })
  }

  async transition(
    target: HaTarget,
    transition: Transition,
    source: RequestSource,
    limit: Limit = { rpcTimeoutMs: 0 },
  ): Promise<void> {
    await this.#client.call(target.address, HAServiceProtocol[transition], { source }, limit)
  }

  async gracefulFailover(target: HaTarget): Promise<void> {
    const limit = { rpcTimeoutMs: this.newActiveTimeoutMs }
    await this.#client.call(target.zkfcAddress, ZKFCProtocol.gracefulFailover, {}, limit)
  }

  close(): void {
    this.#client.close()
  }
}

export function isRemote(error: unknown, className: string): error is RemoteException {
  return error instanceof RemoteException && error.className === className
}
