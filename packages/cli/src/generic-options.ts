/**
 * Options that stand before the words of a command: Hadoop's generic options (`-D k=v`, `-conf`,
 * `-fs`, …; only at the front, as in Java's GenericOptionsParser) and our own `--conf DIR`.
 */
export interface GenericOptions {
  /** Directory of the site files, or one file that is read after them. */
  readonly conf: string | undefined
  readonly overrides: readonly (readonly [string, string])[]
  /** The command's own words. */
  readonly rest: readonly string[]
  /** Options that are taken and mean nothing here. */
  readonly ignored: readonly string[]
}

export class UsageError extends Error {
  override readonly name = 'UsageError'
}

const FILE_SYSTEM = 'fs.defaultFS'
/** Taken for the sake of scripts; they concern MapReduce jobs. */
const IGNORED: ReadonlySet<string> = new Set(['jt', 'files', 'libjars', 'archives'])

interface Taking {
  conf: string | undefined
  overrides: (readonly [string, string])[]
  ignored: string[]
}

/** Throws `UsageError` where an option lacks its value. */
export function parseGenericOptions(words: readonly string[]): GenericOptions {
  const taking: Taking = { conf: undefined, overrides: [], ignored: [] }
  let at = 0
  while (at < words.length) {
    const taken = takeOption(words, at, taking)
    if (taken === 0) break
    at += taken
  }
  return { ...taking, rest: words.slice(at) }
}

/** How many words the option at `at` is made of; 0 where none stands there. */
function takeOption(words: readonly string[], at: number, taking: Taking): number {
  const word = words[at] ?? ''
  const joined = /^-D(.+)$/.exec(word)?.[1] ?? /^--conf=(.+)$/.exec(word)?.[1]
  const name = optionName(word)
  if (name === undefined) return 0
  const value = joined ?? words[at + 1]
  if (value === undefined) throw new UsageError(`${word} needs a value`)
  if (name === 'D') taking.overrides.push(keyAndValue(value))
  else if (name === 'conf') taking.conf = value
  else if (name === 'fs') taking.overrides.push([FILE_SYSTEM, value])
  else taking.ignored.push(word)
  return joined === undefined ? 2 : 1
}

function optionName(word: string): string | undefined {
  if (word.startsWith('-D')) return 'D'
  const name = /^--?([a-z]+)(?:=.*)?$/.exec(word)?.[1]
  if (name === undefined) return undefined
  return name === 'conf' || name === 'fs' || IGNORED.has(name) ? name : undefined
}

function keyAndValue(text: string): readonly [string, string] {
  const at = text.indexOf('=')
  if (at <= 0) throw new UsageError(`-D ${text}: expected key=value`)
  return [text.slice(0, at).trim(), text.slice(at + 1)]
}
