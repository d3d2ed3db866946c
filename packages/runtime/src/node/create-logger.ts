import { createRequire } from 'node:module'
import { Writable } from 'node:stream'
import { isatty } from 'node:tty'
import type { DestinationStream } from 'pino'
import type { Logger } from '../logger.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

export interface LoggerOptions {
  /** Lines below it are not made; `info` where absent. */
  readonly level?: LogLevel
  /** Colours and plain words instead of JSON; where absent, when the destination is a terminal. */
  readonly pretty?: boolean
  /** Stand in every line. */
  readonly fields?: object
  /** `stderr` where absent; a path is appended to. */
  readonly destination?: LogDestination
}

export type LogDestination =
  | { readonly kind: 'stdout' | 'stderr' }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'stream'; readonly write: (text: string) => void }

/**
 * A reader that stalls (a paused terminal, a full pipe) must not stall failover: lines are written
 * in the background, and dropped once this many bytes wait.
 */
const BACKLOG_BYTES_MAX = 4 * 1024 * 1024
const require = createRequire(import.meta.url)

/** A pino logger: one JSON object a line, or pino-pretty. pino itself is loaded on first use. */
export function createLogger(options: LoggerOptions = {}): Logger {
  const { pino } = require('pino') as typeof import('pino')
  const destination = options.destination ?? { kind: 'stderr' }
  const pretty = options.pretty ?? isTerminal(destination)
  const settings = {
    level: options.level ?? 'info',
    base: { ...options.fields },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  return pino(settings, pretty ? prettyStream(destination) : jsonStream(destination))
}

function jsonStream(destination: LogDestination): DestinationStream {
  if (destination.kind === 'stream') return destination
  const { pino } = require('pino') as typeof import('pino')
  const dest = destination.kind === 'file' ? destination.path : descriptorOf(destination.kind)
  return pino.destination({ dest, sync: false, mkdir: true, maxLength: BACKLOG_BYTES_MAX })
}

function prettyStream(destination: LogDestination): DestinationStream {
  const { build } = require('pino-pretty') as typeof import('pino-pretty')
  const target = jsonStream(destination)
  const sink = new Writable({
    decodeStrings: false,
    write: (text: string | Buffer, _encoding, done) => {
      target.write(text.toString())
      done()
    },
  })
  const colorize = isTerminal(destination)
  const translateTime = 'SYS:HH:MM:ss.l'
  return build({ colorize, translateTime, ignore: 'pid,hostname', destination: sink })
}

function isTerminal(destination: LogDestination): boolean {
  const { kind } = destination
  return (kind === 'stdout' || kind === 'stderr') && isatty(descriptorOf(kind))
}

function descriptorOf(kind: 'stdout' | 'stderr'): number {
  return kind === 'stdout' ? 1 : 2
}
