import type { Disk } from '@baton/runtime'
import { ConfigurationError } from './configuration-error.ts'
import { currentName, DEFAULTS } from './defaults.ts'
import { loadEntries } from './load-configuration.ts'
import { substitute, type SubstitutionSource } from './substitute.ts'
import {
  javaTrim,
  parseBoolean,
  parseDurationMs,
  parseInt32,
  parseInt64,
  splitTrimmed,
  type TimeUnit,
} from './value-parsers.ts'

export interface ConfigurationEntry {
  readonly value: string
  /** The file, `-D`, `default`, or the key of a more specific name it was promoted from. */
  readonly source: string
}

export interface LoadOptions {
  /** Holds core-site.xml and hdfs-site.xml; without it there are defaults and overrides only. */
  readonly directory?: string
  /** Further files, read after the site files (Hadoop's `-conf`); each must exist. */
  readonly files?: readonly string[]
  /** `-D key=value`, in order; they beat every file, `final` or not. */
  readonly overrides?: readonly (readonly [string, string])[]
  readonly disk: Disk
  readonly env: Readonly<Record<string, string | undefined>>
  /** What Java calls system properties: `user.name`, `java.io.tmpdir`, … */
  readonly systemProperties?: Readonly<Record<string, string>>
  /** Told of what was ignored: an override of a final key, a boolean that is none. */
  readonly warn?: (text: string) => void
}

/** What lies behind the entries: where variables are looked up and where warnings go. */
export interface ConfigurationSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly systemProperties: Readonly<Record<string, string>>
  readonly warn: (text: string) => void
}

const NO_SURROUNDINGS: ConfigurationSurroundings = { env: {}, systemProperties: {}, warn() {} }

/**
 * Keys and values of Hadoop's site files; an immutable value, twin of
 * `org.apache.hadoop.conf.Configuration`. Getters throw `ConfigurationError` naming key, file and
 * value where a value cannot be read as asked; gather several with `ProblemCollector`.
 */
export class Configuration {
  readonly #entries: ReadonlyMap<string, ConfigurationEntry>
  readonly #surroundings: ConfigurationSurroundings

  constructor(
    entries: ReadonlyMap<string, ConfigurationEntry>,
    surroundings: ConfigurationSurroundings = NO_SURROUNDINGS,
  ) {
    this.#entries = entries
    this.#surroundings = surroundings
  }

  /** Rejects with one `ConfigurationError` that holds every problem of every file. */
  static async load(options: LoadOptions): Promise<Configuration> {
    const warn = options.warn ?? (() => {})
    const entries = await loadEntries({ ...options, warn })
    const { env, systemProperties = {} } = options
    return new Configuration(entries, { env, systemProperties, warn })
  }

  /** Hadoop's defaults and `entries` over them, for tests and tools. */
  static fromEntries(entries: Iterable<readonly [string, string]>): Configuration {
    const found = new Map<string, ConfigurationEntry>()
    for (const [key, value] of Object.entries(DEFAULTS))
      found.set(key, { value, source: 'default' })
    return new Configuration(found).with(entries)
  }

  /** Substituted, blanks kept; undefined where the key is absent or its element is empty. */
  get(key: string): string | undefined {
    const entry = this.#entries.get(currentName(key))
    if (entry === undefined) return undefined
    return this.#attempt(key, () => substitute(entry.value, this.#substitutionSource()))
  }

  /** As written. */
  getRaw(key: string): string | undefined {
    return this.#entries.get(currentName(key))?.value
  }

  getTrimmed(key: string): string | undefined {
    const value = this.get(key)
    return value === undefined ? undefined : javaTrim(value)
  }

  /** 32 bits signed; decimal or 0x hexadecimal. */
  getInt(key: string, defaultValue: number): number {
    return this.#parse(key, defaultValue, parseInt32)
  }

  /** 64 bits signed, refused beyond 2^53. */
  getLong(key: string, defaultValue: number): number {
    return this.#parse(key, defaultValue, parseInt64)
  }

  /** A text that is neither `true` nor `false` gives the default, as in Hadoop, and a warning. */
  getBoolean(key: string, defaultValue: boolean): boolean {
    const value = this.getTrimmed(key)
    if (value === undefined || value === '') return defaultValue
    const found = parseBoolean(value)
    if (found === undefined) {
      const text = `is neither true nor false, so ${defaultValue} is used`
      this.#surroundings.warn(this.describe(key, text))
    }
    return found ?? defaultValue
  }

  /** A number without a suffix counts `unit` (each key has its own in Hadoop). */
  getTimeDurationMs(key: string, defaultMs: number, unit: TimeUnit = 'ms'): number {
    return this.#parse(key, defaultMs, text => parseDurationMs(text, unit))
  }

  /** Comma or newline separated; empty entries are left out. */
  getTrimmedStrings(key: string): readonly string[] {
    const value = this.get(key)
    return value === undefined ? [] : splitTrimmed(value)
  }

  keys(): IterableIterator<string> {
    return this.#entries.keys()
  }

  has(key: string): boolean {
    return this.#entries.has(currentName(key))
  }

  sourceOf(key: string): string {
    return this.#entries.get(currentName(key))?.source ?? 'not set'
  }

  /** `key = "value" (file): what is wrong`, the form of every configuration problem. */
  describe(key: string, problem: string): string {
    const value = this.getRaw(key)
    if (value === undefined) return `${key} (not set): ${problem}`
    return `${key} = "${shorten(hideSecret(key, value))}" (${this.sourceOf(key)}): ${problem}`
  }

  problem(key: string, problem: string): ConfigurationError {
    return new ConfigurationError([this.describe(key, problem)])
  }

  /** A copy with these entries on top. `source` is what `sourceOf` will say of them. */
  with(entries: Iterable<readonly [string, string]>, source = '-D'): Configuration {
    const copy = new Map(this.#entries)
    for (const [key, value] of entries) copy.set(currentName(key), { value, source })
    return new Configuration(copy, this.#surroundings)
  }

  #parse<T>(key: string, defaultValue: T, parse: (text: string) => T): T {
    const value = this.getTrimmed(key)
    if (value === undefined) return defaultValue
    return this.#attempt(key, () => parse(value))
  }

  #attempt<T>(key: string, run: () => T): T {
    try {
      return run()
    } catch (error) {
      if (error instanceof RangeError) throw this.problem(key, error.message)
      throw error
    }
  }

  #substitutionSource(): SubstitutionSource {
    const { env, systemProperties } = this.#surroundings
    return {
      environment: name => (Object.hasOwn(env, name) ? env[name] : undefined),
      systemProperty: name =>
        Object.hasOwn(systemProperties, name) ? systemProperties[name] : undefined,
      raw: key => this.getRaw(key),
    }
  }
}

const SHOWN_LENGTH_MAX = 200
const SECRET_KEY = /password|secret|(^|[.])auth$/i

function hideSecret(key: string, value: string): string {
  return SECRET_KEY.test(key) && !value.startsWith('@') ? '(hidden)' : value
}

function shorten(text: string): string {
  const line = text.replaceAll('\n', '\\n')
  return line.length <= SHOWN_LENGTH_MAX ? line : `${line.slice(0, SHOWN_LENGTH_MAX)}…`
}
