export { createProcLocalProcesses } from './proc-local-processes.ts'
