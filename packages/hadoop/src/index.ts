export * from './ipc/index.ts'
export * from './protocol/index.ts'
