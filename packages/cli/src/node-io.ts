import { networkInterfaces, userInfo } from 'node:os'
import { createInterface } from 'node:readline'
import type { CliIo, Shell } from './cli-io.ts'
import { lineReader } from './line-reader.ts'
import { DEFAULT_CONF_DIRECTORY } from './default-conf-directory.ts'

/** The process itself. */
export function nodeIo(): CliIo {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', ignoreClosedPipe)
  const readLine = lineReader(() => process.stdin)
  return {
    env: process.env,
    stdout: text => void process.stdout.write(text),
    stderr: text => void process.stderr.write(text),
    readLine,
    openShell: async words =>
      process.stdin.isTTY ? terminalShell(words) : { ask: () => readLine(), close() {} },
    processUser: nameOfUser(),
    defaultConfDirectory: DEFAULT_CONF_DIRECTORY,
    localAddresses: () =>
      Object.values(networkInterfaces())
        .flat()
        .flatMap(entry => (entry === undefined ? [] : [entry.address])),
    runtime: async logger => {
      const { createNodeRuntime } = await import('@baton/runtime/node')
      return createNodeRuntime(logger === undefined ? {} : { logger })
    },
    onSignal: (names, run) => {
      for (const name of names) process.on(name, run)
      return () => {
        for (const name of names) process.off(name, run)
      }
    },
  }
}

/** A reader that has seen enough (`| head`) is no error of ours. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}

function nameOfUser(): string {
  try {
    return userInfo().username
  } catch {
    return process.env['USER'] ?? 'unknown' // a uid without an entry, as in containers
  }
}

function terminalShell(words: readonly string[]): Shell {
  const completer = (line: string): [string[], string] => {
    return [words.filter(word => word.startsWith(line)), line]
  }
  const { stdin: input, stdout: output } = process
  const reader = createInterface({ input, output, completer })
  let closed = false
  reader.once('close', () => (closed = true))
  return {
    ask: question =>
      new Promise(resolve => {
        if (closed) return resolve(undefined)
        const onClose = (): void => resolve(undefined)
        reader.once('close', onClose)
        reader.question(question, line => {
          reader.off('close', onClose)
          resolve(line)
        })
      }),
    close: () => reader.close(),
  }
}
