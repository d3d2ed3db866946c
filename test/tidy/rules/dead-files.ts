import { posix } from 'node:path'
import { importsOf, isSource, isTest } from './source-tree.ts'
import type { Finding, SourceTree } from './source-tree.ts'

/**
 * Every source is reached from its package's doors or programs, every helper under a test folder
 * from some suite or program. What nothing reaches is deleted, not kept.
 */
export function deadFileFindings(
  tree: SourceTree,
  programs: readonly string[],
): readonly Finding[] {
  const reached = new Set<string>()
  const waiting = [...tree.keys()].filter(file => isRoot(file, tree) || programs.includes(file))
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (reached.has(file)) continue
    reached.add(file)
    for (const { specifier } of importsOf(tree.get(file) ?? '')) {
      if (!specifier.startsWith('.')) continue
      const target = posix.normalize(posix.join(posix.dirname(file), specifier))
      if (tree.has(target)) waiting.push(target)
    }
  }
  return [...tree.keys()]
    .filter(file => (isSource(file) || isTest(file)) && !reached.has(file))
    .map(file => ({ file, message: 'nothing reaches this file: delete it, or name it a program' }))
}

function isRoot(file: string, tree: SourceTree): boolean {
  if (/\.test\.ts$/.test(file) || /^test\/config\//.test(file)) return true
  const match = /^(packages\/[^/]+)\/(src\/.*\.ts)$/.exec(file)
  if (match === null) return false
  const manifest = tree.get(`${match[1]}/package.json`)
  return manifest !== undefined && manifest.includes(`"./${match[2]}"`)
}
