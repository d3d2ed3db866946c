import { describe, expect, test } from 'vitest'
import { runZkfc, ZKFC_USAGE } from '../src/run-zkfc.ts'
import type { StopSignal } from '../src/run-zkfc.ts'
import { World } from './support/world.ts'

interface Ran {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

interface Given {
  readonly words?: readonly string[]
  readonly entries?: readonly (readonly [string, string])[]
  readonly stdin?: readonly string[]
  readonly hadGenericOptions?: boolean
  readonly signal?: StopSignal
}

/** One run of the command on nn1's host, to its end. */
async function run(world: World, given: Given = {}): Promise<Ran> {
  let exitCode: number | undefined
  let stdout = ''
  let stderr = ''
  const lines = [...(given.stdin ?? [])]
  world.sim.host('nn1').spawn('zkfc', async runtime => {
    exitCode = await runZkfc(given.words ?? [], {
      runtime,
      conf: world.conf('nn1').with(given.entries ?? []),
      hadGenericOptions: given.hadGenericOptions ?? false,
      env: {},
      user: 'hdfs',
      localAddresses: [],
      localProcesses: world.localProcesses,
      stdout: text => void (stdout += text),
      stderr: text => void (stderr += text),
      readLine: () => Promise.resolve(lines.shift()),
      onSignal: (_names, signalled) => {
        const { signal } = given
        if (signal === undefined) return () => {}
        return runtime.clock.after(3000, () => signalled(signal))
      },
    })
  })
  await world.sim.runUntil(() => exitCode !== undefined)
  return { exitCode: exitCode ?? -1, stdout, stderr }
}

async function formatted(): Promise<World> {
  const world = new World()
  await world.startServer()
  await world.format()
  return world
}

test('help is help only as the one word', async () => {
  const world = new World()
  for (const word of ['-h', '-help', '--help']) {
    const { exitCode, stdout } = await run(world, { words: [word] })
    expect(exitCode).toBe(0)
    expect(stdout.startsWith(ZKFC_USAGE)).toBe(true)
    expect(stdout).toContain('Generic options supported are:')
  }
  const ran = await run(world, { words: ['-help'], hadGenericOptions: true })
  expect(ran).toMatchObject({ exitCode: 1, stdout: '' })
  expect(ran.stderr).toContain('Bad argument: -help')
})

describe('exit codes', () => {
  const cases: readonly (readonly [number, string, Given, string])[] = [
    [1, 'no quorum', { entries: [['ha.zookeeper.quorum', '']] }, 'ha.zookeeper.quorum'],
    [1, 'a bad ACL', { entries: [['ha.zookeeper.acl', 'bad']] }, 'ha.zookeeper.acl'],
    [
      1,
      'a bad auth',
      { entries: [['ha.zookeeper.auth', 'secret']] },
      'entry 1 of ha.zookeeper.auth',
    ],
    [
      1,
      'Kerberos',
      { entries: [['hadoop.security.authentication', 'kerberos']] },
      'authentication',
    ],
    [1, 'TLS', { entries: [['hadoop.zk.ssl.enabled', 'true']] }, 'hadoop.zk.ssl.enabled'],
    [1, 'an unknown id', { entries: [['dfs.ha.namenode.id', 'nn9']] }, 'dfs.ha.namenode.id'],
    [1, 'a bad argument', { words: ['-formatZK', '-nope'] }, 'Bad argument: -nope'],
    [
      1,
      'a number that is none',
      { entries: [['ha.health-monitor.rpc-timeout.ms', 'x']] },
      'rpc-tim',
    ],
    [
      1,
      'a time-out of 0',
      { entries: [['ha.zookeeper.session-timeout.ms', '0']] },
      'session-timeout',
    ],
    [1, 'a bad own key', { entries: [['baton.zkfc.on-stop', 'maybe']] }, 'keep or hand-over'],
    [2, 'a format denied', { words: ['-formatZK', '-nonInteractive'] }, ''],
    [3, 'no parent znode', { entries: [['ha.zookeeper.parent-znode', '/missing']] }, '-formatZK'],
    [4, 'bad fencing', { entries: [['dfs.ha.fencing.methods', 'sshfence()']] }, 'sshfence()'],
    [
      5,
      'not enabled',
      { entries: [['dfs.ha.automatic-failover.enabled', 'false']] },
      'not enabled',
    ],
    [6, 'no ZooKeeper', { entries: [['ha.zookeeper.quorum', 'zk:1']] }, 'Unable to connect'],
    [
      6,
      'no ZooKeeper, -formatZK',
      { words: ['-formatZK'], entries: [['ha.zookeeper.quorum', 'zk:1']] },
      'Unable',
    ],
  ]
  for (const [expected, name, given, text] of cases) {
    test(`${expected}: ${name}`, async () => {
      const { exitCode, stderr } = await run(await formatted(), given)
      expect(stderr).toContain(text)
      expect(stderr).not.toContain('secret')
      expect(exitCode).toBe(expected)
    })
  }

  test('an empty fencing value passes the start check, as in Java', async () => {
    const world = await formatted()
    const entries = [['dfs.ha.fencing.methods', '']] as const
    const { exitCode } = await run(world, { entries, signal: 'SIGTERM' })
    expect(exitCode).toBe(0)
  })

  test('1: the RPC port is taken, and the session is not left behind', async () => {
    const world = await formatted()
    let taken = false
    world.sim.host('nn1').spawn('other', async runtime => {
      await runtime.network.listen({ host: 'nn1', port: 8019 }, () => {})
      taken = true
    })
    await world.sim.runUntil(() => taken)
    const { exitCode, stderr } = await run(world)
    expect(exitCode).toBe(1)
    expect(stderr).toBe(
      'Problem binding the RPC port: port 8019 (dfs.ha.zkfc.port) is in use by another process ' +
        '(nn1:8019)\n',
    )
  })

  test('every problem of the configuration is told at once', async () => {
    const entries = [
      ['ha.zookeeper.acl', 'bad'],
      ['ha.health-monitor.check-interval.ms', '-1'],
      ['baton.zkfc.on-stop', 'maybe'],
    ] as const
    const { stderr } = await run(await formatted(), { entries })
    for (const [key] of entries) expect(stderr).toContain(key)
  })
})

describe('-formatZK', () => {
  const fresh = [['ha.zookeeper.parent-znode', '/a/b/c']] as const

  test('makes every prefix, and again only by force', async () => {
    const world = await formatted()
    expect((await run(world, { words: ['-formatZK'], entries: fresh })).exitCode).toBe(0)
    const again = { words: ['-formatZK', '-nonInteractive'], entries: fresh }
    expect(await run(world, again)).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: '/a/b/c/mycluster exists; nothing was changed; -force clears it\n',
    })
    const forced = { words: ['-formatZK', '-nonInteractive', '-force'], entries: fresh }
    expect((await run(world, forced)).exitCode).toBe(0)
  })

  test('by force while a controller holds the lock names its holder first', async () => {
    const world = new World()
    await world.startServer()
    await world.format()
    world.startNameNode('nn2')
    world.startController('nn2')
    await world.sim.runUntil(() => world.isActive('nn2'))
    const { exitCode, stderr } = await run(world, { words: ['-formatZK', '-force'] })
    expect(exitCode).toBe(0)
    expect(stderr).toMatch(/^WARNING: the failover controller of nn2 \(nn2:8020\) holds the lock/)
  })

  const answers: readonly (readonly [string, readonly string[], number])[] = [
    ['yes', ['Y'], 0],
    ['no', ['no'], 2],
    ['something else, then no', ['x', 'N'], 2],
    ['a closed input', [], 2],
  ]
  for (const [name, stdin, expected] of answers) {
    test(`asks, and takes ${name}`, async () => {
      const { exitCode, stderr } = await run(await formatted(), { words: ['-formatZK'], stdin })
      expect(exitCode).toBe(expected)
      expect(stderr).toContain('The configured parent znode /hadoop-ha/mycluster already exists.')
      expect(stderr).toContain('Proceed formatting /hadoop-ha/mycluster? (Y or N) ')
      if (stdin[0] === 'x') expect(stderr).toContain('Invalid input: x\n')
    })
  }
})

test('signals end a standby controller with 0', async () => {
  for (const signal of ['SIGTERM', 'SIGUSR2'] as const) {
    const world = await formatted()
    expect((await run(world, { signal })).exitCode).toBe(0)
  }
})
