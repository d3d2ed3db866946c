import { ErrorCode, errorName, knownErrorName } from '@baton/jute'
import type { ErrorName } from '@baton/jute'

/** What each error means for the reader of a message; one that is missing speaks by its name. */
const texts: Partial<Record<ErrorName, string>> = {
  connectionLoss: 'the connection was lost, so whether it was carried out is unknown',
  sessionExpired: 'the session is gone',
  authFailed: 'the server refused the credentials',
  noNode: 'there is no such znode',
  nodeExists: 'the znode exists already',
  noAuth: 'the ACL does not permit it',
  badVersion: 'the version is not the expected one',
  notEmpty: 'the znode has children',
  noChildrenForEphemerals: 'an ephemeral znode cannot have children',
  invalidACL: 'the ACL is not valid',
  badArguments: 'the arguments are not valid',
  noWatcher: 'there is no such watch',
  unimplemented: 'the server does not offer it',
  marshallingError: 'the request could not be encoded or read',
  sessionMoved: 'the session moved to another server',
  notReadOnly: 'the server is read-only',
  runtimeInconsistency: 'an earlier part of the multi failed',
  quotaExceeded: 'a quota would be exceeded',
  throttledOp: 'it was refused for too much load and not carried out',
}

export interface ErrorContext {
  /** The operation's name, as in the API. */
  readonly operation?: string
  readonly path?: string | undefined
  readonly server?: string | undefined
  /** Replaces the table's text. */
  readonly detail?: string
}

/** An operation that failed. `code` is the wire's (`KeeperException.Code`). */
export class ZooKeeperError extends Error {
  override readonly name: string = 'ZooKeeperError'
  readonly code: number
  /** `systemError` for a code that no table knows; `code` then tells. */
  readonly codeName: ErrorName
  readonly path: string | undefined

  constructor(code: number, context: ErrorContext = {}) {
    super(messageOf(code, context))
    this.code = code
    this.codeName = knownErrorName(code) ?? 'systemError'
    this.path = context.path
  }
}

/** A failed multi: `codes` are 0 before the part that failed, -2 (`runtimeInconsistency`) after. */
export class MultiError extends ZooKeeperError {
  override readonly name = 'MultiError'
  readonly codes: readonly number[]
  readonly failedIndex: number

  constructor(codes: readonly number[], paths: readonly string[], server: string | undefined) {
    const index = codes.findIndex(code => code !== ErrorCode.ok)
    const code = codes[index] ?? ErrorCode.systemError
    super(code, { operation: `multi, part ${index + 1}`, path: paths[index], server })
    this.codes = codes
    this.failedIndex = index
  }
}

function messageOf(code: number, context: ErrorContext): string {
  const known = knownErrorName(code)
  const text = context.detail ?? (known === undefined ? undefined : texts[known])
  const subject = [context.operation, context.path].filter(part => part !== undefined).join(' ')
  const words = text === undefined ? errorName(code) : `${text} (${errorName(code)})`
  const place = context.server === undefined ? '' : `, server ${context.server}`
  return subject === '' ? `${words}${place}` : `${subject}: ${words}${place}`
}
