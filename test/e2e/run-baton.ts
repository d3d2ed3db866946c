import { spawn } from 'node:child_process'
import { BATON } from '../harness/paths.ts'

/** How a command ended. */
export interface Ended {
  /** 128 and more: ended by a signal. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** Both together, for messages. */
  readonly text: string
}

export interface RunOptions {
  /** Ends the command, as failed, where it takes longer. */
  readonly limitMs?: number
  /** What it reads; absent: its standard input is at its end from the start. */
  readonly input?: string
}

/** Runs `baton` with these words to its end. */
export function runBaton(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
  options: RunOptions = {},
): Promise<Ended> {
  return runCommand([...BATON, ...words], env, options)
}

export async function runCommand(
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
  options: RunOptions = {},
): Promise<Ended> {
  const [program = '', ...args] = command
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: 'pipe' })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()))
  // It may have ended without reading a word.
  child.stdin.on('error', () => {})
  child.stdin.end(options.input ?? '')
  const limit = setTimeout(() => child.kill('SIGKILL'), options.limitMs ?? 30_000)
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status, signal) => resolve(signal === null ? (status ?? 1) : 128))
  })
  clearTimeout(limit)
  return { code, ...output, text: output.stdout + output.stderr }
}
