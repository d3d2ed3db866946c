export * from './event-sink-config.ts'
export * from './redis-event-sink.ts'
export * from './redis-stream-store.ts'
export type { StreamEntry } from './stream-entry.ts'
