/** Words and options of one zkcli command line. */
export class WordsError extends Error {
  override readonly name = 'WordsError'
}

export interface OptionTable {
  /** Options without a value. */
  readonly flags: readonly string[]
  /** Options with one. */
  readonly values: readonly string[]
}

export interface ParsedCommand {
  readonly flags: ReadonlySet<string>
  readonly values: ReadonlyMap<string, string>
  readonly args: readonly string[]
}

/** Cuts a line at blanks; quotes, single or double, hold a word together. */
export function splitLine(line: string): readonly string[] {
  const words: string[] = []
  for (const found of line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)) {
    words.push(found[1] ?? found[2] ?? found[3] ?? '')
  }
  return words
}

/** Options may stand anywhere; `--` ends them. Throws `WordsError`. */
export function parseCommand(words: readonly string[], table: OptionTable): ParsedCommand {
  const flags = new Set<string>()
  const values = new Map<string, string>()
  const args: string[] = []
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? ''
    if (word === '--') {
      args.push(...words.slice(at + 1))
      break
    }
    const name = optionName(word)
    if (name === undefined) args.push(word)
    else if (table.flags.includes(name)) flags.add(name)
    else if (table.values.includes(name)) {
      at += 1
      const value = words[at]
      if (value === undefined) throw new WordsError(`Missing value for option ${word}`)
      values.set(name, value)
    } else throw new WordsError(`Unrecognized option: ${word}`)
  }
  return { flags, values, args }
}

/** `-s` and `--json`; a lone `-` and a negative number are words. */
function optionName(word: string): string | undefined {
  return /^--?([A-Za-z]+)$/.exec(word)?.[1]
}

/** A whole number of `option`, in its limits. */
export function parseNumber(text: string, option: string, min: number): number {
  const value = /^-?[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (Number.isInteger(value) && value >= min) return value
  throw new WordsError(`${option} ${text}: expected a whole number of at least ${min}`)
}
