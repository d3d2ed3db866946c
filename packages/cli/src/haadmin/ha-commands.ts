/** The commands of haadmin, one function each; the exit code is what they return. */
import {
  configuredHostName,
  ConfigurationError,
  getNameNodeIds,
  getNameServiceIds,
  IpcError,
  onlyNameServiceId,
  RemoteException,
  type IpcErrorCode,
  type ServiceStatus,
} from '@baton/hadoop'
import { formatAddress } from '@baton/runtime'
import { cliLogger } from '../cli-logger.ts'
import {
  confirmState,
  EXIT_FAILED,
  EXIT_OK,
  HaAdminError,
  isManualAllowed,
  onlyTarget,
  transition,
  type HaAdminRun,
} from './haadmin-run.ts'
import { HEALTH_CHECK_FAILED, isRemote, SERVICE_FAILED } from './ha-calls.ts'
import { resolveTarget, targetText, type HaTarget } from './ha-target.ts'
import { usageOf } from './haadmin-usage.ts'

type Command = (run: HaAdminRun) => Promise<number>

export const HA_COMMANDS: Readonly<Record<string, Command>> = {
  '-transitionToActive': transitionToActive,
  '-transitionToStandby': transitionToStandby,
  '-transitionToObserver': transitionToObserver,
  '-failover': failover,
  '-getServiceState': getServiceState,
  '-getAllServiceState': getAllServiceState,
  '-checkHealth': checkHealth,
}

async function getServiceState(run: HaAdminRun): Promise<number> {
  const target = onlyTarget(run)
  if (target === undefined) return EXIT_FAILED
  const status = await run.calls.getStatus(target, run.calls.checkTimeoutMs)
  run.io.stdout(run.json ? `${JSON.stringify(stateRecord(target, status))}\n` : `${status.state}\n`)
  return EXIT_OK
}

/** Exit code 0 even where some cannot be reached, as in Java; all are asked at the same time. */
async function getAllServiceState(run: HaAdminRun): Promise<number> {
  const targets = allTargets(run)
  if (targets.length === 0) throw new HaAdminError('Failed to get service IDs')
  const answers = await Promise.all(targets.map(target => askForState(run, target)))
  if (run.json) {
    const records = answers.map(answer => answer.record)
    run.io.stdout(`${JSON.stringify(records, undefined, 2)}\n`)
  } else for (const { line } of answers) run.io.stdout(line)
  return EXIT_OK
}

interface Answer {
  readonly line: string
  readonly record: object
}

async function askForState(run: HaAdminRun, target: HaTarget): Promise<Answer> {
  const host = await configuredHostName(target.address, run.runtime.network)
  const format = (text: string): string =>
    `${`${host}:${target.address.port}`.padEnd(50)} ${text.padEnd(10)}\n`
  try {
    const status = await run.calls.getStatus(target, run.calls.checkTimeoutMs)
    return { line: format(status.state), record: stateRecord(target, status) }
  } catch (error) {
    if (!isCallError(error)) throw error
    const { nameserviceId, namenodeId, address } = target
    const record = { nameserviceId, namenodeId, address, error: error.message }
    return { line: format(`Failed to connect: ${error.message}`), record }
  }
}

function stateRecord(target: HaTarget, status: ServiceStatus): object {
  const { nameserviceId, namenodeId, address } = target
  return { nameserviceId, namenodeId, address, ...status }
}

function isCallError(error: unknown): error is Error {
  return error instanceof RemoteException || (error instanceof Error && error.name === 'IpcError')
}

function allTargets(run: HaAdminRun): readonly HaTarget[] {
  const ids = getNameServiceIds(run.conf)
  const configured = run.conf.getTrimmed('dfs.nameservice.id')
  const nameserviceId = run.nameserviceId ?? configured ?? (ids.length === 1 ? ids[0] : undefined)
  if (nameserviceId === undefined && ids.length > 1) {
    onlyNameServiceId(run.conf) // says why, and names the option
  }
  if (nameserviceId === undefined) return []
  return getNameNodeIds(run.conf, nameserviceId).map(id =>
    resolveTarget(run.conf, nameserviceId, id),
  )
}

async function checkHealth(run: HaAdminRun): Promise<number> {
  const target = onlyTarget(run)
  if (target === undefined) return EXIT_FAILED
  try {
    await run.calls.monitorHealth(target, run.calls.checkTimeoutMs)
  } catch (error) {
    if (!isRemote(error, HEALTH_CHECK_FAILED)) throw error
    run.io.stderr(`Health check failed: ${error.message}\n`)
    return EXIT_FAILED
  }
  if (run.json)
    run.io.stdout(`${JSON.stringify({ namenodeId: target.namenodeId, healthy: true })}\n`)
  return EXIT_OK
}

async function transitionToActive(run: HaAdminRun): Promise<number> {
  const [id] = run.args
  if (id !== undefined && run.args.length === 1 && !run.options.has('forceactive')) {
    if (await isAnotherActive(run, id)) return EXIT_FAILED
  }
  return plainTransition(run, 'transitionToActive')
}

/**
 * Asks every other NameNode, as Java: the first that is active, unreachable, or managed by
 * controllers ends the command (the guard names *that* node, not the given one).
 */
async function isAnotherActive(run: HaAdminRun, id: string): Promise<boolean> {
  const usage = usageOf('-transitionToActive')
  for (const target of allTargets(run)) {
    if (target.namenodeId === id) continue
    if (!(await isManualAllowed(run, target))) return true
    try {
      const status = await run.calls.getStatus(target, run.calls.gracefulFenceTimeoutMs)
      if (status.state !== 'active') continue
      run.io.stderr(`transitionToActive: Node ${target.namenodeId} is already active\n${usage}`)
    } catch (error) {
      if (!isCallError(error)) throw error
      run.io.stderr(`Unexpected error occurred  ${error.message}\n${usage}`)
    }
    return true
  }
  return false
}

function transitionToStandby(run: HaAdminRun): Promise<number> {
  return plainTransition(run, 'transitionToStandby')
}

async function plainTransition(
  run: HaAdminRun,
  kind: 'transitionToActive' | 'transitionToStandby' | 'transitionToObserver',
): Promise<number> {
  const target = onlyTarget(run)
  if (target === undefined) return EXIT_FAILED
  if (!(await isManualAllowed(run, target))) return EXIT_FAILED
  await transition(run, target, kind)
  return EXIT_OK
}

async function transitionToObserver(run: HaAdminRun): Promise<number> {
  try {
    return await plainTransition(run, 'transitionToObserver')
  } catch (error) {
    if (!isRemote(error, SERVICE_FAILED)) throw error
    run.io.stderr(`transitionToObserver failed! ${error.message}\n`)
    return EXIT_FAILED
  }
}

const FAILOVER_OPTIONS_MAX = 3
const NOT_REACHED: ReadonlySet<IpcErrorCode> = new Set([
  'refused',
  'connectTimeout',
  'unreachable',
  'unknownHost',
])

async function failover(run: HaAdminRun): Promise<number> {
  const [fromId, toId] = run.args
  const optionCount = run.optionCount - (run.json ? 1 : 0)
  if (optionCount > FAILOVER_OPTIONS_MAX || toId === undefined || run.args.length !== 2) {
    run.io.stderr(`failover: incorrect arguments\n${usageOf('-failover')}`)
    return EXIT_FAILED
  }
  const from = resolveTarget(run.conf, run.nameserviceId, fromId ?? '')
  const to = resolveTarget(run.conf, run.nameserviceId, toId)
  const force = {
    forceFence: run.options.has('forcefence'),
    forceActive: run.options.has('forceactive'),
  }
  if (!to.autoFailover) return failoverByHand(run, from, to, force)
  if (force.forceFence || force.forceActive) {
    throw new HaAdminError(
      'forcefence and forceactive flags not supported with auto-failover enabled.',
    )
  }
  await askController(run, to)
  await confirmState(run, to, 'active')
  report(run, to, `Failover to ${await targetText(to, run.runtime.network)} successful`)
  return EXIT_OK
}

/** The NameNode may be well where its controller is not: says whose port it is. */
async function askController(run: HaAdminRun, to: HaTarget): Promise<void> {
  try {
    await run.calls.gracefulFailover(to)
  } catch (error) {
    if (!(error instanceof IpcError) || !NOT_REACHED.has(error.code)) throw error
    throw new HaAdminError(
      `Operation failed: ${error.message}\n${formatAddress(to.zkfcAddress)} is the controller of` +
        ` ${to.namenodeId} (dfs.ha.zkfc.port): is \`baton zkfc\` running there?`,
    )
  }
}

async function failoverByHand(
  run: HaAdminRun,
  from: HaTarget,
  to: HaTarget,
  force: { readonly forceFence: boolean; readonly forceActive: boolean },
): Promise<number> {
  // Loaded only here: fencing brings the controller package with it.
  const { FailoverController } = await import('./failover-controller.ts')
  const controller = new FailoverController({
    calls: run.calls,
    runtime: run.runtime,
    logger: cliLogger(run.io.stderr),
    environment: run.io.env,
    source: run.source,
    signal: new AbortController().signal,
  })
  try {
    await controller.failover(from, to, force)
  } catch (error) {
    throw failoverError(error)
  }
  report(run, to, `Failover from ${from.namenodeId} to ${to.namenodeId} successful`)
  return EXIT_OK
}

function failoverError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  if (error.name === 'FailoverFailedError')
    return new HaAdminError(`Failover failed: ${error.message}`)
  if (error.name !== 'BadFencingConfigurationError') return error
  return new ConfigurationError([`failover requires a fencer: ${error.message}`])
}

function report(run: HaAdminRun, to: HaTarget, text: string): void {
  const record = { nameserviceId: to.nameserviceId, active: to.namenodeId, address: to.address }
  run.io.stdout(run.json ? `${JSON.stringify(record)}\n` : `${text}\n`)
}
