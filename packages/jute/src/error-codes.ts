/**
 * Errors are rows: name, code, and whether the same request may succeed when it is sent again
 * (ZooKeeper 3.9 `KeeperException.Code`).
 */
export const errorRows = [
  ['ok', 0, false],
  ['systemError', -1, false],
  ['runtimeInconsistency', -2, false],
  ['dataInconsistency', -3, false],
  ['connectionLoss', -4, true],
  ['marshallingError', -5, false],
  ['unimplemented', -6, false],
  ['operationTimeout', -7, true],
  ['badArguments', -8, false],
  ['unknownSession', -12, false],
  ['newConfigNoQuorum', -13, true],
  ['reconfigInProgress', -14, true],
  ['apiError', -100, false],
  ['noNode', -101, false],
  ['noAuth', -102, false],
  ['badVersion', -103, false],
  ['noChildrenForEphemerals', -108, false],
  ['nodeExists', -110, false],
  ['notEmpty', -111, false],
  ['sessionExpired', -112, false],
  ['invalidCallback', -113, false],
  ['invalidACL', -114, false],
  ['authFailed', -115, false],
  ['sessionMoved', -118, true],
  ['notReadOnly', -119, true],
  ['ephemeralOnLocalSession', -120, false],
  ['noWatcher', -121, false],
  ['requestTimeout', -122, true],
  ['reconfigDisabled', -123, false],
  ['sessionClosedRequireSaslAuth', -124, false],
  ['quotaExceeded', -125, false],
  ['throttledOp', -127, true],
] as const

export type ErrorName = (typeof errorRows)[number][0]

/** Code by name. */
export const ErrorCode = Object.fromEntries(errorRows.map(([name, code]) => [name, code])) as {
  readonly [N in ErrorName]: Extract<(typeof errorRows)[number], readonly [N, number, boolean]>[1]
}

const byCode = new Map<number, (typeof errorRows)[number]>(errorRows.map(row => [row[1], row]))

export function errorName(code: number): string {
  return byCode.get(code)?.[0] ?? `error ${code}`
}

/** The row's name, or undefined for a code this table does not know. */
export function knownErrorName(code: number): ErrorName | undefined {
  return byCode.get(code)?.[0]
}

export function mayRetry(code: number): boolean {
  return byCode.get(code)?.[2] ?? false
}
