import { constants } from 'node:os'
import type { Exec, ExecOptions, ExecResult } from '../exec.ts'
import { OutputCapture } from './output-capture.ts'

/** A background child may hold the pipes open after the program has ended; not longer than this. */
const OUTPUT_GRACE_MS = 200
/** A program stuck in the kernel (a dead NFS server) or of another user outlives SIGKILL. */
const KILL_GRACE_MS = 2_000
const EXIT_NOT_EXECUTABLE = 126
const EXIT_NOT_FOUND = 127
const EXIT_SIGNAL_BASE = 128
const EXIT_KILLED = EXIT_SIGNAL_BASE + constants.signals.SIGKILL
const SURVIVED_MARK = '\n[killed, but it has not ended]\n'

/** Child processes through execa, loaded at the first run: most programs never need it. */
export class NodeExec implements Exec {
  async run(command: readonly string[], options: ExecOptions): Promise<ExecResult> {
    const [program, ...rest] = command
    if (program === undefined || program === '') return notStarted('ENOENT', 'an empty command')
    if (options.signal?.aborted === true) {
      return { exitCode: EXIT_KILLED, stdout: '', stderr: '', timedOut: false }
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
    const { exitCode, timedOut, survived } = ended
    const mark = survived ? SURVIVED_MARK : ''
    return { exitCode, timedOut, stdout: stdout.end(), stderr: stderr.end() + mark }
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

interface Ended {
  readonly exitCode: number
  readonly timedOut: boolean
  /** Killed, and yet it has not ended. */
  readonly survived: boolean
}

function superviseGroup(child: Child, pid: number, options: ExecOptions): Promise<Ended> {
  return new Promise(resolve => {
    let timedOut = false
    let grace: NodeJS.Timeout | undefined
    const settle = (ended: Ended): void => {
      clearTimeout(grace)
      clearTimeout(limit)
      options.signal?.removeEventListener('abort', kill)
      process.off('exit', kill)
      child.stdout?.destroy()
      child.stderr?.destroy()
      resolve(ended)
    }
    const kill = (): void => {
      killGroup(pid)
      const exitCode = EXIT_KILLED
      grace ??= setTimeout(() => settle({ exitCode, timedOut, survived: true }), KILL_GRACE_MS)
    }
    const limit = setTimeout(() => {
      timedOut = true
      kill()
    }, options.timeoutMs)
    options.signal?.addEventListener('abort', kill, { once: true })
    if (options.signal?.aborted === true) kill()
    // A fencing script must not go on once nobody reads its verdict.
    process.once('exit', kill)
    child.once('exit', (code, signal) => {
      clearTimeout(grace)
      clearTimeout(limit)
      const exitCode = code ?? EXIT_SIGNAL_BASE + signalNumber(signal)
      const ended = { exitCode, timedOut, survived: false }
      grace = setTimeout(() => settle(ended), OUTPUT_GRACE_MS)
      child.once('close', () => settle(ended))
    })
  })
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    // ESRCH: the whole group has ended by itself, which is what the kill was for. EPERM: all of it
    // runs as another user; the grace then ends and the result says that it has not ended.
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ESRCH' && code !== 'EPERM') throw error
  }
}

function notStarted(code: string, message: string): ExecResult {
  const exitCode = code === 'EACCES' ? EXIT_NOT_EXECUTABLE : EXIT_NOT_FOUND
  return { exitCode, stdout: '', stderr: `could not start: ${message}`, timedOut: false }
}

function signalNumber(signal: NodeJS.Signals | null): number {
  return signal === null ? 0 : constants.signals[signal]
}
