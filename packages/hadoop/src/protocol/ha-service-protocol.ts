/** HAServiceProtocol, version 1: health and state of one NameNode. */
import { defineMethod, emptyShape, type Shape } from './method.ts'
import { ProtocolError } from './message-codec.ts'
import {
  GetServiceStatusRequestSchema,
  GetServiceStatusResponseSchema,
  MonitorHealthRequestSchema,
  MonitorHealthResponseSchema,
  TransitionRequestSchema,
  TransitionResponseSchema,
} from './gen/ha_pb.ts'

/** Java `HAServiceState`; the index is the number on the wire. */
export const SERVICE_STATES = ['initializing', 'active', 'standby', 'observer'] as const
export type ServiceState = (typeof SERVICE_STATES)[number]

/** Java `HAServiceProtocol.RequestSource`; the index is the number on the wire. */
export const REQUEST_SOURCES = ['user', 'userForced', 'zkfc'] as const
export type RequestSource = (typeof REQUEST_SOURCES)[number]

export interface ServiceStatus {
  readonly state: ServiceState
  readonly readyToBecomeActive: boolean
  /** In the server's words; absent where it is ready. */
  readonly notReadyReason?: string
}

export interface TransitionRequest {
  readonly source: RequestSource
}

const NAME = 'org.apache.hadoop.ha.HAServiceProtocol'

const transition: Shape<TransitionRequest, typeof TransitionRequestSchema> = {
  schema: TransitionRequestSchema,
  toMessage: ({ source }) => ({ reqInfo: { reqSource: REQUEST_SOURCES.indexOf(source) } }),
  fromMessage: ({ reqInfo }) => {
    const source = REQUEST_SOURCES[reqInfo?.reqSource ?? -1]
    // Java's parser keeps an unknown enum number apart and then misses the required field.
    if (source === undefined) {
      throw new ProtocolError('Message missing required fields: reqInfo.reqSource')
    }
    return { source }
  },
}

const status: Shape<ServiceStatus, typeof GetServiceStatusResponseSchema> = {
  schema: GetServiceStatusResponseSchema,
  toMessage: ({ state, readyToBecomeActive, notReadyReason }) => ({
    state: SERVICE_STATES.indexOf(state),
    readyToBecomeActive,
    ...(notReadyReason === undefined ? {} : { notReadyReason }),
  }),
  fromMessage: message => {
    const state = SERVICE_STATES[message.state]
    if (state === undefined) throw new ProtocolError('Message missing required fields: state')
    const common = { state, readyToBecomeActive: message.readyToBecomeActive }
    return message.notReadyReason === ''
      ? common
      : { ...common, notReadyReason: message.notReadyReason }
  },
}

function transitionMethod(name: string) {
  return defineMethod(NAME, name, transition, emptyShape(TransitionResponseSchema))
}

/** Twin of `org.apache.hadoop.ha.HAServiceProtocol`. */
export const HAServiceProtocol = {
  name: NAME,
  monitorHealth: defineMethod(
    NAME,
    'monitorHealth',
    emptyShape(MonitorHealthRequestSchema),
    emptyShape(MonitorHealthResponseSchema),
  ),
  getServiceStatus: defineMethod(
    NAME,
    'getServiceStatus',
    emptyShape(GetServiceStatusRequestSchema),
    status,
  ),
  transitionToActive: transitionMethod('transitionToActive'),
  transitionToStandby: transitionMethod('transitionToStandby'),
  transitionToObserver: transitionMethod('transitionToObserver'),
} as const
