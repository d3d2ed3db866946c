export * from './events.ts'
export * from './fencing/index.ts'
export * from './process-evidence.ts'
export * from './session-store.ts'
