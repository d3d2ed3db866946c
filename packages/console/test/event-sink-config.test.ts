import { expect, test } from 'vitest'
import { createRedisEventSink, EventSinkConfigurationError } from '../src/event-sink-config.ts'
import { RedisStreamStore } from '../src/redis-stream-store.ts'
import { runtime } from './fake-store.ts'

const create = (entries: Record<string, string>): ReturnType<typeof createRedisEventSink> =>
  createRedisEventSink({ getTrimmed: key => entries[key] }, runtime)

test('without the URL there is no sink', () => {
  expect(create({})).toBeUndefined()
  expect(create({ 'baton.events.redis.url': '' })).toBeUndefined()
})

test('all problems are named at once, and the password is not', () => {
  const wrong = {
    'baton.events.redis.url': 'http://user:hidden@host',
    'baton.events.redis.queue-max': '0',
    'baton.events.redis.command-timeout.ms': '2s',
  }
  expect(() => create(wrong)).toThrow(EventSinkConfigurationError)
  expect(() => create(wrong)).toThrow(/queue-max is "0".*timeout\.ms is "2s".*redis:\/\//)
  expect(() => create(wrong)).not.toThrow(/hidden/)
})

test('the store’s name for logs has host and port, never the credentials', () => {
  const options = { streamLengthMax: 1, timeoutMs: 1 }
  const name = (url: string): string => new RedisStreamStore({ url, ...options }).name
  expect(name('redis://user:hidden@redis.example.com')).toBe('Redis at redis.example.com:6379')
  expect(name('rediss://:hidden@[::1]:7000/3')).toBe('Redis at [::1]:7000')
})

test('a sink that never got an event never connects and closes at once', async () => {
  const sink = create({ 'baton.events.redis.url': 'redis://127.0.0.1:1' })
  expect(sink?.queuedCount).toBe(0)
  await sink?.close()
})
