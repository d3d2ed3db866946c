/** Why a server could not start, in words that name the key of zoo.cfg, the file and the cause. */
import { DiskError, formatAddress, NetworkError } from '@baton/runtime'
import type { ServerConfig } from '@baton/server'

type Places = Pick<ServerConfig, 'dataDir' | 'dataLogDir' | 'clientAddress'>

/** What a code of the system says of a directory; the rest are told in the system's own words. */
const DISK_CAUSES: Readonly<Record<string, string>> = {
  EEXIST: 'it is a file, a directory is needed; name another one',
  ENOTDIR: 'it is a file, a directory is needed; name another one',
  EACCES: 'this user may not read and write it; change its owner or its permissions',
  EPERM: 'this user may not read and write it; change its owner or its permissions',
  ENOENT: 'it cannot be created there; name another one',
  EROFS: 'its file system is read-only; name another one',
  ENOSPC: 'its file system is full',
  ELOCKED: 'another server uses it; stop that one, or name another directory',
}

const NETWORK_CAUSES: Readonly<Record<string, (places: Places) => string>> = {
  EADDRINUSE: ({ clientAddress }) =>
    `port ${clientAddress.port} of clientPort is in use by another process` +
    ` (address ${formatAddress(clientAddress)}); stop that one, or name another port`,
  EACCES: ({ clientAddress }) =>
    `this user may not listen on port ${clientAddress.port} of clientPort; name another port`,
  ENOTFOUND: ({ clientAddress }) =>
    `the host name "${clientAddress.host}" of clientPortAddress does not resolve`,
  EADDRNOTAVAIL: ({ clientAddress }) =>
    `clientPortAddress "${clientAddress.host}" is no address of this machine`,
}

/** undefined: an error of another kind, whose own message has to do. */
export function startFailure(file: string, places: Places, error: unknown): string | undefined {
  if (error instanceof DiskError) return `${file}: ${diskCause(places, error)}`
  if (!(error instanceof NetworkError)) return undefined
  const cause = NETWORK_CAUSES[error.code]?.(places) ?? `clientPort: ${error.message}`
  return `${file}: ${cause}`
}

function diskCause({ dataDir, dataLogDir }: Places, error: DiskError): string {
  const ofLog = dataLogDir !== dataDir && isWithin(error.path, dataLogDir)
  const ofData = isWithin(error.path, dataDir) || isWithin(dataDir, error.path)
  const [key, value] = ofLog || !ofData ? ['dataLogDir', dataLogDir] : ['dataDir', dataDir]
  const cause = DISK_CAUSES[error.code] ?? error.message
  const where = error.path === value ? '' : ` (at ${error.path})`
  const name = dataLogDir === dataDir ? 'dataDir' : key
  return `${name}=${value} cannot be used${where}: ${cause}`
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.replace(/\/*$/, '/'))
}
