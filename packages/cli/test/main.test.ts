import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNodeRuntime } from '@baton/runtime/node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startServer, type RunningServer } from './running-server.ts'
import { run, type Ran } from './test-io.ts'

const NAMES = ['haadmin', 'zkcli', 'zkfc', 'server', 'reference-namenode', 'demo']

describe('baton', () => {
  test.each(NAMES)('%s --help shows examples and exit codes', async name => {
    const found = await run([name, '--help'])
    expect(found.rc).toBe(0)
    expect(found.stdout).toMatch(/Examples?:/)
    expect(found.stdout).toMatch(/Exit code: 0/)
    expect(found.stdout).toMatch(new RegExp(`baton ${name} `))
  })

  test('--help lists every command', async () => {
    const found = await run(['--help'])
    expect(found.rc).toBe(0)
    for (const name of NAMES) expect(found.stdout).toMatch(new RegExp(`^ {2}${name} `, 'm'))
  })

  test('an unknown command or option is a usage error', async () => {
    expect(await run(['nope'])).toMatchObject({ rc: 1, stderr: "error: unknown command 'nope'\n" })
    expect((await run(['--nope'])).rc).toBe(1)
    const unknown = { rc: 1, stdout: '', stderr: "error: unknown command 'nope'\n" }
    for (const words of ['nope --help', '--conf /x nope -h', 'help nope', '--help nope']) {
      expect(await run(words.split(' ')), words).toEqual(unknown)
    }
    expect((await run(['sever'])).stderr).toBe(
      "error: unknown command 'sever' (did you mean server?)\n",
    )
    expect((await run([])).rc).toBe(1)
  })
})

test('--version prints the version of the package', async () => {
  const file = new URL('../package.json', import.meta.url)
  const { version } = JSON.parse(await readFile(file, 'utf8')) as { version: string }
  expect(await run(['--version'])).toEqual({ rc: 0, stdout: `${version}\n`, stderr: '' })
})

test('demo --help names every exit code', async () => {
  const { stdout } = await run(['demo', '--help'])
  expect(stdout).toContain('0 every promise held; 1 one did not; 130 interrupted')
})

describe('server', () => {
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'baton-cli-'))
  })
  afterAll(() => rm(directory, { recursive: true }))

  test('wrong words and a wrong file end with 2, all mistakes named', async () => {
    expect((await run(['server'])).rc).toBe(2)
    expect((await run(['server', '--log-level', 'loud', 'zoo.cfg'])).rc).toBe(2)
    const missing = join(directory, 'nope.cfg')
    const none = await run(['server', missing])
    expect(none).toEqual({ rc: 2, stdout: '', stderr: `${missing}: no such file\n` })
    const bad = join(directory, 'bad.cfg')
    await writeFile(bad, 'tickTime=x\nclientPort=99999\n')
    const found = await run(['server', bad])
    expect(found.rc).toBe(2)
    for (const key of ['tickTime', 'clientPort', 'dataDir']) expect(found.stderr).toContain(key)
  })

  test.each(['--hepl', '--version', '-v'])('%s is no option of server', async word => {
    const found = await run(['server', word])
    expect(found.rc).toBe(2)
    expect(found.stderr).toMatch(new RegExp(`^unknown option '${word}'\nUsage: baton server `))
  })

  test('serves until the signal comes, then ends with 0', async () => {
    const file = join(directory, 'zoo.cfg')
    const data = join(directory, 'data')
    await writeFile(file, `dataDir=${data}\nclientPort=0\nclientPortAddress=127.0.0.1\n`)
    let signal: (name: 'SIGTERM') => void = () => {}
    const armed = new Promise<void>(resolve => {
      const onSignal = (_: unknown, act: (name: 'SIGTERM') => void): (() => void) => {
        signal = act
        resolve()
        return () => {}
      }
      ended = run(['server', '--log-level', 'silent', file], { io: { onSignal } })
    })
    await armed
    signal('SIGTERM')
    expect(await ended).toEqual({ rc: 0, stdout: '', stderr: '' })
  })
  let ended: Promise<Ran>

  test('a data directory that cannot be used ends with 1', async () => {
    const blocker = join(directory, 'file')
    await writeFile(blocker, '')
    const file = join(directory, 'blocked.cfg')
    await writeFile(file, `dataDir=${blocker}\nclientPort=0\nclientPortAddress=127.0.0.1\n`)
    const found = await run(['server', '--log-level', 'silent', file])
    expect(found.rc).toBe(1)
    expect(found.stderr).toBe(
      `The server could not start: ${file}: dataDir=${blocker} cannot be used: ` +
        'it is a file, a directory is needed; name another one\n',
    )
  })

  const starts = async (name: string, lines: string): Promise<Ran & { readonly file: string }> => {
    const file = join(directory, name)
    await writeFile(file, lines)
    return { file, ...(await run(['server', '--log-level', 'silent', file])) }
  }

  test('a data directory where none can be made ends the start, in words', async () => {
    const found = await starts('proc.cfg', 'dataDir=/proc/none/data\nclientPort=0\n')
    expect(found.rc).toBe(1)
    expect(found.stderr).toBe(
      `The server could not start: ${found.file}: dataDir=/proc/none/data cannot be used` +
        ' (at /proc/none): it cannot be created there; name another one\n',
    )
  })

  test('a key of zoo.cfg that nobody knows is warned of, with the one that was meant', async () => {
    const keys = ['tickTme=100', 'some.key=1', 'initLimit=5', 'xyz=1']
    const lines = ['dataDir=/proc/none', 'clientPort=0', ...keys].join('\n')
    const found = await starts('typing.cfg', lines)
    expect(found.stderr).toBe(
      `WARN: ${found.file}: tickTme: no such key is known, nothing is done with it;` +
        ` is tickTime meant?\n` +
        `WARN: ${found.file}: xyz: no such key is known, nothing is done with it\n` +
        `The server could not start: ${found.file}: dataDir=/proc/none cannot be used:` +
        ' it cannot be created there; name another one\n',
    )
  })

  test('a dataLogDir that is a file is named by its own key', async () => {
    const blocker = join(directory, 'log-file')
    await writeFile(blocker, '')
    const data = join(directory, 'data-of-log')
    const lines = `dataDir=${data}\ndataLogDir=${blocker}\nclientPort=0\n`
    const found = await starts('log.cfg', lines)
    expect(found.rc).toBe(1)
    expect(found.stderr).toContain(`dataLogDir=${blocker} cannot be used: it is a file`)
  })

  test('a port in use, or a host that does not resolve, is told and leaves no files', async () => {
    const { network } = createNodeRuntime()
    const other = await network.listen({ host: '127.0.0.1', port: 0 }, () => {})
    const { port } = other.address
    const data = join(directory, 'never-made')
    const busy = await starts('busy.cfg', `dataDir=${data}\nclientPort=${port}\n`)
    await other.close()
    expect(busy.rc).toBe(1)
    expect(busy.stderr).toContain(
      `${busy.file}: port ${port} of clientPort is in use by another process`,
    )
    const host = 'clientPortAddress=no-such-host.invalid'
    const unknown = await starts('host.cfg', `dataDir=${data}\nclientPort=0\n${host}\n`)
    expect(unknown.rc).toBe(1)
    expect(unknown.stderr).toContain(
      'the host name "no-such-host.invalid" of clientPortAddress does not resolve',
    )
    await expect(stat(data)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('zkfc', () => {
  let server: RunningServer
  beforeAll(async () => {
    server = await startServer()
  })
  afterAll(() => server.stop())

  const KEYS = {
    'dfs.nameservices': 'c1',
    'dfs.ha.namenodes.c1': 'nn1,nn2',
    'dfs.namenode.rpc-address.c1.nn1': '127.0.0.1:1',
    'dfs.namenode.rpc-address.c1.nn2': '127.0.0.1:2',
    'dfs.ha.namenode.id': 'nn1',
    'dfs.ha.automatic-failover.enabled': 'true',
    'baton.log.level': 'silent',
  }
  const zkfc = (words: string, more = {}, stdin: readonly string[] = []): Promise<Ran> => {
    const pairs = { ...KEYS, 'ha.zookeeper.quorum': server.address, ...more }
    const defined = Object.entries(pairs).flatMap(([key, value]) => ['-D', `${key}=${value}`])
    return run(['zkfc', ...defined, ...words.split(' ').filter(word => word !== '')], { stdin })
  }

  test.each(['-h', '-help'])('%s alone prints the usage of hdfs zkfc', async word => {
    const found = await run(['zkfc', word])
    expect(found).toMatchObject({ rc: 0, stderr: '' })
    expect(found.stdout).toMatch(
      /^Usage: hdfs zkfc \[ -formatZK \[-force\] \[-nonInteractive\] \]\n\t-/,
    )
    expect((await zkfc(word)).rc).toBe(1)
  })

  test('a state directory where none can be made does not hold it up', async () => {
    const keys = { 'baton.zkfc.state-dir': '/proc/none', 'dfs.ha.fencing.methods': 'shell(true)' }
    expect((await zkfc('', keys)).rc, 'no parent znode').toBe(3)
  })

  test('exit codes 0 to 6', async () => {
    expect((await zkfc('')).rc, 'no parent znode').toBe(3)
    expect((await zkfc('-formatZK -nonInteractive')).rc, 'fresh').toBe(0)
    expect((await zkfc('-formatZK -nonInteractive')).rc, 'there already').toBe(2)
    expect((await zkfc('-formatZK -nonInteractive -force')).rc, 'forced').toBe(0)
    expect((await zkfc('-formatZK', {}, ['no'])).rc, 'answered no').toBe(2)
    expect((await zkfc('-formatZK')).rc, 'input closed').toBe(2)
    expect((await zkfc('-formatZK', {}, ['x', 'Y'])).rc, 'answered yes').toBe(0)
    expect((await zkfc('-nope')).rc, 'bad word').toBe(1)
    expect((await zkfc('')).rc, 'no fencing').toBe(4)
    expect((await zkfc('', { 'dfs.ha.fencing.methods': 'shell()' })).rc, 'bad fencing').toBe(4)
    expect((await zkfc('', { 'dfs.ha.automatic-failover.enabled': 'false' })).rc).toBe(5)
    const gone = { 'ha.zookeeper.quorum': '127.0.0.1:1', 'ha.zookeeper.session-timeout.ms': '300' }
    expect((await zkfc('-formatZK', gone)).rc, 'no ZooKeeper').toBe(6)
  })

  test.each<readonly [Readonly<Record<string, string>>, RegExp]>([
    [
      { 'hadoop.security.authentication': 'kerberos' },
      /hadoop\.security\.authentication = "kerberos"/,
    ],
    [{ 'hadoop.zk.ssl.enabled': 'true' }, /hadoop\.zk\.ssl\.enabled = "true"/],
    [{ 'ha.zookeeper.quorum': '' }, /ha\.zookeeper\.quorum/],
    [{ 'dfs.ha.namenode.id': 'nn9' }, /dfs\.ha\.namenode\.id = "nn9"/],
    [{ 'baton.log.level': 'loud' }, /baton\.log\.level = "loud"/],
    [{ 'baton.events.redis.url': 'nonsense' }, /baton\.events\.redis\.url/],
  ])('%j is refused with exit code 1', async (more, text) => {
    const found = await zkfc('', more)
    expect(found.rc).toBe(1)
    expect(found.stderr).toMatch(text)
  })
})
