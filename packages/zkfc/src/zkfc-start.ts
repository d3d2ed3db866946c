import {
  ConfigurationError,
  isAutomaticFailoverEnabled,
  requirePlainZooKeeper,
  requireSimpleAuthentication,
} from '@baton/hadoop'
import type { Configuration, Identity } from '@baton/hadoop'
import { formatAddress, NetworkError } from '@baton/runtime'
import type { Runtime } from '@baton/runtime'
import { BadFencingConfigurationError, NodeFencer, warnOfUnusableMethods } from './fencing/index.ts'
import { createOtherTargets, createTarget } from './ha-service-target.ts'
import type { HaServiceTarget } from './ha-service-target.ts'
import type { FailoverSettings } from './core/settings.ts'
import type { ZkfcConfig } from './config.ts'
import { LOCK_NAME } from './zk-session-io.ts'

/*
 * The start checks, in Java's order, and their exit codes (ZKFailoverController.doRun):
 *
 * | code | reason                                                                  |
 * | 1    | anything else: configuration, second instance, RPC port, fatal error    |
 * | 3    | the parent znode does not exist                                         |
 * | 4    | fencing is not configured, or wrongly                                   |
 * | 5    | automatic failover is not enabled                                       |
 * | 6    | ZooKeeper cannot be reached                                             |
 */
export class StartError extends Error {
  override readonly name = 'StartError'
  readonly exitCode: number
  constructor(exitCode: number, message: string) {
    super(message)
    this.exitCode = exitCode
  }
}

export interface Targets {
  readonly local: HaServiceTarget
  readonly others: readonly HaServiceTarget[]
}

export async function resolveTargets(
  conf: Configuration,
  identity: Identity,
  runtime: Runtime,
): Promise<Targets> {
  requireSimpleAuthentication(conf)
  requirePlainZooKeeper(conf)
  const local = await createTarget(conf, identity, runtime.network)
  if (!isAutomaticFailoverEnabled(conf, identity.nameserviceId)) {
    throw new StartError(
      5,
      `Automatic failover is not enabled for ${local.name}. Please ensure that automatic ` +
        'failover is enabled in the configuration before running the ZK failover controller.',
    )
  }
  return { local, others: await createOtherTargets(conf, identity, runtime.network) }
}

export function zooKeeperUnreachable(config: ZkfcConfig): StartError {
  return new StartError(
    6,
    `Unable to start failover controller. Unable to connect to ZooKeeper quorum at ` +
      `${config.quorum}. Please check the configured value for ha.zookeeper.quorum and ensure ` +
      'that ZooKeeper is running.',
  )
}

export function parentMissing(): StartError {
  return new StartError(
    3,
    'Unable to start failover controller. Parent znode does not exist.\n' +
      'Run with -formatZK flag to initialize ZooKeeper.',
  )
}

/** Warnings alone, in the background: the election is not held up. */
export function checkMethods(targets: Targets, runtime: Runtime): void {
  const nodes = [targets.local, ...targets.others].map(({ ref, conf }) => {
    return { namenodeId: ref.namenodeId, conf }
  })
  void warnOfUnusableMethods(nodes, runtime)
}

/** A fencer for every NameNode of the nameservice, from its own suffixed keys. */
export function createFencers(
  targets: Targets,
  runtime: Runtime,
  environment: Readonly<Record<string, string>>,
): Map<string, NodeFencer> {
  const fencers = new Map<string, NodeFencer>()
  for (const target of [targets.local, ...targets.others]) {
    const { namenodeId } = target.ref
    try {
      const surroundings = { environment, namenodeId }
      fencers.set(namenodeId, NodeFencer.create(target.conf, runtime, surroundings))
    } catch (error) {
      if (!(error instanceof BadFencingConfigurationError)) throw error
      throw new StartError(
        4,
        `Fencing is not configured for ${target.name}.\n` +
          `You must configure a fencing method before using automatic failover.\n${error.message}`,
      )
    }
  }
  return fencers
}

export function settingsOf(config: ZkfcConfig, targets: Targets): FailoverSettings {
  const { local, others } = targets
  return {
    local: local.ref,
    localName: local.name,
    others: others.map(target => target.ref),
    checkIntervalMs: config.checkIntervalMs,
    connectRetryIntervalMs: config.connectRetryIntervalMs,
    sleepAfterDisconnectMs: config.sleepAfterDisconnectMs,
    healthTimeoutMs: config.healthTimeoutMs,
    connectTimeoutMs: config.connectTimeoutMs,
    newActiveTimeoutMs: config.newActiveTimeoutMs,
    gracefulFenceTimeoutMs: config.gracefulFenceTimeoutMs,
    sessionTimeoutMs: config.sessionTimeoutMs,
    backoffBaseMs: config.backoffBaseMs,
    backoffMaxMs: config.backoffMaxMs,
    processEvidenceMs: config.processEvidenceMs,
    crumbDeleteMs: config.crumbDeleteMs,
    sharedEditsFenced: config.sharedEdits.startsWith('qjournal://'),
    trustConfiguredAddress: config.trustConfiguredAddress,
    threadDumps: config.threadDumpTimeoutMs > 0 && config.threadDumpBytesMax > 0,
    parentPath: config.parentPath,
    lockPath: `${config.parentPath}/${LOCK_NAME}`,
  }
}

/** In words for the operator, with Java's exit code. Rethrows our own mistakes. */
export function asStartError(error: unknown): StartError {
  if (error instanceof StartError) return error
  if (error instanceof ConfigurationError) return new StartError(1, error.message)
  if (error instanceof NetworkError) {
    const where = formatAddress(error.address)
    const why =
      error.code === 'EADDRINUSE'
        ? `port ${error.address.port} (dfs.ha.zkfc.port) is in use by another process (${where})`
        : error.message
    return new StartError(1, `Problem binding the RPC port: ${why}`)
  }
  if (error instanceof Error && error.name === 'SecondInstanceError') {
    return new StartError(1, error.message)
  }
  throw error
}
