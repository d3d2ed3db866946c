import ts from 'typescript'
import { isGenerated, isSource } from './source-tree.ts'
import type { Finding, SourceTree } from './source-tree.ts'

/** One banned thing: how it looks in the syntax tree, and what to use instead. */
export interface Ban {
  readonly matches: (node: ts.Node) => boolean
  readonly what: string
  readonly instead: string
}

export interface Scope {
  readonly name: string
  readonly includes: (file: string) => boolean
  readonly bans: readonly Ban[]
}

const identifier =
  (...names: readonly string[]) =>
  (node: ts.Node): boolean =>
    ts.isIdentifier(node) && names.includes(node.text) && isFree(node)

/** A name by itself, not `x.name`, not a key, not a declaration's own name in a type or class. */
function isFree(node: ts.Identifier): boolean {
  const parent = node.parent
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node
  if (ts.isQualifiedName(parent)) return parent.left === node
  const named = parent as ts.Node & { name?: ts.Node }
  return !(named.name === node && !ts.isShorthandPropertyAssignment(parent))
}

const member =
  (object: string, name: string) =>
  (node: ts.Node): boolean =>
    ts.isPropertyAccessExpression(node) &&
    ts.isIdentifier(node.expression) &&
    node.expression.text === object &&
    node.name.text === name

const importing =
  (pattern: RegExp) =>
  (node: ts.Node): boolean =>
    ts.isStringLiteral(node) &&
    (ts.isImportDeclaration(node.parent) ||
      ts.isExportDeclaration(node.parent) ||
      ts.isCallExpression(node.parent)) &&
    pattern.test(node.text)

const isAsync = (node: ts.Node): boolean =>
  node.kind === ts.SyntaxKind.AsyncKeyword || ts.isAwaitExpression(node)

export const CORE_BANS: readonly Ban[] = [
  {
    matches: isAsync,
    what: 'async or await',
    instead: 'an effect, and its completion as an input',
  },
  {
    matches: identifier('Promise'),
    what: 'Promise',
    instead: 'an effect, and its completion as an input',
  },
  {
    matches: identifier('setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'),
    what: 'a timer',
    instead: 'a deadline field compared with `now`; the driver sends `tick`',
  },
  { matches: identifier('Date'), what: 'Date', instead: '`now`, or a time carried by the input' },
  { matches: identifier('performance'), what: 'performance', instead: '`now`' },
  {
    matches: member('Math', 'random'),
    what: 'Math.random',
    instead: 'a `Random` given to the constructor',
  },
  { matches: identifier('process'), what: 'process', instead: 'a value given to the constructor' },
  {
    matches: importing(/^node:/),
    what: 'a node: module',
    instead: 'an effect the driver carries out',
  },
  {
    matches: importing(/^@baton\/runtime\/node$/),
    what: 'the real runtime',
    instead: 'the interfaces of @baton/runtime',
  },
]

const consoleUse: Ban = {
  matches: identifier('console'),
  what: 'console',
  instead: 'the `Logger`, or the streams handed to the command',
}

export const SOURCE_BANS: readonly Ban[] = [
  consoleUse,
  {
    matches: member('Math', 'random'),
    what: 'Math.random',
    instead: '`runtime.random`, so that one seed repeats everything',
  },
]

/** Drivers run on the five interfaces, so that the simulation runs the very same code. */
export const DRIVER_BANS: readonly Ban[] = [
  {
    matches: importing(/^node:(?!zlib$|crypto$|buffer$)/),
    what: 'a node: module',
    instead: '`Network`, `Disk`, `Exec`, `Clock` or `Random`',
  },
  {
    matches: identifier('setTimeout', 'setInterval', 'setImmediate'),
    what: 'a timer',
    instead: '`clock.after` or `clock.every`',
  },
  { matches: identifier('Date'), what: 'Date', instead: '`clock.wallTime()`' },
  { matches: identifier('process'), what: 'process', instead: 'a value handed in by the program' },
]

export function bannedFindings(tree: SourceTree, scopes: readonly Scope[]): readonly Finding[] {
  const findings: Finding[] = []
  for (const [file, text] of tree) {
    if (!isSource(file) || isGenerated(file)) continue
    const scoped = scopes.filter(scope => scope.includes(file))
    if (scoped.length === 0) continue
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true)
    const visit = (node: ts.Node): void => {
      for (const scope of scoped) {
        for (const ban of scope.bans) {
          if (!ban.matches(node)) continue
          const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1
          findings.push({
            file,
            line,
            message: `${scope.name}: no ${ban.what}; use ${ban.instead}`,
          })
        }
      }
      ts.forEachChild(node, visit)
    }
    visit(source)
  }
  return findings
}
