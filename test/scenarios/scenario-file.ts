/*
 * A scenario: prose, and commands with what they lead to.
 *
 *   Prose until a line that begins with `> `.
 *   > kill namenode nn1
 *   > run 2s
 *   ----
 *   what is expected, up to the next empty line
 *
 * Data in, data out: with UPDATE_SCENARIOS=1 the expectations are written anew, to be reviewed as
 * a diff.
 */
export interface Block {
  readonly prose: readonly string[]
  readonly commands: readonly string[]
  readonly expected: readonly string[]
}

export function parseScenario(text: string): readonly Block[] {
  const blocks: Block[] = []
  let prose: string[] = []
  const lines = text.trimEnd().split('\n')
  for (let at = 0; at < lines.length;) {
    const line = lines[at] ?? ''
    if (!line.startsWith('> ')) {
      prose.push(line)
      at += 1
      continue
    }
    const commands: string[] = []
    for (; lines[at]?.startsWith('> ') === true; at += 1) commands.push(lines[at]?.slice(2) ?? '')
    if (lines[at] !== '----') throw new Error(`after "${commands.at(-1)}" a line ---- is missing`)
    const expected: string[] = []
    for (at += 1; at < lines.length && lines[at] !== ''; at += 1) expected.push(lines[at] ?? '')
    blocks.push({ prose, commands, expected })
    prose = []
    while (lines[at] === '') at += 1
  }
  if (prose.length > 0) blocks.push({ prose, commands: [], expected: [] })
  return blocks
}

export function formatScenario(blocks: readonly Block[]): string {
  const parts = blocks.map(({ prose, commands, expected }) => {
    const typed = commands.map(command => `> ${command}`)
    const result = commands.length === 0 ? [] : ['----', ...expected]
    return [...prose, ...typed, ...result].join('\n')
  })
  return `${parts.join('\n\n')}\n`
}
