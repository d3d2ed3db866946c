import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CreateMode, ZooKeeper } from '@baton/client'
import { encodeActiveNodeInfo } from '@baton/hadoop'
import { createNodeRuntime } from '@baton/runtime/node'
import type { ControllerEvent } from '@baton/zkfc'
import { describe, expect, test } from 'vitest'
import { canConnect, Child, freePort, until } from '../../harness/child.ts'
import { BATON, temporaryDirectory } from '../../harness/paths.ts'
import { NAMESERVICE, Rig, sampleZooCfg } from '../rig.ts'

type ActiveNodeInfo = Parameters<typeof encodeActiveNodeInfo>[0]

const PARENT = `/hadoop-ha/${NAMESERVICE}`
const FOREIGN = new TextEncoder().encode('of another cluster')

function client(connectString: string): ZooKeeper {
  return new ZooKeeper({ runtime: createNodeRuntime(), connectString, sessionTimeoutMs: 10_000 })
}

/**
 * A command that runs another one to which `directory` is read-only, by a mount that nobody else
 * sees. Where no mount is allowed: by its modes, which root minds without the right to override.
 */
function readOnlyFor(directory: string): readonly string[] {
  const script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
  const mounts = [['-m'], ['-rm']].map(flags => ['unshare', ...flags, 'sh', '-c', script])
  const modes = [[], ['setpriv', '--bounding-set=-dac_override,-dac_read_search']]
  const prefixes = [
    ...mounts.map(words => [...words, directory]),
    ...modes.map(words => [...words, 'sh', '-c', 'chmod -R a-w "$0" && exec "$@"', directory]),
  ]
  const works = (prefix: readonly string[]): boolean => {
    const [command = '', ...words] = prefix
    return spawnSync(command, [...words, 'sh', '-c', `! touch ${directory}/probe`]).status === 0
  }
  const prefix = prefixes.find(works)
  if (prefix === undefined) throw new Error('no way to make a directory read-only on this machine')
  return prefix
}

const isActivationEnd = (event: ControllerEvent): boolean => event.kind === 'activationEnded'

describe.concurrent('a disk or a znode that is not as it should be', () => {
  /** The limit on a file's size binds root as well, and needs no right to mount. */
  test('a server that can write no more ends with 1 and keeps what it acknowledged', async () => {
    const { path, remove } = temporaryDirectory('e2e-full')
    const port = await freePort()
    const file = join(path, 'zoo.cfg')
    const dataDir = join(path, 'data')
    const values = { dataDir, clientPort: String(port), clientPortAddress: '127.0.0.1' }
    writeFileSync(file, `${sampleZooCfg(values)}preAllocSize=64\n`)
    const logFile = join(path, 'server.log')
    const run = (name: string, command: readonly string[]): Child =>
      new Child({ name, command, logFile })
    const plain = [...BATON, 'server', file]
    const full = run('full', ['/bin/sh', '-c', 'ulimit -f 1024; exec "$@"', 'sh', ...plain])
    let again: Child | undefined
    const zookeeper = client(`127.0.0.1:${port}`)
    try {
      await until('it listens', () => canConnect('127.0.0.1', port), {
        withinMs: 20_000,
        watch: [full],
      })
      const made: string[] = []
      const data = new Uint8Array(100_000)
      for (let at = 0; at < 50 && full.exitCode === undefined; at++) {
        const path = await zookeeper.create(`/n${at}`, data).catch(() => undefined)
        if (path === undefined) break
        made.push(path)
      }
      expect(await full.exited, full.log).toBe(1)
      expect(full.log).toContain('The server ended: ')
      expect(full.log).toContain(dataDir)
      expect(made.length).toBeGreaterThan(0)
      again = run('again', plain)
      for (const path of made) {
        const found = (): Promise<boolean> =>
          zookeeper.exists(path).then(
            stat => stat !== undefined,
            () => false,
          )
        await until(`${path} is there`, found, { withinMs: 20_000, watch: [again] })
      }
    } finally {
      await zookeeper.close()
      await full.kill()
      await again?.kill()
      remove()
    }
  })

  test('foreign lock, foreign breadcrumb, no state directory: wait and harm nobody', async () => {
    const rig = await Rig.create('e2e-foreign')
    const stranger = client(rig.connectString)
    try {
      await stranger.create(`${PARENT}/ActiveStandbyElectorLock`, FOREIGN, {
        mode: CreateMode.ephemeral,
      })
      await stranger.create(`${PARENT}/ActiveBreadCrumb`, FOREIGN)
      const before = await rig.lock.read()
      rig.startNameNode('nn1')
      // A path below a regular file can be written by nobody, not even by root.
      mkdirSync(rig.stateDirectory('nn1'), { recursive: true })
      const file = join(rig.stateDirectory('nn1'), 'baton-zkfc')
      writeFileSync(file, '')
      const controller = rig.startController('nn1')
      await rig.untilHeard('nn1', 'lockHeldByOther')
      await rig.untilState('nn1', 'standby')
      expect(controller.log).toContain(`cannot use the state file ${file}`)
      expect(await rig.lock.read()).toEqual(before)
      await stranger.delete(`${PARENT}/ActiveStandbyElectorLock`)
      await rig.untilHeard('nn1', 'lockAcquired')
      await until('it refuses the breadcrumb', () => /not an ActiveNodeInfo/.test(controller.log), {
        withinMs: 20_000,
        watch: [controller],
      })
      expect(await rig.probe.state('nn1')).toBe('standby')
      expect(await rig.lock.breadcrumb()).toBe(Buffer.from(FOREIGN).toString('hex'))
      expect(rig.fenced).toEqual([])
      await stranger.delete(`${PARENT}/ActiveBreadCrumb`)
      await rig.untilActive('nn1')
      expect(rig.fenced).toEqual([])
    } finally {
      await stranger.close()
      await rig.stop()
    }
  })

  const strangers: readonly (readonly [string, Partial<ActiveNodeInfo>, string])[] = [
    ['another nameservice', { nameserviceId: 'theirs' }, 'a NameNode of another nameservice'],
    ['an unlisted NameNode', { namenodeId: 'nn9' }, 'does not list'],
  ]
  test.each(strangers)('a breadcrumb of %s: no activation, no fence, one error', async (...row) => {
    const [, changed, says] = row
    const rig = await Rig.create('e2e-stranger')
    const zookeeper = client(rig.connectString)
    const crumb = `${PARENT}/ActiveBreadCrumb`
    try {
      const { rpc: port, zkfc: zkfcPort } = rig.ports.nn2
      const node = { nameserviceId: NAMESERVICE, namenodeId: 'nn2', hostname: '127.0.0.1' }
      const data = encodeActiveNodeInfo({ ...node, port, zkfcPort, ...changed })
      await zookeeper.create(crumb, data)
      // The one it would be taken for lives, so that a fence by mistake is seen.
      rig.startNameNode('nn2')
      rig.startNameNode('nn1')
      const controller = rig.startController('nn1')
      const retries = (): boolean =>
        rig.events('nn1').filter(event => event.kind === 'retryScheduled').length >= 3
      await until('it contends on', retries, { withinMs: 30_000, watch: [controller] })
      const errors = rig.events('nn1').filter(event => event.kind === 'decision')
      expect(errors).toMatchObject([{ text: expect.stringContaining(says) as string }])
      expect(errors).toMatchObject([{ text: expect.stringContaining(crumb) as string }])
      expect(await rig.snapshot()).toMatchObject({
        states: ['standby', 'standby'],
        breadcrumb: Buffer.from(data).toString('hex'),
        fenced: [],
      })
      await zookeeper.delete(crumb)
      await rig.untilActive('nn1')
      expect(rig.fenced).toEqual([])
    } finally {
      await zookeeper.close()
      await rig.stop()
    }
  })

  test('a state directory that became read-only costs the role to nobody', async () => {
    const rig = await Rig.create('e2e-read-only')
    const directory = join(rig.stateDirectory('nn1'), 'baton-zkfc')
    try {
      rig.startNameNode('nn1')
      const first = rig.startController('nn1')
      await rig.untilActive('nn1')
      await until('the role is its', () => rig.events('nn1').some(isActivationEnd), {
        withinMs: 30_000,
        watch: [first],
      })
      await first.kill()
      const from = rig.events('nn1').length
      const again = rig.startController('nn1', [], readOnlyFor(directory))
      await rig.untilHeard('nn1', 'lockAcquired', from)
      expect(again.log).toContain(`cannot use the state file ${directory}`)
      await until('active again', () => rig.events('nn1').slice(from).some(isActivationEnd), {
        withinMs: 30_000,
        watch: [again],
      })
      expect(
        rig
          .events('nn1')
          .slice(from)
          .map(event => event.kind),
      ).not.toContain('standbyStarted')
      await rig.untilActive('nn1')
      expect(rig.fenced).toEqual([])
    } finally {
      await rig.controllers.get('nn1')?.kill()
      spawnSync('chmod', ['-R', 'u+w', directory])
      await rig.stop()
    }
  })
})
