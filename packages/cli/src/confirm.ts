import type { CliIo } from './cli-io.ts'

const ANSWERS: Readonly<Record<string, boolean>> = { y: true, yes: true, n: false, no: false }

/**
 * Asks `question (Y or N) ` on standard error until the answer is one; twin of Hadoop's
 * `ToolRunner.confirmPrompt`. A closed standard input is a no: nobody is there to agree, and asking
 * again would never end.
 */
export async function confirm(
  io: Pick<CliIo, 'stderr' | 'readLine'>,
  question: string,
): Promise<boolean> {
  for (;;) {
    io.stderr(`${question} (Y or N) `)
    const line = await io.readLine()
    if (line === undefined) {
      io.stderr('\nStandard input is closed, taken as N.\n')
      return false
    }
    const text = line.trim()
    const answer = ANSWERS[text.toLowerCase()]
    if (answer !== undefined) return answer
    io.stderr(`Invalid input: ${text}\n`)
  }
}
