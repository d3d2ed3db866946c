import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { canConnect, Child, freePort, until } from './child.ts'
import { jarsOf } from './maven.ts'
import { BATON } from './paths.ts'

export type CoordinationKind = 'baton' | 'apache'

export interface CoordinationService {
  readonly child: Child
  readonly port: number
  readonly connectString: string
  readonly directory: string
}

/** One server, ours or Apache ZooKeeper 3.9, from the same zoo.cfg, on a loopback port. */
export async function startCoordination(
  kind: CoordinationKind,
  directory: string,
  options: { readonly port?: number; readonly extra?: readonly string[] } = {},
): Promise<CoordinationService> {
  const port = options.port ?? (await freePort())
  mkdirSync(join(directory, 'data'), { recursive: true })
  const cfg = join(directory, 'zoo.cfg')
  const lines = [
    'tickTime=2000',
    `dataDir=${join(directory, 'data')}`,
    `clientPort=${port}`,
    'clientPortAddress=127.0.0.1',
    'admin.enableServer=false',
    '4lw.commands.whitelist=ruok,srvr,stat,mntr,isro,conf',
    ...(options.extra ?? []),
  ]
  writeFileSync(cfg, `${lines.join('\n')}\n`)
  const child = new Child({
    name: `${kind}-server`,
    command: kind === 'baton' ? [...BATON, 'server', cfg] : apacheCommand(cfg),
    logFile: join(directory, 'server.log'),
  })
  await until(`${kind} server on port ${port}`, () => canConnect('127.0.0.1', port), {
    withinMs: 30_000,
    watch: [child],
  })
  return { child, port, connectString: `127.0.0.1:${port}`, directory }
}

function apacheCommand(cfg: string): string[] {
  const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain'
  return ['java', '-Xmx512m', ...QUICK_JAVA, '-cp', `${jarsOf('zookeeper')}/*`, main, cfg]
}

/** For daemons whose speed is not what the test is about: less compiling, fewer threads. */
export const QUICK_JAVA: readonly string[] = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
