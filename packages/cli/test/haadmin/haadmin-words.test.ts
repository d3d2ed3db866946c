import { ServiceException } from '@baton/hadoop'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { run, type Ran } from '../test-io.ts'
import { ScriptedCluster } from './scripted-cluster.ts'

const HEALTH_FAILED = 'org.apache.hadoop.ha.HealthCheckFailedException'

let cluster: ScriptedCluster
beforeEach(async () => {
  cluster = await ScriptedCluster.start()
})
afterEach(() => cluster.stop())

const manual = (args: string, more = {}): Promise<Ran> =>
  run(['haadmin', ...cluster.words(false, more), ...args.split(' ')])

describe('states as data and with failures', () => {
  test('-getAllServiceState goes on past a NameNode that is down', async () => {
    await cluster.nn1.stop()
    const found = await manual('-getAllServiceState')
    expect(found.rc).toBe(0)
    const [first = '', second = ''] = found.stdout.split('\n')
    expect(first).toMatch(/^\S+ +Failed to connect: /)
    expect(second.slice(51)).toBe('standby   ')
    const json = JSON.parse((await manual('-getAllServiceState --json')).stdout) as object[]
    expect(json).toMatchObject([
      { namenodeId: 'nn1', error: expect.any(String) as string },
      { namenodeId: 'nn2', state: 'standby', readyToBecomeActive: true },
    ])
  })

  test('--json of the others', async () => {
    cluster.nn2.notReadyReason = 'safe mode'
    const state = await manual('-getServiceState nn2 --json')
    expect(JSON.parse(state.stdout)).toEqual({
      nameserviceId: 'mycluster',
      namenodeId: 'nn2',
      address: { host: '127.0.0.1', port: cluster.nn2.address.port },
      state: 'standby',
      readyToBecomeActive: false,
      notReadyReason: 'safe mode',
    })
    const health = await manual('-checkHealth nn2 --json')
    expect(JSON.parse(health.stdout)).toEqual({ namenodeId: 'nn2', healthy: true })
  })

  test('-checkHealth of a sick NameNode', async () => {
    cluster.nn1.failures.set('monitorHealth', new ServiceException(HEALTH_FAILED, 'no disk'))
    expect(await manual('-checkHealth nn1')).toEqual({
      rc: 255,
      stdout: '',
      stderr: 'Health check failed: no disk\n',
    })
  })

  test('a peer that does not speak Hadoop RPC, and one that never answers', async () => {
    const garbage = createServer(socket => {
      socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n')
    })
    const silent = createServer(socket => socket.on('error', () => {}))
    const ports = await Promise.all([garbage, silent].map(listen))
    const key = 'dfs.namenode.rpc-address.mycluster.nn1'
    const limit = { 'ha.failover-controller.cli-check.rpc-timeout.ms': '100' }
    for (const port of ports) {
      const found = await manual('-getServiceState nn1', { [key]: `127.0.0.1:${port}`, ...limit })
      expect(found.rc).toBe(255)
      expect(found.stderr).toMatch(/^Operation failed: .*127\.0\.0\.1/)
      expect(found.stderr).not.toMatch(/\n\s+at /)
    }
    garbage.close()
    silent.close()
  })
})

function listen(server: ReturnType<typeof createServer>): Promise<number> {
  return new Promise(resolve => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
  })
}

describe('wrong words and wrong configuration', () => {
  test.each<readonly [string, Readonly<Record<string, string>>, RegExp]>([
    ['-ns mycluster', {}, /^Missing command\nUsage: /],
    ['-getServiceState --nope nn1', {}, /^getServiceState: incorrect arguments\nUsage: haadmin/],
    [
      '-failover --forcefence --forceactive --forcefence --forcefence nn1 nn2',
      {},
      /^failover: incorrect arg/,
    ],
    ['-help a b', {}, /^Usage: haadmin \[-ns <nameserviceId>\] \[-help <command>\]\n$/],
    ['-help constructor', {}, /^-constructor: Unknown command/],
    [
      '-getServiceState nn1',
      { 'dfs.nameservices': 'a,b' },
      /^Illegal argument: .*re-run with the -ns option\.\n$/,
    ],
    ['-getAllServiceState', { 'dfs.nameservices': 'a,b' }, /^Illegal argument: .*-ns option/],
    ['-getAllServiceState', { 'dfs.nameservices': '' }, /^Failed to get service IDs\n$/],
    ['-getAllServiceState', { 'dfs.ha.namenodes.mycluster': '' }, /^Failed to get service IDs\n$/],
    [
      '-getServiceState nn1',
      { 'hadoop.security.authentication': 'kerberos' },
      /hadoop\.security\.authentication/,
    ],
    [
      '-getServiceState nn1',
      { 'hadoop.rpc.protection': 'privacy' },
      /hadoop\.rpc\.protection = "privacy"/,
    ],
    [
      '-getServiceState nn1',
      { 'dfs.namenode.rpc-address.mycluster.nn1': 'h:70000' },
      /^Illegal argument: dfs\.namenode\.rpc-address\.mycluster\.nn1 = "h:70000".*out of range/,
    ],
    [
      '-getServiceState nn1',
      { 'ha.failover-controller.cli-check.rpc-timeout.ms': '20s' },
      /cli-check\.rpc-timeout\.ms = "20s" \(-D\): is not a whole number/,
    ],
  ])('%s with %j', async (args, more, expected) => {
    const found = await manual(args, more)
    expect(found.rc).toBe(255)
    expect(found.stderr).toMatch(expected)
    expect(found.stdout).toBe('')
    expect(cluster.calls).toEqual([])
  })

  test('options after -- are words', async () => {
    expect((await manual('-getServiceState nn1 --')).stdout).toBe('active\n')
    expect((await manual('-getServiceState -- -nn1')).stderr).toMatch(/namenode '-nn1'/)
  })

  test('generic options: --conf, HADOOP_CONF_DIR, a single file, -D in both places', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'baton-cli-'))
    try {
      const pairs = cluster.words(false).filter(word => word !== '-D')
      const body = pairs.map(pair => {
        const [name = '', value = ''] = pair.split('=')
        return `<property name="${name}" value="${value}"/>`
      })
      await writeFile(
        join(directory, 'hdfs-site.xml'),
        `<configuration>${body.join('')}</configuration>`,
      )
      const ask = ['-getServiceState', 'nn1']
      const active = { rc: 0, stdout: 'active\n', stderr: '' }
      expect(await run(['--conf', directory, 'haadmin', ...ask])).toEqual(active)
      expect(await run(['haadmin', '--conf', directory, ...ask])).toEqual(active)
      expect(await run(['haadmin', '-conf', join(directory, 'hdfs-site.xml'), ...ask])).toEqual(
        active,
      )
      expect(await run(['haadmin', ...ask], { env: { HADOOP_CONF_DIR: directory } })).toEqual(
        active,
      )
      const wins = [
        '-D',
        'dfs.nameservices=x',
        '--conf',
        directory,
        'haadmin',
        '-Ddfs.nameservices=mycluster',
      ]
      expect(await run([...wins, ...ask])).toEqual(active)
      await writeFile(join(directory, 'core-site.xml'), '<configuration>\n<oops')
      const broken = await run(['--conf', directory, 'haadmin', ...ask])
      expect(broken.rc).toBe(255)
      expect(broken.stderr).toMatch(/core-site\.xml, line 2: not well-formed XML/)
    } finally {
      await rm(directory, { recursive: true })
    }
  })

  test('a generic option without its value', async () => {
    expect((await run(['haadmin', '-D'])).stderr).toMatch(/-D needs a value/)
    expect((await run(['haadmin', '-D', 'nonsense', '-help'])).stderr).toMatch(/expected key=value/)
  })
})
