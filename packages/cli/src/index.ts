export type { CliIo, Signal } from './cli-io.ts'
export { main } from './main.ts'
