export * from './conf/index.ts'
export * from './ipc/index.ts'
export * from './protocol/index.ts'
