export {
  decodeActiveNodeInfo,
  encodeActiveNodeInfo,
  type ActiveNodeInfo,
} from './active-node-info.ts'
export {
  HAServiceProtocol,
  REQUEST_SOURCES,
  SERVICE_STATES,
  type RequestSource,
  type ServiceState,
  type ServiceStatus,
  type TransitionRequest,
} from './ha-service-protocol.ts'
export { ProtocolError } from './message-codec.ts'
export { defineMethod, emptyShape, type Empty, type Method, type Shape } from './method.ts'
export { ZKFCProtocol, type CedeActiveRequest } from './zkfc-protocol.ts'
