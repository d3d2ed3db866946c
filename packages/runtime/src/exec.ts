export interface Exec {
  /**
   * Runs `command` (program, then its arguments; no shell is added) in a process group of its own.
   * At `timeoutMs`, or when `signal` aborts, the whole group is killed; the promise resolves once
   * the program has ended, or two seconds after a kill that did not end it. A missing program
   * resolves with exit code 127. Never rejects.
   */
  run(command: readonly string[], options: ExecOptions): Promise<ExecResult>
}

export interface ExecOptions {
  readonly timeoutMs: number
  /** The whole environment of the child; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>
  /** Given to the child, then closed; closed at once where absent. */
  readonly stdin?: string
  readonly signal?: AbortSignal
  /** Called for each line as it comes. */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void
}

export interface ExecResult {
  /** 128 + signal number for a child ended by a signal. */
  readonly exitCode: number
  /** Output beyond 64 KiB a stream is dropped, its place marked. */
  readonly stdout: string
  readonly stderr: string
  readonly timedOut: boolean
}
