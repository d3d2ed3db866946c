/**
 * The reference NameNode as a process of its own:
 *
 *   baton reference-namenode --conf DIR --id nn1 --edits DIR [--ns ID] [--safemode]
 *
 * Ends with 0 on SIGTERM and SIGINT, 1 when it ends itself or cannot start, 2 on wrong options.
 */
import { userInfo } from 'node:os'
import { parseArgs } from 'node:util'
import {
  Configuration,
  ConfigurationError,
  onlyNameServiceId,
  requireSimpleAuthentication,
} from '@baton/hadoop'
import { NetworkError, DiskError } from '@baton/runtime'
import { createLogger, createNodeRuntime } from '@baton/runtime/node'
import { ReferenceNameNode } from '../reference-namenode.ts'
import { listenFailure, requireAddress } from './start-failure.ts'

const USAGE =
  'usage: baton reference-namenode --conf DIR --id NAMENODE_ID --edits DIR [--ns ID] [--safemode]'

interface MainOptions {
  readonly conf: string
  readonly id: string
  readonly edits: string
  readonly ns: string | undefined
  readonly safeMode: boolean
}

/** undefined: the options are wrong, and the problem was printed. */
function readOptions(argv: readonly string[]): MainOptions | undefined {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        conf: { type: 'string' },
        id: { type: 'string' },
        edits: { type: 'string' },
        ns: { type: 'string' },
        safemode: { type: 'boolean', default: false },
      },
    })
    const { conf, id, edits, ns, safemode } = values
    if (conf !== undefined && id !== undefined && edits !== undefined) {
      return { conf, id, edits, ns, safeMode: safemode }
    }
    process.stderr.write(`--conf, --id and --edits are needed\n${USAGE}\n`)
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${USAGE}\n`)
  }
  return undefined
}

async function start(options: MainOptions): Promise<ReferenceNameNode> {
  const logger = createLogger()
  const runtime = createNodeRuntime({ logger })
  const conf = await Configuration.load({
    directory: options.conf,
    disk: runtime.disk,
    env: process.env,
    warn: text => logger.warn({}, text),
  })
  requireSimpleAuthentication(conf)
  const identity = {
    nameserviceId: options.ns ?? onlyNameServiceId(conf),
    namenodeId: options.id,
  }
  requireAddress(conf, identity, options.conf)
  try {
    return await ReferenceNameNode.start({
      runtime,
      conf,
      ...identity,
      editsDirectory: options.edits,
      superuser: process.env['HADOOP_USER_NAME'] ?? userInfo().username,
      safeMode: options.safeMode,
    })
  } catch (error) {
    const cause = listenFailure(conf, identity, error)
    throw cause === undefined ? error : new ConfigurationError([cause])
  }
}

/** Runs until it ends itself or is told to; resolves with the exit code of the process. */
export async function runReferenceNameNode(argv: readonly string[]): Promise<number> {
  const options = readOptions(argv)
  if (options === undefined) return 2
  let node: ReferenceNameNode
  try {
    node = await start(options)
  } catch (error) {
    const known = [ConfigurationError, NetworkError, DiskError]
    if (!known.some(kind => error instanceof kind)) throw error
    process.stderr.write(`NameNode ${options.id} cannot start: ${(error as Error).message}\n`)
    return 1
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void node.stop())
  const { exitCode, reason } = await node.whenEnded
  if (exitCode !== 0) process.stderr.write(`NameNode ${options.id} ends: ${reason}\n`)
  return exitCode
}
