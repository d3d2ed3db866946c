import { Configuration } from '@baton/hadoop'
import { tmpdir } from 'node:os'
import { userName, type CliIo } from './cli-io.ts'
import type { GenericOptions } from './generic-options.ts'

/**
 * The configuration a command works with: `--conf DIR`, else HADOOP_CONF_DIR; `--conf FILE` is one
 * more file, read after the site files. Warnings go to standard error.
 */
export async function loadConfiguration(
  io: CliIo,
  options: Pick<GenericOptions, 'conf' | 'overrides'>,
): Promise<Configuration> {
  const { disk } = await io.runtime()
  const named = options.conf
  const isFile = named !== undefined && (await disk.stat(named))?.isDirectory === false
  const fromEnvironment = io.env['HADOOP_CONF_DIR']
  const otherwise = fromEnvironment === '' ? undefined : fromEnvironment
  const directory = named === undefined || isFile ? otherwise : named
  return Configuration.load({
    disk,
    env: io.env,
    overrides: options.overrides,
    systemProperties: {
      'user.name': userName(io),
      'user.home': io.env['HOME'] ?? '/',
      'java.io.tmpdir': tmpdir(),
    },
    warn: text => io.stderr(`WARN: ${text}\n`),
    ...(directory === undefined ? {} : { directory }),
    ...(isFile ? { files: [named] } : {}),
  })
}
