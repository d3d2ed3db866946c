import { beforeEach, expect, test } from 'vitest'
import { decision, FakeStore, lines, makeSink } from './fake-store.ts'

beforeEach(() => {
  lines.length = 0
})

const range = (from: number, to: number): readonly string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => String(from + index))

test('each event is one entry of its nameservice’s stream, in order', async () => {
  const store = new FakeStore()
  const sink = makeSink(store)
  for (let number = 1; number <= 200; number += 1) {
    sink.listener(decision(number))
    if (number % 50 === 0) await store.until(() => store.entries.length === number)
  }
  expect(store.field('sequence')).toEqual(range(1, 200))
  expect(new Set(store.entries.map(entry => entry.key))).toEqual(new Set(['baton:events:ns']))
  expect(store.field('text')[1]).toBe('nn1: decision 2')
  expect(JSON.parse(store.field('event')[1] ?? '')).toEqual(decision(2))
  expect(store.connectCount).toBe(1)
  await sink.close()
  expect(store.openCount).toBe(0)
})

test('the listener returns at once and throws nothing, whatever the store does', async () => {
  for (const mood of ['down', 'hung'] as const) {
    const store = new FakeStore()
    store.mood = mood
    const sink = makeSink(store)
    expect(sink.listener(decision(1))).toBeUndefined()
    await sink.close()
    expect(store.openCount).toBe(0)
    sink.listener(decision(2))
    expect(sink.queuedCount).toBe(1)
  }
})

test('after an outage everything is written in order, with one line in the log', async () => {
  const store = new FakeStore()
  store.mood = 'down'
  const sink = makeSink(store)
  for (let number = 1; number <= 10; number += 1) sink.listener(decision(number))
  await store.until(() => store.connectCount >= 3)
  store.mood = 'up'
  await store.until(() => store.entries.length === 10)
  expect(store.field('sequence')).toEqual(range(1, 10))
  await sink.close()
  expect(lines.filter(line => line.startsWith('warn'))).toHaveLength(1)
  expect(lines.at(-1)).toMatch(/works again/)
})

test('a store that hangs in the middle is left after the time-out and tried anew', async () => {
  const store = new FakeStore()
  const sink = makeSink(store)
  sink.listener(decision(1))
  await store.until(() => store.entries.length === 1)
  store.mood = 'hung'
  sink.listener(decision(2))
  await store.until(() => store.connectCount === 2)
  store.mood = 'up'
  await store.until(() => store.entries.length === 2)
  expect(store.field('sequence')).toEqual(['1', '2'])
  await sink.close()
})

test('a full queue drops the oldest, and the stream says how many in their place', async () => {
  const store = new FakeStore()
  store.mood = 'down'
  const sink = makeSink(store, { queueLengthMax: 5 })
  for (let number = 1; number <= 20; number += 1) sink.listener(decision(number))
  await store.until(() => store.connectCount >= 2)
  expect(sink.queuedCount).toBe(5)
  store.mood = 'up'
  await store.until(() => store.entries.length === 6)
  expect(store.field('kind')[0]).toBe('eventsDropped')
  expect(store.field('text')[0]).toContain('15 events are missing here')
  expect(store.field('sequence').slice(1)).toEqual(range(16, 20))
  await sink.close()
})

test('what hangs in the store counts for the bound of the queue', async () => {
  const store = new FakeStore()
  const sink = makeSink(store, { queueLengthMax: 5, commandTimeoutMs: 60_000 })
  sink.listener(decision(1))
  await store.until(() => store.entries.length === 1)
  store.mood = 'hung'
  sink.listener(decision(2))
  await store.until(() => store.hangingCount === 1)
  for (let number = 3; number <= 20; number += 1) {
    sink.listener(decision(number))
    expect(sink.queuedCount).toBeLessThanOrEqual(5)
  }
  store.mood = 'up'
  store.release()
  await store.until(() => store.field('sequence').at(-1) === '20')
  // 2 was being written when it had to go from the queue, so the hole begins after it.
  expect(store.field('sequence')).toEqual(['1', '2', '0', ...range(16, 20)])
  expect(store.field('text')[2]).toContain('13 events are missing here')
  await sink.close()
})

test('close gives a hanging connect up, and waits for it no longer', async () => {
  const store = new FakeStore()
  store.mood = 'hung'
  const sink = makeSink(store, { commandTimeoutMs: 60_000 })
  sink.listener(decision(1))
  await sink.close()
  expect(store.abortedCount).toBe(1)
})

test('close writes what is queued if the store takes it', async () => {
  const store = new FakeStore()
  const sink = makeSink(store)
  sink.listener(decision(1))
  await sink.close()
  expect(store.entries).toHaveLength(1)
  await sink.close()
})

test('close against a hung store ends, and says what was not written', async () => {
  const store = new FakeStore()
  store.mood = 'hung'
  const sink = makeSink(store, { commandTimeoutMs: 60_000 })
  sink.listener(decision(1))
  sink.listener(decision(2))
  await sink.close()
  expect(lines.join('\n')).toContain('not written')
})

test('an event too long for an entry keeps its words', async () => {
  const store = new FakeStore()
  const sink = makeSink(store)
  const text = 'x'.repeat(100_000)
  sink.listener({ at: 1, nameserviceId: 'ns', namenodeId: 'nn1', kind: 'threadDump', text })
  await sink.close()
  expect(store.field('event')).toEqual([''])
  expect(store.field('text')).toEqual(['nn1: got a thread dump of the NameNode'])
})
