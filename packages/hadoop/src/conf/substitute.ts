/**
 * `${name}` in a value, as Hadoop's `Configuration.substituteVars` does it, measured on 3.4.3:
 *
 * - the leftmost innermost `${name}` is replaced first, then the result is looked at again;
 * - a name holds no space, `$` or `}`;
 * - `${env.X}` asks the environment, `${env.X-d}` gives `d` where X is unset, `${env.X:-d}` where
 *   it is unset or empty; any other name asks the system properties, then the configuration;
 * - the first unbound name ends the work: it and everything after it stay literal;
 * - a value that holds the very variable it replaces gives back the original text;
 * - the twentieth replacement is already one too many (Java counts rounds, and the last round has
 *   no look left to find that nothing more is to be done).
 */
export const SUBSTITUTION_ROUNDS_MAX = 20
/** Doubling values (`${a}${a}`) stay below 2^20 copies by the rounds; this bounds their bytes. */
export const SUBSTITUTED_LENGTH_MAX = 1_048_576

export interface SubstitutionSource {
  environment(name: string): string | undefined
  systemProperty(name: string): string | undefined
  raw(key: string): string | undefined
}

const VARIABLE = /\$\{([^} $]+)\}/

/** Throws `RangeError` in plain words where the rounds or the length are used up. */
export function substitute(expression: string, source: SubstitutionSource): string {
  let text = expression
  for (let round = 0; round < SUBSTITUTION_ROUNDS_MAX; round += 1) {
    const found = VARIABLE.exec(text)
    const name = found?.[1]
    if (found === null || name === undefined) return text
    const value = valueOf(name, source)
    if (value === undefined) return text
    if (value.includes(found[0])) return expression
    text = text.slice(0, found.index) + value + text.slice(found.index + found[0].length)
    if (text.length > SUBSTITUTED_LENGTH_MAX) {
      throw new RangeError(`substitution makes it longer than ${SUBSTITUTED_LENGTH_MAX} characters`)
    }
  }
  throw new RangeError(
    `substitution is too deep: ${SUBSTITUTION_ROUNDS_MAX} rounds were not enough` +
      ' (a loop of variables, or 20 or more variables in one value)',
  )
}

function valueOf(name: string, source: SubstitutionSource): string | undefined {
  const special = name.startsWith('env.') && name.length > 4
  const value = special ? fromEnvironment(name.slice(4), source) : source.systemProperty(name)
  return value ?? source.raw(name)
}

/** `X`, `X-default`, `X:-default`: the first `:-` or `-` from the left counts. */
function fromEnvironment(text: string, source: SubstitutionSource): string | undefined {
  const mark = /:-|-/.exec(text)
  if (mark === null) return source.environment(text)
  const value = source.environment(text.slice(0, mark.index))
  const otherwise = text.slice(mark.index + mark[0].length)
  const missing = mark[0] === ':-' ? value === undefined || value === '' : value === undefined
  return missing ? otherwise : value
}
