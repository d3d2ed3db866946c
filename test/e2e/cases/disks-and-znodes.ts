import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CreateMode, ZooKeeper } from '@baton/client'
import { createNodeRuntime } from '@baton/runtime/node'
import { describe, expect, test } from 'vitest'
import { canConnect, Child, freePort, until } from '../../harness/child.ts'
import { BATON, temporaryDirectory } from '../../harness/paths.ts'
import { NAMESERVICE, Rig, sampleZooCfg } from '../rig.ts'

const PARENT = `/hadoop-ha/${NAMESERVICE}`
const FOREIGN = new TextEncoder().encode('of another cluster')

function client(connectString: string): ZooKeeper {
  return new ZooKeeper({ runtime: createNodeRuntime(), connectString, sessionTimeoutMs: 10_000 })
}

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
})
