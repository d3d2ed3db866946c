import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join, relative } from 'node:path'

/** Path relative to the checkout, with `/`, to the file's text. A rule reads nothing else. */
export type SourceTree = ReadonlyMap<string, string>

/** One offence: where, and in plain words what is wrong and what to do instead. */
export interface Finding {
  readonly file: string
  readonly line?: number
  readonly message: string
}

export type Rule = (tree: SourceTree) => readonly Finding[]

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const SKIPPED = new Set(['node_modules', 'dist', '.git', 'coverage'])
const READ = /\.(ts|js|json|md|proto|cfg|xml|sh|service|ya?ml|txt)$|\/\.ci\/run$|\/Dockerfile$/
const FILES_MAX = 5_000

export function readTree(root: string = ROOT): SourceTree {
  const tree = new Map<string, string>()
  const directories = [root]
  for (let next = directories.pop(); next !== undefined; next = directories.pop()) {
    for (const entry of readdirSync(next, { withFileTypes: true })) {
      const path = join(next, entry.name)
      if (entry.isDirectory() && !SKIPPED.has(entry.name)) directories.push(path)
      if (entry.isFile() && READ.test(path)) {
        tree.set(relative(root, path), readFileSync(path, 'utf8'))
      }
    }
    if (tree.size > FILES_MAX) throw new Error(`more than ${FILES_MAX} files under ${root}`)
  }
  return tree
}

export function isSource(path: string): boolean {
  return /^packages\/[^/]+\/src\/.*\.ts$/.test(path)
}

export function isTest(path: string): boolean {
  return /^(packages\/[^/]+\/)?test\/.*\.ts$/.test(path)
}

/** Made by a generator and committed: neither length nor style is ours. */
export function isGenerated(path: string): boolean {
  return path.includes('/gen/')
}

export function packageOf(path: string): string | undefined {
  return /^packages\/([^/]+)\//.exec(path)?.[1]
}

export function formatFindings(findings: readonly Finding[]): string {
  return findings
    .map(f => `${f.file}${f.line === undefined ? '' : `:${f.line}`}  ${f.message}`)
    .join('\n')
}

const STATEMENT = /(?:^|\n)\s*(?:import|export)\b[^'"`;]*?from\s*['"]([^'"]+)['"]/g
const BARE = /(?:^|\n)\s*import\s*['"]([^'"]+)['"]/g
const CALL = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g

/** Every module a file names in import, export … from, and import(). */
export function importsOf(text: string): readonly { specifier: string; line: number }[] {
  return [STATEMENT, BARE, CALL].flatMap(pattern =>
    [...text.matchAll(pattern)].map(match => ({
      specifier: match[1] ?? '',
      line: text.slice(0, match.index + match[0].length).split('\n').length,
    })),
  )
}
