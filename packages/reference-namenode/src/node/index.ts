export { runReferenceNameNode } from './program.ts'
