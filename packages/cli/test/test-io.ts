import { createNodeRuntime } from '@baton/runtime/node'
import { main } from '../src/index.ts'
import type { CliIo } from '../src/index.ts'

export interface Ran {
  readonly rc: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** Lines of standard input; after them it is closed. */
  readonly stdin?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** undefined: ends by itself. */
  readonly io?: Partial<CliIo>
}

/** Runs the program in this process, with real sockets and files and a written-down output. */
export async function run(words: readonly string[], options: RunOptions = {}): Promise<Ran> {
  let stdout = ''
  let stderr = ''
  const lines = [...(options.stdin ?? [])]
  const readLine = async (): Promise<string | undefined> => lines.shift()
  const io: CliIo = {
    env: { PATH: process.env['PATH'], ...options.env },
    stdout: text => {
      stdout += text
    },
    stderr: text => {
      stderr += text
    },
    readLine,
    openShell: async () => ({ ask: readLine, close() {} }),
    processUser: 'hdfs',
    defaultConfDirectory: '/no/such/directory',
    localAddresses: () => [],
    runtime: async logger => createNodeRuntime(logger === undefined ? {} : { logger }),
    onSignal: () => () => {},
    ...options.io,
  }
  const rc = await main(words, io)
  return { rc, stdout, stderr }
}
