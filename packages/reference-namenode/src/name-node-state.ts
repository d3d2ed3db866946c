/**
 * What a NameNode may do in which state, and in which words it refuses: the rules of Hadoop 3.4's
 * `NameNode`, `HAState` and `NameNodeRpcServer`, as a pure function from the facts to a refusal.
 *
 *   request source    first: user is refused where failover is automatic, zkfc where it is not
 *   superuser         second
 *   observer, safe mode, active -> observer    then, per transition
 */
import { ServiceException, type RequestSource, type ServiceState } from '@baton/hadoop'

export type RoleState = Exclude<ServiceState, 'initializing'>

export interface StateFacts {
  readonly state: RoleState
  readonly safeMode: boolean
  /** dfs.ha.nn.not-become-active-in-safemode */
  readonly notActiveInSafeMode: boolean
  readonly automaticFailover: boolean
}

const ACCESS_CONTROL = 'org.apache.hadoop.security.AccessControlException'
const SERVICE_FAILED = 'org.apache.hadoop.ha.ServiceFailedException'
const HEALTH_CHECK_FAILED = 'org.apache.hadoop.ha.HealthCheckFailedException'
const STANDBY = 'org.apache.hadoop.ipc.StandbyException'
const SAFE_MODE = 'org.apache.hadoop.hdfs.server.namenode.SafeModeException'

const SAFE_MODE_TIP =
  'It was turned on manually. Use "hdfs dfsadmin -safemode leave" to turn safe mode off.'

/** `remoteHost` is named in the refusal of a controller. */
export function refuseSource(
  facts: StateFacts,
  source: RequestSource,
  remoteHost: string,
): ServiceException | undefined {
  if (source === 'user' && facts.automaticFailover) {
    const message =
      'Manual HA control for this NameNode is disallowed, because automatic HA is enabled.'
    return new ServiceException(ACCESS_CONTROL, message)
  }
  if (source === 'zkfc' && !facts.automaticFailover) {
    const message =
      `Request from ZK failover controller at ${remoteHost} denied` +
      ' since automatic HA is not enabled'
    return new ServiceException(ACCESS_CONTROL, message)
  }
  return undefined
}

export function refuseUser(user: string, operation: string): ServiceException {
  const message =
    `Access denied for user ${user}.` +
    ` Superuser privilege is required for operation ${operation}`
  return new ServiceException(ACCESS_CONTROL, message)
}

/** Going where one is already is never refused. */
export function refuseTransition(
  facts: StateFacts,
  target: RoleState,
): ServiceException | undefined {
  const { state, safeMode, notActiveInSafeMode } = facts
  const held = safeMode && notActiveInSafeMode
  const notFromTo = new ServiceException(
    SERVICE_FAILED,
    `Cannot transition from '${state}' to '${target}'`,
  )
  const stillInSafeMode = new ServiceException(SERVICE_FAILED, 'NameNode still not leave safemode')
  switch (target) {
    case 'active':
      if (state === 'observer') return notFromTo
      return held ? stillInSafeMode : undefined
    case 'observer':
      if (held) return stillInSafeMode
      return state === 'active' ? notFromTo : undefined
    case 'standby':
      return undefined
  }
}

/** undefined: healthy. */
export function refuseHealth(
  facts: StateFacts,
  resourcesAvailable: boolean,
): ServiceException | undefined {
  if (!resourcesAvailable) {
    return new ServiceException(HEALTH_CHECK_FAILED, 'The NameNode has no resources available')
  }
  if (!facts.notActiveInSafeMode || !facts.safeMode) return undefined
  const message = 'The NameNode is configured to report UNHEALTHY to ZKFC in Safemode.'
  return new ServiceException(HEALTH_CHECK_FAILED, message)
}

/** undefined: ready to become active. */
export function notReadyReason(facts: StateFacts): string | undefined {
  if (facts.state === 'observer') return 'State is observer'
  if (facts.state === 'active' || !facts.safeMode) return undefined
  return `The NameNode is in safemode. ${SAFE_MODE_TIP}`
}

/** Namespace calls: all at the active one, reads also at an observer. */
export function refuseNamespaceCall(
  facts: StateFacts,
  category: 'READ' | 'WRITE',
): ServiceException | undefined {
  const { state } = facts
  if (state === 'standby' || (state === 'observer' && category === 'WRITE')) {
    const message =
      `Operation category ${category} is not supported in state ${state}.` +
      ' Visit https://s.apache.org/sbnn-error'
    return new ServiceException(STANDBY, message)
  }
  if (category === 'READ' || !facts.safeMode) return undefined
  return new ServiceException(SAFE_MODE, `Name node is in safe mode.\n${SAFE_MODE_TIP}`)
}
