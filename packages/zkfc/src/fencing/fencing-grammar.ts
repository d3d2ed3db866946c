import { BadFencingConfigurationError } from './fence-method.ts'

/*
 * The value of dfs.ha.fencing.methods, exactly as Hadoop's NodeFencer reads it:
 *
 *   value  = line *( NEWLINE line )
 *   line   = [ method ] [ "#" anything ]        a "#" ends the line inside a shell command, too
 *   method = name [ "(" argument ")" ]          up to the LAST ")", which must end the line
 *   name   = 1*( A-Z / a-z / 0-9 / "." / "$" )
 *
 * So `shell(a (b) c)` works, `shell()` and `sshfence()` do not. Names other than those below are
 * Java classes to Hadoop, which no program without a JVM can run: refused, with the alternative.
 */

export type MethodName = 'shell' | 'sshfence'

export interface FencingLine {
  readonly name: MethodName
  readonly argument: string | undefined
  /** The line without comment and surrounding blanks. */
  readonly text: string
  /** From 1, in the value as written. */
  readonly number: number
}

const METHOD = /^([A-Za-z0-9.$]+)(?:\((.+)\))?$/
/** ASCII only, as Java's `trim`: a no-break space is an error, not a blank. */
const BLANK_ENDS = /^[ \t\v\f\r\n]+|[ \t\v\f\r\n]+$/g
const SHELL_INSTEAD = 'call a program that does the same with shell(...)'

/** Throws `BadFencingConfigurationError` with every line that is wrong. */
export function parseFencingMethods(value: string): readonly FencingLine[] {
  const lines: FencingLine[] = []
  const problems: string[] = []
  for (const [index, raw] of value.split('\n').entries()) {
    const text = raw.replace(/#.*$/gm, '').replace(BLANK_ENDS, '')
    if (text === '') continue
    const parsed = parseLine(text, index + 1)
    if (typeof parsed === 'string') problems.push(`line ${index + 1}, '${text}': ${parsed}`)
    else lines.push(parsed)
  }
  if (problems.length > 0) {
    throw new BadFencingConfigurationError(`dfs.ha.fencing.methods, ${problems.join('; ')}`)
  }
  return lines
}

function parseLine(text: string, number: number): FencingLine | string {
  const match = METHOD.exec(text)
  const name = match?.[1]
  if (name === undefined) return `Unable to parse line: ${explain(text)}`
  if (name === 'shell' || name === 'sshfence') {
    return { name, argument: match?.[2], text, number }
  }
  if (name === 'powershell') {
    return `powershell runs on Windows only; to use it from here ${SHELL_INSTEAD}`
  }
  return (
    `Could not find configured fencing method ${name}: Java classes cannot be run here; ` +
    `${SHELL_INSTEAD}, or use sshfence`
  )
}

function explain(text: string): string {
  if (text.endsWith('()')) return 'leave "()" out, or put an argument between the parentheses'
  if (text.includes('(') && !text.endsWith(')')) {
    return 'the closing ")" must end the line ("#" begins a comment, also inside a command)'
  }
  return 'expected NAME or NAME(ARGUMENT)'
}
