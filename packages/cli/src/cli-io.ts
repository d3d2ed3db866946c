import type { Cancel, Logger, Runtime } from '@baton/runtime'

export type Signal = 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'SIGUSR2'

/** All that a command sees of the process it runs in, so that a test can run it in its own. */
export interface CliIo {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  /** The next line of standard input without its end; undefined once it is closed. */
  readonly readLine: () => Promise<string | undefined>
  /** Lines asked of a person, with history and completion of `words`; plain lines of a pipe. */
  readonly openShell: (words: readonly string[]) => Promise<Shell>
  /** Name of the user of this process; HADOOP_USER_NAME wins over it, as in Hadoop. */
  readonly processUser: string
  /** Read where neither `--conf` nor HADOOP_CONF_DIR names a directory, and it has site files. */
  readonly defaultConfDirectory: string
  /** IP literals of this machine's interfaces. */
  readonly localAddresses: () => readonly string[]
  /** The world, loaded only by the commands that need it; silent without a logger. */
  readonly runtime: (logger?: Logger) => Promise<Runtime>
  /** Runs at each of these signals, which then no longer end the process. */
  readonly onSignal: (names: readonly Signal[], run: (name: Signal) => void) => Cancel
}

export interface Shell {
  /** The next line; undefined at the end. The question is shown to a person only. */
  ask(question: string): Promise<string | undefined>
  close(): void
}

/** The user name of simple authentication. */
export function userName(io: Pick<CliIo, 'env' | 'processUser'>): string {
  const named = io.env['HADOOP_USER_NAME']
  return named === undefined || named === '' ? io.processUser : named
}
