import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../harness/child.ts'
import type { Child } from '../../harness/child.ts'
import type { LockState } from '../../harness/lock-watch.ts'
import { Rig, SESSION_TIMEOUT_MS, otherThan, unitSetting } from '../rig.ts'
import type { NameNodeId } from '../rig.ts'
import { runCommand } from '../run-baton.ts'

const UNIT = 'baton-zkfc.service'
const RESTART = unitSetting(UNIT, 'RestartKillSignal') as NodeJS.Signals
const STOP = unitSetting(UNIT, 'KillSignal') as NodeJS.Signals

/** One cluster; each test goes on where the last one ended. */
describe.concurrent('a cluster as deploy/ starts it', () => {
  let rig: Rig
  beforeAll(async () => {
    rig = await Rig.start('e2e-failover')
  }, 60_000)
  afterAll(() => rig.stop())

  const lockNow = async (): Promise<LockState> => {
    const lock = await rig.lock.read()
    if (lock === undefined) throw new Error('nobody holds the lock')
    return lock
  }

  /** Starts the controller of `id` again; the lock must be the very same afterwards. */
  async function restartKeepsRole(id: NameNodeId, end: (old: Child) => Promise<number>) {
    const before = await lockNow()
    const told = rig.events(id).length
    const code = await end(rig.controller(id))
    rig.startController(id)
    await rig.untilHeard(id, 'sessionReattach', told)
    await rig.untilHeard(id, 'healthChanged', told)
    await rig.untilActive(id)
    expect(await lockNow()).toEqual(before)
    const since = rig.events(id).slice(told)
    expect(since.filter(e => /^(activation|standby|fencing)/.test(e.kind))).toEqual([])
    return { code, since }
  }

  test.sequential(
    'systemctl restart keeps the role, and the log says by when to be back',
    async () => {
      const { code, since } = await restartKeepsRole('nn1', async old => {
        old.signal(RESTART)
        return old.exited
      })
      expect(code).toBe(0)
      expect(since).toContainEqual(
        expect.objectContaining({
          kind: 'controllerStopping',
          mode: 'keep',
          returnByWallTime: expect.any(Number) as number,
        }),
      )
    },
  )

  test.sequential('a controller that is killed and started again keeps the role', async () => {
    await restartKeepsRole('nn1', async old => {
      await old.kill()
      return old.exited
    })
  })

  test.sequential('a second controller for the same NameNode refuses to start', async () => {
    const before = await rig.snapshot()
    const second = await runCommand(rig.controllerCommand('nn1'), { HADOOP_CONF_DIR: rig.conf })
    expect(second.code).toBe(1)
    expect(second.stderr).toContain('another controller is running with the state file')
    expect(second.stderr).toContain(rig.stateDirectory('nn1'))
    expect(await rig.snapshot()).toEqual(before)
  })

  test.sequential('the server killed and started again costs nobody the role', async () => {
    const before = await rig.snapshot()
    const told = { nn1: rig.events('nn1').length, nn2: rig.events('nn2').length }
    await rig.server.kill()
    rig.startServer()
    await rig.untilServes()
    for (const id of ['nn1', 'nn2'] as const) await connectedSince(id, told[id])
    expect(await rig.snapshot()).toEqual(before)
    const kinds = rig
      .events('nn1')
      .slice(told.nn1)
      .map(event => event.kind)
    expect(kinds).not.toContain('lockLost')
    expect(kinds).not.toContain('electionLeft')
  })

  async function connectedSince(id: NameNodeId, from: number): Promise<void> {
    const connected = (): boolean =>
      rig
        .events(id)
        .slice(from)
        .some(event => event.kind === 'sessionChanged' && event.state === 'connected')
    const options = { withinMs: 2 * SESSION_TIMEOUT_MS, watch: [rig.controller(id)] }
    await until(`the controller of ${id} is connected again`, connected, options)
  }

  test.sequential(
    'the active NameNode killed: the other is active, one fence at most',
    async () => {
      const told = rig.events('nn1').length
      await rig.nameNode('nn1').kill()
      await rig.untilActive('nn2')
      // Its own controller proves the process gone, unless the dying listener still took a connect.
      const proven = rig
        .events('nn1')
        .slice(told)
        .some(event => event.kind === 'breadcrumbDeleted')
      expect(rig.fenced).toEqual(proven ? [] : ['nn1'])
    },
  )

  test.sequential('the killed NameNode comes back as standby', async () => {
    const before = await lockNow()
    rig.startNameNode('nn1')
    expect(await rig.untilSettled()).toBe('nn2')
    expect(await lockNow()).toEqual(before)
    await until('its controller is in the election', () => inElection('nn1'), { withinMs: 20_000 })
  })

  function inElection(id: NameNodeId): boolean {
    const kinds = rig.events(id).map(event => event.kind)
    return kinds.lastIndexOf('lockHeldByOther') > kinds.lastIndexOf('electionLeft')
  }

  test.sequential('systemctl stop hands the role over without fencing', async () => {
    const { fenced } = rig
    const old = rig.controller('nn2')
    old.signal(STOP)
    expect(await old.exited).toBe(0)
    await rig.untilActive('nn1')
    await rig.untilState('nn2', 'standby')
    expect(rig.fenced).toEqual(fenced)
    const kinds = rig.events('nn2').map(event => event.kind)
    expect(kinds.lastIndexOf('standbyEnded')).toBeLessThan(kinds.lastIndexOf('breadcrumbDeleted'))
    const told = kinds.length
    rig.startController('nn2')
    await rig.untilHeard('nn2', 'lockHeldByOther', told)
  })

  test.sequential(
    'a lost state file: it waits, and is active until the old lock expires',
    async () => {
      const { fenced } = rig
      const before = await lockNow()
      await rig.controller('nn1').kill()
      rmSync(rig.stateDirectory('nn1'), { recursive: true })
      const told = rig.events('nn1').length
      rig.startController('nn1')
      await until('the old lock expired', () => oldLockGone(before.czxid), { withinMs: 20_000 })
      const again = (): ReturnType<typeof rig.lock.read> => rig.lock.read()
      const taken = await until('the lock is taken again', again, { withinMs: 10_000 })
      expect(taken.czxid).toBeGreaterThan(before.czxid)
      const active = await rig.untilSettled()
      expect(rig.fenced).toEqual(fenced)
      expect(
        rig
          .events('nn1')
          .slice(told)
          .some(e => e.kind === 'sessionReattach'),
      ).toBe(false)
      await until('the standby watches', () => inElection(otherThan(active)), { withinMs: 20_000 })
    },
  )

  /** False while it stands; meanwhile nn1 has to be active. */
  async function oldLockGone(czxid: number): Promise<boolean> {
    const state = await rig.probe.state('nn1')
    // Read after the state: where the old lock still stands, it stood when the state was told.
    if ((await rig.lock.read())?.czxid !== czxid) return true
    expect(state).toBe('active')
    return false
  }

  test.sequential('NameNode and controller gone at once: the other fences, once', async () => {
    const { fenced } = rig
    const active = await rig.untilSettled()
    rig.controller(active).signal('SIGKILL')
    await rig.nameNode(active).kill()
    await rig.untilActive(otherThan(active))
    expect(rig.fenced).toEqual([...fenced, active])
  })
})
