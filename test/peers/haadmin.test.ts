import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Teardown, until } from '../harness/child.ts'
import { HadoopCluster } from '../harness/hadoop-cluster.ts'
import type { ControllerKind, ToolResult } from '../harness/hadoop-cluster.ts'
import { NameNodeProbe } from '../harness/name-node-probe.ts'
import { temporaryDirectory } from '../harness/paths.ts'
import { startCoordination } from '../harness/zookeeper.ts'

/** Commands whose words and exit codes must be the same from both tools. */
const SAME: readonly (readonly string[])[] = [
  ['-getServiceState', 'nn1'],
  ['-getServiceState', 'nn2'],
  ['-getServiceState', 'nn9'],
  ['-getServiceState'],
  ['-ns', 'mycluster', '-getServiceState', 'nn1'],
  ['-ns', 'other', '-getServiceState', 'nn1'],
  ['-getAllServiceState'],
  ['-checkHealth', 'nn1'],
  ['-checkHealth', 'nn9'],
  ['-transitionToActive', 'nn2'],
  ['-transitionToActive', '--forceactive', 'nn2'],
  ['-transitionToStandby', 'nn1'],
  ['-transitionToObserver', 'nn2'],
  ['-failover', '--forcefence', 'nn1', 'nn2'],
  ['-failover', 'nn1'],
  ['-help'],
  ['-help', 'getServiceState'],
  ['-help', 'failover'],
  ['-help', 'nonsense'],
  ['-nonsense'],
  [],
]

describe.each<ControllerKind>(['baton', 'java'])('haadmin against %s controllers', kind => {
  const teardown = new Teardown()
  let cluster: HadoopCluster
  let probe: NameNodeProbe

  beforeAll(async () => {
    const directory = temporaryDirectory(`haadmin-${kind}`)
    teardown.add(directory.remove)
    const coordination = await startCoordination('baton', join(directory.path, 'zookeeper'))
    teardown.child(coordination.child)
    const hadoop = join(directory.path, 'hadoop')
    mkdirSync(hadoop)
    const { connectString } = coordination
    cluster = await HadoopCluster.start({ directory: hadoop, connectString, teardown })
    probe = new NameNodeProbe(cluster.ports)
    teardown.add(() => probe.close())
    await cluster.formatZooKeeper(kind)
    cluster.startController(kind, 'nn1')
    await activeIs('nn1')
    cluster.startController(kind, 'nn2')
  }, 240_000)

  afterAll(() => teardown.run(), 60_000)

  async function activeIs(id: string): Promise<void> {
    await until(`${id} active`, async () => (await probe.active()).join() === id, {
      withinMs: 60_000,
    })
  }

  test('queries and refusals have the same words and exit codes from both tools', async () => {
    for (const args of SAME) {
      const [java, baton] = await Promise.all([
        cluster.haadmin('java', args),
        cluster.haadmin('baton', args),
      ])
      expect(comparable(baton), `haadmin ${args.join(' ')}`).toEqual(comparable(java))
    }
  })

  test('each tool fails over through the controllers', async () => {
    let active = 'nn1'
    for (const tool of ['java', 'baton', 'java', 'baton'] as const) {
      const to = active === 'nn1' ? 'nn2' : 'nn1'
      const result = await until(
        `${tool} haadmin -failover to ${to}`,
        async () => {
          const tried = await cluster.haadmin(tool, ['-failover', active, to])
          return tried.exitCode === 0 ? tried : undefined
        },
        { withinMs: 60_000, everyMs: 1_000 },
      )
      expect(comparable(result).stdout).toMatch(/^Failover to NameNode at .* successful$/)
      await activeIs(to)
      active = to
    }
  })
})

/** Without log lines, stack traces, and the one address text that Java prints in two ways. */
function comparable(result: ToolResult): ToolResult {
  return {
    exitCode: result.exitCode,
    stdout: plain(result.stdout),
    stderr: plain(result.stderr),
  }
}

function plain(text: string): string {
  return text
    .split('\n')
    .filter(line => !/^\d{4}-\d\d-\d\d |^\s+at |^SLF4J|^WARNING:|^log4j:/.test(line))
    .map(line => line.replaceAll('localhost/127.0.0.1:', '/127.0.0.1:').trimEnd())
    .join('\n')
    .trim()
}
