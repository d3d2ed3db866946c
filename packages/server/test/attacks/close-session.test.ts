/** A session's end takes what it owns, and nothing of anybody else. */
import { CreateMode, OpCode, OPEN_ACL_UNSAFE } from '@baton/jute'
import { expect, test } from 'vitest'
import { create, multi, PipelineWorld, remove, setData } from '../support/pipeline-world.ts'

test.each([
  ['ephemeral', CreateMode.ephemeral],
  ['persistent', CreateMode.persistent],
])('a name given up and taken by another as %s, all unsynced, stays the other’s', (_, mode) => {
  const world = new PipelineWorld()
  const [a, b] = [world.cnxn(), world.cnxn()]
  world.create(a, '/lock', CreateMode.ephemeral)
  world.request(a, 1, OpCode.delete, remove('/lock'))
  world.request(b, 1, OpCode.create, create('/lock', mode))
  world.request(a, 2, OpCode.closeSession)
  world.sync()
  expect(b.words()).toEqual(['1:0'])
  const owner = mode === CreateMode.ephemeral ? b.sessionId : 0n
  expect(world.tree.get('/lock')?.ephemeralOwner).toBe(owner)
})

test('what a session made, gave up or made again, all unsynced, is known at its end', () => {
  const world = new PipelineWorld()
  const a = world.cnxn()
  world.create(a, '/old', CreateMode.ephemeral)
  const make = (path: string): void => {
    world.request(a, 1, OpCode.create, create(path, CreateMode.ephemeral))
  }
  make('/new')
  make('/gone')
  world.request(a, 2, OpCode.delete, remove('/gone'))
  make('/again')
  world.request(a, 3, OpCode.delete, remove('/again'))
  make('/again')
  world.request(a, 4, OpCode.setData, setData('/old', 'y'))
  world.request(a, 5, OpCode.closeSession)
  const { txn } = world.logged.at(-1) ?? {}
  const paths = txn?.type === OpCode.closeSession ? (txn.body?.paths2Delete ?? []) : []
  expect([...paths].sort()).toEqual(['/again', '/new', '/old'])
  world.sync()
  expect([...world.tree.ephemeralSessions()]).toEqual([])
})

test('a name that was given in part of a failed multi belongs to nobody', () => {
  const world = new PipelineWorld()
  const [a, b] = [world.cnxn(), world.cnxn()]
  const body = { path: '/x', data: null, acl: OPEN_ACL_UNSAFE, flags: CreateMode.ephemeral }
  const failing = { type: OpCode.delete, body: { path: '/none', version: -1 } }
  world.request(a, 1, OpCode.multi, multi({ type: OpCode.create, body }, failing))
  world.request(b, 1, OpCode.create, create('/x'))
  world.request(a, 2, OpCode.closeSession)
  world.sync()
  expect(world.tree.get('/x')).toBeDefined()
})
