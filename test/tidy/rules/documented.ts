import { isSource } from './source-tree.ts'
import type { Finding, SourceTree } from './source-tree.ts'

const KEY = /['"`](baton\.[a-z0-9]+(?:[.-][a-z0-9]+)+)['"`]/g

/** Every configuration key of our own stands, in code quotes, in some README. */
export function keyFindings(tree: SourceTree): readonly Finding[] {
  const documented = readmeText(tree)
  const findings: Finding[] = []
  const seen = new Set<string>()
  for (const [file, text] of tree) {
    if (!isSource(file)) continue
    for (const [, key = ''] of text.matchAll(KEY)) {
      if (seen.has(key) || documented.includes(`\`${key}\``)) continue
      seen.add(key)
      findings.push({ file, message: `key ${key} stands in no README` })
    }
  }
  return findings
}

/** Every package says in a README what it is; the map of the house names every package. */
export function readmeFindings(tree: SourceTree): readonly Finding[] {
  const findings: Finding[] = []
  const map = tree.get('packages/README.md') ?? ''
  for (const file of tree.keys()) {
    const name = /^packages\/([^/]+)\/package\.json$/.exec(file)?.[1]
    if (name === undefined) continue
    if (!tree.has(`packages/${name}/README.md`)) {
      findings.push({ file, message: `packages/${name} has no README.md` })
    }
    if (!map.includes(`\`${name}\``)) {
      findings.push({ file, message: `packages/README.md does not name \`${name}\`` })
    }
  }
  return findings
}

/** Every name of the error table stands in the README of jute. */
export function errorCodeFindings(tree: SourceTree): readonly Finding[] {
  const file = 'packages/jute/src/error-codes.ts'
  const readme = tree.get('packages/jute/README.md') ?? ''
  const rows = [...(tree.get(file) ?? '').matchAll(/\['([A-Za-z]+)', (-?\d+), (?:true|false)\]/g)]
  return rows
    .filter(([, name = '', code = '']) => !(readme.includes(name) && readme.includes(code)))
    .map(([, name = '', code = '']) => ({ file, message: `${name} (${code}) stands in no table` }))
}

/** Words and paths that belong to the making of the project, not to the project. */
export function foreignFindings(tree: SourceTree): readonly Finding[] {
  const findings: Finding[] = []
  const pattern = /(?:^|[^A-Za-z0-9_.])\/(?:work|farm|root)\/|registry\.npmjs\.org|\.\.\/shared\//
  for (const [file, text] of tree) {
    if (file.startsWith('test/tidy/')) continue
    text.split('\n').forEach((line, index) => {
      if (!pattern.test(line)) return
      findings.push({ file, line: index + 1, message: 'a path or host of one machine' })
    })
  }
  return findings
}

function readmeText(tree: SourceTree): string {
  return [...tree]
    .filter(([file]) => file.endsWith('README.md'))
    .map(([, text]) => text)
    .join('\n')
}
