/** ZKFCProtocol, version 1: what controllers and `haadmin` ask of a controller. */
import { defineMethod, emptyShape, type Shape } from './method.ts'
import {
  CedeActiveRequestSchema,
  CedeActiveResponseSchema,
  GracefulFailoverRequestSchema,
  GracefulFailoverResponseSchema,
} from './gen/ha_pb.ts'

export interface CedeActiveRequest {
  /** Stay out of the election this long; 0 or less ends an earlier delay at once. */
  readonly millisToCede: number
}

const NAME = 'org.apache.hadoop.ha.ZKFCProtocol'

/** The field is uint32 and the Java value an int: -1 travels as `08 ff ff ff ff 0f`. */
const cede: Shape<CedeActiveRequest, typeof CedeActiveRequestSchema> = {
  schema: CedeActiveRequestSchema,
  toMessage: ({ millisToCede }) => ({ millisToCede: millisToCede >>> 0 }),
  fromMessage: ({ millisToCede }) => ({ millisToCede: millisToCede | 0 }),
}

/** Twin of `org.apache.hadoop.ha.ZKFCProtocol`. */
export const ZKFCProtocol = {
  name: NAME,
  cedeActive: defineMethod(NAME, 'cedeActive', cede, emptyShape(CedeActiveResponseSchema)),
  gracefulFailover: defineMethod(
    NAME,
    'gracefulFailover',
    emptyShape(GracefulFailoverRequestSchema),
    emptyShape(GracefulFailoverResponseSchema),
  ),
} as const
