import { constants } from 'node:os'
import type { Exec, ExecOptions, ExecResult } from '../exec.ts'
import { OutputCapture } from './output-capture.ts'

/** A background child may hold the pipes open after the program has ended; not longer than this. */
const OUTPUT_GRACE_MS = 200
const EXIT_NOT_EXECUTABLE = 126
const EXIT_NOT_FOUND = 127

/** Child processes through execa, loaded at the first run: most programs never need it. */
export class NodeExec implements Exec {
  async run(command: readonly string[], options: ExecOptions): Promise<ExecResult> {
    const [program, ...rest] = command
    if (program === undefined || program === '') return notStarted('ENOENT', 'an empty command')
    if (options.signal?.aborted === true) {
      return { exitCode: 128 + 9, stdout: '', stderr: '', timedOut: false }
    }
    const { execa } = await import('execa')
    const child = execa(program, rest, {
      detached: true,
      env: { ...options.env },
      extendEnv: false,
      buffer: false,
      reject: false,
      cleanup: false,
      stripFinalNewline: false,
      ...(options.stdin === undefined ? { stdin: 'ignore' as const } : { input: options.stdin }),
    })
    // execa's own promise waits for the pipes, which a background child may hold; its verdict is
    // taken only where the program did not start.
    const verdict = Promise.resolve(child)
    const stdout = new OutputCapture(line => options.onLine?.(line, 'stdout'))
    const stderr = new OutputCapture(line => options.onLine?.(line, 'stderr'))
    child.stdout?.on('data', (bytes: Buffer) => stdout.add(bytes))
    child.stderr?.on('data', (bytes: Buffer) => stderr.add(bytes))
    if (child.pid === undefined) {
      const failed = await verdict
      return notStarted(failed.code ?? 'ENOENT', failed.originalMessage ?? program)
    }
    const ended = await superviseGroup(child as unknown as Child, child.pid, options)
    return { ...ended, stdout: stdout.end(), stderr: stderr.end() }
  }
}

/** The part of a child process this file uses. */
interface Child {
  readonly stdout: Pipe | null
  readonly stderr: Pipe | null
  once(event: 'exit', run: (code: number | null, signal: NodeJS.Signals | null) => void): void
  once(event: 'close', run: () => void): void
}

interface Pipe {
  destroy(): void
}

type Ended = Pick<ExecResult, 'exitCode' | 'timedOut'>

function superviseGroup(child: Child, pid: number, options: ExecOptions): Promise<Ended> {
  return new Promise(resolve => {
    let timedOut = false
    const kill = (): void => killGroup(pid)
    const timer = setTimeout(() => {
      timedOut = true
      kill()
    }, options.timeoutMs)
    options.signal?.addEventListener('abort', kill, { once: true })
    // A fencing script must not go on once nobody reads its verdict.
    process.once('exit', kill)
    child.once('exit', (code, signal) => {
      clearTimeout(timer)
      options.signal?.removeEventListener('abort', kill)
      process.off('exit', kill)
      const ended = { exitCode: code ?? 128 + signalNumber(signal), timedOut }
      const grace = setTimeout(() => {
        child.stdout?.destroy()
        child.stderr?.destroy()
        resolve(ended)
      }, OUTPUT_GRACE_MS)
      child.once('close', () => {
        clearTimeout(grace)
        resolve(ended)
      })
    })
  })
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    // ESRCH: the whole group has ended by itself, which is what the kill was for.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function notStarted(code: string, message: string): ExecResult {
  const exitCode = code === 'EACCES' ? EXIT_NOT_EXECUTABLE : EXIT_NOT_FOUND
  return { exitCode, stdout: '', stderr: `could not start: ${message}`, timedOut: false }
}

function signalNumber(signal: NodeJS.Signals | null): number {
  return signal === null ? 0 : constants.signals[signal]
}
