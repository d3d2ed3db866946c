import { Configuration } from '@baton/hadoop'
import type { Disk } from '@baton/runtime'
import { tmpdir } from 'node:os'
import { userName, type CliIo } from './cli-io.ts'
import type { GenericOptions } from './generic-options.ts'
import { unknownKeyWarnings } from './known-keys.ts'

type Named = Pick<GenericOptions, 'conf' | 'overrides'>

const SITE_FILES = ['core-site.xml', 'hdfs-site.xml']
const NOTHING_READ =
  'no configuration was read: give --conf DIR or set HADOOP_CONF_DIR' +
  ' (a directory with core-site.xml and hdfs-site.xml)\n'

/**
 * The configuration a command works with: `--conf DIR`, else HADOOP_CONF_DIR, else the default
 * directory where it has a site file; `--conf FILE` is one more file, read after the site files.
 * Warnings go to standard error.
 */
export async function loadConfiguration(io: CliIo, options: Named): Promise<Configuration> {
  const { disk } = await io.runtime()
  const warn = (text: string): void => io.stderr(`WARN: ${text}\n`)
  const conf = await Configuration.load({
    disk,
    env: io.env,
    overrides: options.overrides,
    systemProperties: {
      'user.name': userName(io),
      'user.home': io.env['HOME'] ?? '/',
      'java.io.tmpdir': tmpdir(),
    },
    warn,
    ...(await placesOf(disk, io, options)),
  })
  for (const text of unknownKeyWarnings(conf)) warn(text)
  return conf
}

/**
 * What to add to a complaint about the configuration: a line for those who did not know that none
 * was read, else nothing. Nameservices given by -D are a configuration.
 */
export async function hintWhereNoneWasRead(io: CliIo, options: Named): Promise<string> {
  const { disk } = await io.runtime()
  const { directory, files } = await placesOf(disk, io, options)
  const given = options.overrides.some(([key]) => key === 'dfs.nameservices')
  return directory === undefined && files === undefined && !given ? NOTHING_READ : ''
}

interface Places {
  readonly directory?: string
  readonly files?: readonly string[]
}

async function placesOf(disk: Disk, io: CliIo, { conf: named }: Named): Promise<Places> {
  const fromEnvironment = io.env['HADOOP_CONF_DIR']
  const otherwise = fromEnvironment === '' ? undefined : fromEnvironment
  if (named === undefined) {
    const directory = otherwise ?? (await defaultDirectory(disk, io.defaultConfDirectory))
    return directory === undefined ? {} : { directory }
  }
  if ((await disk.stat(named))?.isDirectory !== false) return { directory: named }
  return { files: [named], ...(otherwise === undefined ? {} : { directory: otherwise }) }
}

async function defaultDirectory(disk: Disk, path: string): Promise<string | undefined> {
  for (const name of SITE_FILES) {
    if ((await disk.stat(`${path}/${name}`)) !== undefined) return path
  }
  return undefined
}
