import { AddWatchMode, ErrorCode, EventType, OpCode, WatcherType } from '@baton/jute'
import { expect, test } from 'vitest'
import type { WatchEvent, Watcher } from '../../src/state/watch-manager.ts'
import { bytes, TxnMaker } from './txn-maker.ts'

const names = new Map<number, string>(Object.entries(EventType).map(([name, code]) => [code, name]))

class Listener implements Watcher {
  readonly events: WatchEvent[] = []
  readonly #log: string[] | undefined
  readonly #name: string
  constructor(name = '', log?: string[]) {
    this.#name = name
    this.#log = log
  }
  process(event: WatchEvent): void {
    this.events.push(event)
    this.#log?.push(`${this.#name} ${names.get(event.type)} ${event.path}`)
  }
  take(): string[] {
    return this.events.splice(0).map(({ type, path, zxid }) => `${names.get(type)} ${path} ${zxid}`)
  }
}

function tree(): TxnMaker {
  const maker = new TxnMaker()
  maker.create('/a')
  maker.create('/a/b')
  return maker
}

test('many watches of one connection on one path are one event, and then none', () => {
  const maker = tree()
  const listener = new Listener()
  for (let i = 0; i < 3; i++) maker.tree.dataWatches.add('/a', listener)
  expect(maker.tree.watchCount).toBe(1)
  maker.setData('/a', bytes('1'))
  maker.setData('/a', bytes('2'))
  expect(listener.take()).toEqual(['nodeDataChanged /a 3'])
  expect(maker.tree.watchCount).toBe(0)
})

test('a create fires the data watch first, then the child watch of the parent', () => {
  const maker = tree()
  const log: string[] = []
  maker.tree.childWatches.add('/a', new Listener('child', log))
  maker.tree.dataWatches.add('/a/c', new Listener('data', log))
  maker.create('/a/c')
  expect(log).toEqual(['data nodeCreated /a/c', 'child nodeChildrenChanged /a'])
})

test('a delete tells a connection once, though it watched data and children', () => {
  const maker = tree()
  const log: string[] = []
  const both = new Listener('both', log)
  maker.tree.dataWatches.add('/a/b', both)
  maker.tree.childWatches.add('/a/b', both)
  maker.tree.childWatches.add('/a/b', new Listener('child', log))
  maker.tree.childWatches.add('/a', both)
  maker.delete('/a/b')
  expect(log).toEqual([
    'both nodeDeleted /a/b',
    'child nodeDeleted /a/b',
    'both nodeChildrenChanged /a',
  ])
  expect(maker.tree.watchCount).toBe(0)
})

test('setACL fires nothing', () => {
  const maker = tree()
  const listener = new Listener()
  maker.tree.addWatch('/a', AddWatchMode.persistent, listener)
  maker.setAcl('/a', [{ perms: 1, id: { scheme: 'world', id: 'anyone' } }])
  expect(listener.take()).toEqual([])
})

test('a persistent watch stays in both tables', () => {
  const maker = tree()
  const listener = new Listener()
  expect(maker.tree.addWatch('/a', AddWatchMode.persistent, listener)).toBe(true)
  maker.setData('/a', null)
  maker.create('/a/c')
  maker.delete('/a/c')
  maker.setData('/a/b', null)
  expect(listener.take()).toEqual([
    'nodeDataChanged /a 3',
    'nodeChildrenChanged /a 4',
    'nodeChildrenChanged /a 5',
  ])
})

test('a recursive watch hears of every descendant by its own path, never of children lists', () => {
  const maker = tree()
  const [above, root] = [new Listener(), new Listener()]
  maker.tree.addWatch('/a', AddWatchMode.persistentRecursive, above)
  maker.tree.addWatch('/', AddWatchMode.persistentRecursive, root)
  maker.create('/a/b/c')
  maker.setData('/a/b', null)
  maker.delete('/a/b/c')
  maker.create('/other')
  const heard = ['nodeCreated /a/b/c 3', 'nodeDataChanged /a/b 4', 'nodeDeleted /a/b/c 5']
  expect(above.take()).toEqual(heard)
  expect(root.take()).toEqual([...heard, 'nodeCreated /other 6'])
})

test('several modes stand on one path beside each other', () => {
  const { tree: it } = tree()
  const listener = new Listener()
  it.dataWatches.add('/a', listener)
  it.addWatch('/a', AddWatchMode.persistentRecursive, listener)
  it.addWatch('/a', AddWatchMode.persistent, listener)
  expect(it.checkWatches('/a', WatcherType.data, listener)).toBe(ErrorCode.ok)
  expect(it.removeWatches('/a', WatcherType.data, listener)).toBe(ErrorCode.ok)
  expect(it.removeWatches('/a', WatcherType.data, listener)).toBe(ErrorCode.noWatcher)
  expect(it.checkWatches('/a', WatcherType.persistent, listener)).toBe(ErrorCode.ok)
  expect(it.removeWatches('/a', WatcherType.persistent, listener)).toBe(ErrorCode.ok)
  expect(it.checkWatches('/a', WatcherType.persistentRecursive, listener)).toBe(ErrorCode.ok)
  expect(it.removeWatches('/a', WatcherType.any, listener)).toBe(ErrorCode.ok)
  expect(it.watchCount).toBe(0)
  expect(it.removeWatches('/a', 9, listener)).toBe(ErrorCode.marshallingError)
  expect(it.addWatch('/a', 2, listener)).toBe(false)
})

test('a closed connection leaves nothing behind', () => {
  const maker = tree()
  const listener = new Listener()
  maker.tree.dataWatches.add('/a', listener)
  maker.tree.childWatches.add('/a', listener)
  maker.tree.addWatch('/', AddWatchMode.persistentRecursive, listener)
  maker.tree.removeWatcher(listener)
  maker.create('/a/c')
  expect(listener.take()).toEqual([])
  expect([maker.tree.watchCount, maker.tree.dataWatches.watcherCount]).toEqual([0, 0])
})

test('ephemerals of a closed session are told path by path, under one zxid', () => {
  const maker = tree()
  maker.create('/a/e1', null, { session: 5n })
  maker.create('/a/e2', null, { session: 5n })
  const listener = new Listener()
  maker.tree.addWatch('/', AddWatchMode.persistentRecursive, listener)
  maker.closeSession(5n)
  expect(listener.take()).toEqual(['nodeDeleted /a/e1 5', 'nodeDeleted /a/e2 5'])
})

test('setWatches catches up with what was missed and arms the rest', () => {
  const maker = tree()
  maker.create('/old')
  const since = maker.zxid
  maker.setData('/a', bytes('x'))
  maker.create('/a/new')
  const listener = new Listener()
  maker.tree.setWatches(
    {
      relativeZxid: since,
      dataWatches: ['/gone', '/a', '/old'],
      existWatches: ['/a', '/nothing'],
      childWatches: ['/gone', '/a', '/old'],
      persistentWatches: ['/a/b'],
      persistentRecursiveWatches: ['/old'],
    },
    listener,
  )
  expect(listener.take()).toEqual([
    'nodeDeleted /gone -1',
    'nodeDataChanged /a -1',
    'nodeCreated /a -1',
    'nodeDeleted /gone -1',
    'nodeChildrenChanged /a -1',
  ])
  maker.create('/old/child')
  maker.setData('/old', null)
  maker.create('/nothing')
  maker.setData('/a/b', null)
  maker.setData('/a/b', null)
  const after = maker.zxid - 5
  expect(listener.take()).toEqual([
    `nodeCreated /old/child ${after + 1}`,
    `nodeChildrenChanged /old ${after + 1}`,
    `nodeDataChanged /old ${after + 2}`,
    `nodeCreated /nothing ${after + 3}`,
    `nodeDataChanged /a/b ${after + 4}`,
    `nodeDataChanged /a/b ${after + 5}`,
  ])
})

test('an event carries the list of the node it is about', () => {
  const maker = tree()
  const acl = [{ perms: 31, id: { scheme: 'digest', id: 'bob:x' } }]
  const listener = new Listener()
  maker.tree.dataWatches.add('/secret', listener)
  maker.tree.childWatches.add('/', listener)
  maker.create('/secret', null, { acl })
  expect(listener.events.map(event => event.acl)).toEqual([acl, maker.tree.get('/')?.acl.list])
})

test('a multi that failed fires nothing', () => {
  const maker = tree()
  const listener = new Listener()
  maker.tree.addWatch('/', AddWatchMode.persistentRecursive, listener)
  const parts = [0, ErrorCode.noNode, ErrorCode.runtimeInconsistency]
  const result = maker.apply({
    type: OpCode.multi,
    body: parts.map(err => ({ type: OpCode.error, body: { err } })),
  })
  expect(result.parts?.map(part => part.error)).toEqual(parts)
  expect(listener.take()).toEqual([])
})
