/*
 * What the commas in `shell(...)` mean. Hadoop splits the argument at every comma: two parts are
 * two commands (for the node that becomes active, for the one that becomes standby), more are an
 * error; and a controller, which knows no such role, fails on *any* comma, so a plain command with
 * one could never fence. Here:
 *
 *   no comma                       one command
 *   exactly one separating comma   two commands, as in Hadoop; a controller, which fences the node
 *                                  that must stop being active, runs the second
 *   more than one                  one command: Hadoop knows no third
 *
 * A comma separates only where the shell would see it as plain text between words: not inside
 * quotes, parentheses, braces or after a backslash.
 */

export interface ShellCommands {
  readonly commands: readonly [string] | readonly [string, string]
  /** What the operator should know, if the reading could surprise. */
  readonly warning?: string
}

export function splitShellArgument(argument: string): ShellCommands {
  const commas = separatingCommas(argument)
  const [comma] = commas
  if (comma === undefined) return { commands: [argument] }
  if (commas.length > 1) {
    const warning = 'several unquoted commas: the whole argument is run as one command'
    return { commands: [argument], warning }
  }
  const first = argument.slice(0, comma).trim()
  const second = argument.slice(comma + 1).trim()
  if (first === '' || second === '') return { commands: [argument] }
  const warning =
    `the comma makes this two commands: '${first}' for a node that becomes active, '${second}' ` +
    'for the one that must stop being active (a controller runs only this one). ' +
    'If it is one command, put the comma in quotes'
  return { commands: [first, second], warning }
}

const OPENING = '({['
const CLOSING = ')}]'

function separatingCommas(text: string): readonly number[] {
  const found: number[] = []
  let quote = ''
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at)
    // Nothing is special inside single quotes, not even a backslash.
    if (char === '\\' && quote !== "'") at += 1
    else if (quote !== '') quote = char === quote ? '' : quote
    else if (char === "'" || char === '"' || char === '`') quote = char
    else if (OPENING.includes(char)) depth += 1
    else if (CLOSING.includes(char)) depth = Math.max(0, depth - 1)
    else if (char === ',' && depth === 0) found.push(at)
  }
  return found
}
