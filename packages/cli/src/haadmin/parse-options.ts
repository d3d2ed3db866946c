/** Options anywhere, `-x` and `--x` alike, `--` ends them: as commons-cli's GnuParser. */
export interface ParsedWords {
  readonly options: ReadonlySet<string>
  /** How many option words there were, repeats counted: Java counts them so. */
  readonly optionCount: number
  readonly args: readonly string[]
}

/** undefined where a word is an option that `known` does not have. */
export function parseOptions(
  words: readonly string[],
  known: readonly string[],
): ParsedWords | undefined {
  const options = new Set<string>()
  const args: string[] = []
  let optionCount = 0
  for (const [index, word] of words.entries()) {
    if (word === '--') {
      args.push(...words.slice(index + 1))
      break
    }
    if (!word.startsWith('-') || word === '-') {
      args.push(word)
      continue
    }
    const name = word.replace(/^--?/, '')
    if (!known.includes(name)) return undefined
    options.add(name)
    optionCount += 1
  }
  return { options, optionCount, args }
}
