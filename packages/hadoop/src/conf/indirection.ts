import { DiskError, readFile, type Disk } from '@baton/runtime'
import { ConfigurationError } from './configuration-error.ts'
import type { Configuration } from './configuration.ts'

const INDIRECT_BYTES_MAX = 65_536

/**
 * `@/path/file` stands for the trimmed content of that file (Hadoop's
 * `ZKUtil.resolveConfIndirection`, used for ha.zookeeper.acl and ha.zookeeper.auth); any other
 * value is returned as it is. `name` is what an error calls the value: the key and its file. The
 * content never appears in an error.
 */
export async function resolveIndirection(
  value: string,
  disk: Disk,
  name = 'an indirect value',
): Promise<string> {
  if (!value.startsWith('@')) return value
  const path = value.slice(1).trim()
  const refuse = (reason: string): ConfigurationError =>
    new ConfigurationError([`${name} = "${value}": the file ${path} ${reason}`])
  let content: Uint8Array | undefined
  try {
    content = await readFile(disk, path, INDIRECT_BYTES_MAX)
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
    throw refuse(`could not be read (${error.code})`)
  }
  if (content === undefined) throw refuse('does not exist')
  return new TextDecoder().decode(content).trim()
}

/** The key's value, indirection followed; undefined where it is not set. */
export async function getIndirect(
  conf: Configuration,
  key: string,
  disk: Disk,
): Promise<string | undefined> {
  const value = conf.getTrimmed(key)
  if (value === undefined) return undefined
  return resolveIndirection(value, disk, `${key} (${conf.sourceOf(key)})`)
}
