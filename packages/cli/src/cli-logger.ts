import type { Logger } from '@baton/runtime'

/** Log lines of what a command calls, for people: `WARN: text` on standard error. */
export function cliLogger(stderr: (text: string) => void): Logger {
  const line = (level: string) => (_: object, message: string) => stderr(`${level}: ${message}\n`)
  const logger: Logger = {
    debug() {},
    info: line('INFO'),
    warn: line('WARN'),
    error: line('ERROR'),
    child: () => logger,
  }
  return logger
}
