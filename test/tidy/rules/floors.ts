import { importsOf, isSource, packageOf } from './source-tree.ts'
import type { Finding, SourceTree } from './source-tree.ts'

/** Package to the packages it may import. */
export type Floors = Readonly<Record<string, readonly string[]>>

/** `package/folder` to the sibling folders (or single files) it may import inside its package. */
export type Rooms = Readonly<Record<string, readonly string[]>>

/** Imports go down only. The finding names `file -> package`. */
export function floorFindings(tree: SourceTree, floors: Floors): readonly Finding[] {
  const findings: Finding[] = []
  for (const [file, text] of tree) {
    const own = packageOf(file)
    if (!isSource(file) || own === undefined) continue
    const allowed = floors[own]
    if (allowed === undefined) {
      findings.push({ file, message: `package ${own} stands in no row of the floors table` })
      continue
    }
    for (const { specifier, line } of importsOf(text)) {
      const finding = importFinding({ file, own, allowed, specifier })
      if (finding !== undefined) findings.push({ file, line, message: finding })
    }
  }
  return findings
}

function importFinding(use: {
  readonly file: string
  readonly own: string
  readonly allowed: readonly string[]
  readonly specifier: string
}): string | undefined {
  const match = /^@baton\/([^/]+)(\/.*)?$/.exec(use.specifier)
  if (match === null) {
    const leaves = /^(\.\.\/)+packages\//.test(use.specifier)
    return leaves ? `${use.file} -> ${use.specifier}: import packages by name` : undefined
  }
  const target = match[1] ?? ''
  const door = match[2] ?? ''
  if (target === use.own) return `${use.file} -> ${target}: a package imports itself by path`
  if (!use.allowed.includes(target)) return `${use.file} -> ${target}: not a lower floor`
  if (door === '/sim') return `${use.file} -> ${target}/sim: only tests open the simulation`
  return undefined
}

/** The same inside a package: folders named in the table import only what their row says. */
export function roomFindings(tree: SourceTree, rooms: Rooms): readonly Finding[] {
  const findings: Finding[] = []
  for (const [file, text] of tree) {
    const match = /^packages\/([^/]+)\/src\/([^/]+)\/[^/]+\.ts$/.exec(file)
    if (match === null) continue
    const [, owner = '', room = ''] = match
    const allowed = rooms[`${owner}/${room}`]
    if (allowed === undefined) continue
    for (const { specifier, line } of importsOf(text)) {
      const up = /^\.\.\/([^/]+?)(?:\.ts)?(?:\/.*)?$/.exec(specifier)
      const target = up?.[1]
      if (target === undefined || target === room || allowed.includes(target)) continue
      findings.push({ file, line, message: `${file} -> ${target}: ${room} may not look there` })
    }
  }
  return findings
}

/** A package.json names exactly the packages its sources import. */
export function dependencyFindings(tree: SourceTree): readonly Finding[] {
  const used = new Map<string, Set<string>>()
  for (const [file, text] of tree) {
    const own = packageOf(file)
    if (!isSource(file) || own === undefined) continue
    for (const { specifier } of importsOf(text)) {
      const name = packageName(specifier)
      if (name !== undefined) used.set(own, (used.get(own) ?? new Set()).add(name))
    }
  }
  const findings: Finding[] = []
  for (const [file, text] of tree) {
    const own = packageOf(file)
    if (own === undefined || !/^packages\/[^/]+\/package\.json$/.test(file)) continue
    const manifest = JSON.parse(text) as { dependencies?: Record<string, string> }
    const declared = new Set(Object.keys(manifest.dependencies ?? {}))
    const imported = used.get(own) ?? new Set<string>()
    for (const name of imported) {
      if (!declared.has(name)) findings.push({ file, message: `imports ${name} without naming it` })
    }
    for (const name of declared) {
      if (!imported.has(name))
        findings.push({ file, message: `names ${name}, which it never imports` })
    }
  }
  return findings
}

function packageName(specifier: string): string | undefined {
  if (specifier.startsWith('.') || specifier.startsWith('node:')) return undefined
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}
