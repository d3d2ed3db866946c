import ts from 'typescript'
import { isGenerated, isSource, isTest } from './source-tree.ts'
import type { Finding, SourceTree } from './source-tree.ts'

export const FUNCTION_LINES_MAX = 60
export const FILE_LINES_MAX = 400
export const COLUMNS_MAX = 100

/** Limits on lines of a function, lines of a file and columns, for sources and tests alike. */
export function sizeFindings(tree: SourceTree): readonly Finding[] {
  const findings: Finding[] = []
  for (const [file, text] of tree) {
    if (isGenerated(file) || !(isSource(file) || isTest(file))) continue
    const lines = text.split('\n')
    if (lines.length - 1 > FILE_LINES_MAX) {
      const message = `${lines.length - 1} lines; at most ${FILE_LINES_MAX}: split by job`
      findings.push({ file, message })
    }
    lines.forEach((line, index) => {
      if (line.length <= COLUMNS_MAX) return
      findings.push({
        file,
        line: index + 1,
        message: `${line.length} columns, ${COLUMNS_MAX} fit`,
      })
    })
    if (isSource(file)) findings.push(...functionFindings(file, text))
  }
  return findings
}

function functionFindings(file: string, text: string): Finding[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true)
  const findings: Finding[] = []
  const lineOf = (position: number): number =>
    source.getLineAndCharacterOfPosition(position).line + 1
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) {
      const from = lineOf(node.getStart(source))
      const lines = lineOf(node.end) - from + 1
      if (lines > FUNCTION_LINES_MAX) {
        const name = node.name?.getText(source) ?? 'a function'
        const message = `${name} has ${lines} lines; at most ${FUNCTION_LINES_MAX}`
        findings.push({ file, line: from, message })
      }
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return findings
}
