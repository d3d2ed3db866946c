/**
 * A failover by hand, without controllers: check the target, ask the old active to step down, fence
 * it where it would not (or always, with --forcefence), activate the target, fail back where that
 * did not work and nothing was fenced. Twin of Java's FailoverController, with two differences: the
 * end state is read back, and the failback fences the target, which may have become active after
 * all (an unanswered transitionToActive is *unknown*, not failed).
 */
import {
  RemoteException,
  resolveJavaAddressText,
  type RequestSource,
  type ServiceStatus,
} from '@baton/hadoop'
import type { Logger, Runtime } from '@baton/runtime'
import { NodeFencer, type FenceTarget } from '@baton/zkfc'
import { HEALTH_CHECK_FAILED, isRemote, type HaCalls } from './ha-calls.ts'
import { targetText, type HaTarget } from './ha-target.ts'

export class FailoverFailedError extends Error {
  override readonly name = 'FailoverFailedError'
}

export interface FailoverOptions {
  readonly calls: HaCalls
  readonly runtime: Runtime
  readonly logger: Logger
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly source: RequestSource
  readonly signal: AbortSignal
}

export interface FailoverForce {
  readonly forceFence: boolean
  readonly forceActive: boolean
}

export class FailoverController {
  readonly #options: FailoverOptions

  constructor(options: FailoverOptions) {
    this.#options = options
  }

  /** Rejects with `FailoverFailedError` in Java's words; `fencer` is the old active's. */
  async failover(from: HaTarget, to: HaTarget, force: FailoverForce): Promise<void> {
    const fencer = this.#fencer(from)
    await this.#check(from, to, force.forceActive)
    const steppedDown = await this.#tryGracefulFence(from)
    const mustFence = !steppedDown || force.forceFence
    if (mustFence && !(await this.#fence(fencer, from, to))) {
      throw new FailoverFailedError(`Unable to fence ${await this.#text(from)}. Fencing failed.`)
    }
    const cause = await this.#activate(to)
    if (cause === undefined) return
    let message = `Unable to failover to ${await this.#text(to)}`
    if (!mustFence) message += await this.#failBack(to, from)
    throw new FailoverFailedError(message)
  }

  #fencer(target: HaTarget): NodeFencer {
    const { runtime, logger, environment } = this.#options
    return NodeFencer.create(target.conf, { ...runtime, logger }, { environment })
  }

  async #check(from: HaTarget, to: HaTarget, forceActive: boolean): Promise<void> {
    const same = from.address.host === to.address.host && from.address.port === to.address.port
    if (same) throw new FailoverFailedError("Can't failover a service to itself")
    const { calls, logger } = this.#options
    const text = await this.#text(to)
    let status: ServiceStatus
    try {
      status = await calls.getStatus(to, calls.newActiveTimeoutMs)
    } catch (error) {
      logger.error({}, `Unable to get service state for ${text}: ${messageOf(error)}`)
      throw new FailoverFailedError(`Unable to get service state for ${text}`)
    }
    if (status.state !== 'standby') {
      throw new FailoverFailedError(`Can't failover to an ${status.state} service`)
    }
    if (!status.readyToBecomeActive) {
      const reason = status.notReadyReason ?? ''
      if (!forceActive) {
        throw new FailoverFailedError(`${text} is not ready to become active: ${reason}`)
      }
      logger.warn({}, `Service is not ready to become active, but forcing: ${reason}`)
    }
    await this.#checkHealth(to)
  }

  async #checkHealth(to: HaTarget): Promise<void> {
    const { calls, logger } = this.#options
    try {
      await calls.monitorHealth(to, calls.newActiveTimeoutMs)
    } catch (error) {
      logger.error({}, messageOf(error))
      const unhealthy = isRemote(error, HEALTH_CHECK_FAILED)
      throw new FailoverFailedError(
        unhealthy ? "Can't failover to an unhealthy service" : 'Got an IO exception',
      )
    }
  }

  /** True only where the old active confirmed that it is standby now. */
  async #tryGracefulFence(from: HaTarget): Promise<boolean> {
    const { calls, logger, source } = this.#options
    try {
      await calls.transition(from, 'transitionToStandby', source, {
        rpcTimeoutMs: calls.gracefulFenceTimeoutMs,
        connectRetriesOnTimeouts: calls.gracefulFenceRetries,
      })
      return true
    } catch (error) {
      const text = await this.#text(from)
      logger.warn({}, `Unable to gracefully make ${text} standby (${messageOf(error)})`)
      return false
    }
  }

  async #fence(fencer: NodeFencer, from: HaTarget, to: HaTarget): Promise<boolean> {
    const nodes = {
      becomingActive: await this.#fenceTarget(to),
      becomingStandby: await this.#fenceTarget(from),
    }
    return (await fencer.fenceBoth(nodes, { signal: this.#options.signal })).ok
  }

  /** What went wrong; undefined once the target itself says that it is active. */
  async #activate(to: HaTarget): Promise<string | undefined> {
    const { calls, logger, source } = this.#options
    try {
      const rpcTimeoutMs = calls.newActiveTimeoutMs
      await calls.transition(to, 'transitionToActive', source, { rpcTimeoutMs })
      const { state } = await calls.getStatus(to, calls.checkTimeoutMs)
      if (state === 'active') return undefined
      throw new Error(`it accepted the transition and then said that it is ${state}`)
    } catch (error) {
      const cause = messageOf(error)
      logger.error({}, `Unable to make ${await this.#text(to)} active (${cause}). Failing back.`)
      return cause
    }
  }

  /** Fences for certain: the target was told to become active and its answer is not known. */
  async #failBack(to: HaTarget, from: HaTarget): Promise<string> {
    try {
      await this.failover(to, from, { forceFence: true, forceActive: true })
      return ''
    } catch (error) {
      const text = `. Failback to ${await this.#text(from)} failed (${messageOf(error)})`
      this.#options.logger.error({}, `Unable to failover to ${await this.#text(to)}${text}`)
      return text
    }
  }

  #text(target: HaTarget): Promise<string> {
    return targetText(target, this.#options.runtime.network)
  }

  async #fenceTarget(target: HaTarget): Promise<FenceTarget> {
    const { network } = this.#options.runtime
    const { nameserviceId, namenodeId, address } = target
    const addressText = await resolveJavaAddressText(address, network, { named: true })
    const [named = ''] = addressText.split('/')
    const host = named === '' ? address.host : named
    return { nameserviceId, namenodeId, host, port: address.port, addressText }
  }
}

/** Of a server's answer its own words only: a Java server adds its stack trace. */
function messageOf(error: unknown): string {
  if (error instanceof RemoteException) return error.shortMessage
  return error instanceof Error ? error.message : String(error)
}
