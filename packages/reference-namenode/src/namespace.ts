/**
 * The tiny namespace: directories, and files that are lists of short entries. Pure: an edit is
 * checked against it, then applied; the same edits in the same order give the same namespace.
 */
import { ServiceException } from '@baton/hadoop'
import { assert } from '@baton/runtime'

export type EditOperation =
  | { readonly kind: 'mkdir'; readonly path: string }
  | { readonly kind: 'append'; readonly path: string; readonly entry: string }

export interface ListedEntry {
  readonly name: string
  readonly directory: boolean
  /** Children of a directory, entries of a file. */
  readonly entryCount: number
}

type Node =
  | { readonly directory: true; readonly children: Map<string, Node> }
  | { readonly directory: false; readonly entries: string[] }

const PATH_CHARS_MAX = 1_000
const DEPTH_MAX = 64
export const ENTRY_CHARS_MAX = 4_096
/** Nodes and entries together: what one process keeps in memory. */
const THINGS_MAX = 2_000_000
export const READ_COUNT_MAX = 10_000

export class Namespace {
  readonly #root: Node = { directory: true, children: new Map() }
  #thingCount = 0

  /** Throws `ServiceException` where the edit must be refused; changes nothing. */
  check(operation: EditOperation): void {
    const names = parsePath(operation.path)
    if (this.#thingCount + names.length + 1 > THINGS_MAX) {
      throw new ServiceException('java.io.IOException', `the namespace is full (${THINGS_MAX})`)
    }
    if (operation.kind === 'mkdir') return this.#checkMkdir(names, operation.path)
    if (operation.entry.length > ENTRY_CHARS_MAX) {
      const message = `an entry has at most ${ENTRY_CHARS_MAX} characters`
      throw new ServiceException('java.io.IOException', message)
    }
    const parent = this.#find(names.slice(0, -1))
    if (names.length === 0 || parent?.directory !== true) throw notFound(operation.path)
    const target = parent.children.get(names.at(-1) ?? '')
    if (target?.directory === true) throw notAFile(operation.path)
  }

  /** The edit was checked, or stands in the log because it once was. */
  apply(operation: EditOperation): void {
    const names = parsePath(operation.path)
    const files = operation.kind === 'append' ? names.slice(0, -1) : names
    let at = this.#root
    for (const name of files) at = this.#child(at, name)
    if (operation.kind === 'mkdir') return
    assert(at.directory, 'a file stands in a directory')
    const name = names.at(-1) ?? ''
    let file = at.children.get(name)
    if (file === undefined) {
      file = { directory: false, entries: [] }
      at.children.set(name, file)
      this.#thingCount += 1
    }
    assert(!file.directory, 'entries are added to files only')
    file.entries.push(operation.entry)
    this.#thingCount += 1
  }

  /** Children of a directory in the order of their names; a file gives itself. */
  ls(path: string): readonly ListedEntry[] {
    const names = parsePath(path)
    const node = this.#find(names)
    if (node === undefined) throw notFound(path)
    if (!node.directory) return [listed(names.at(-1) ?? '', node)]
    const children = [...node.children].map(([name, child]) => listed(name, child))
    return children.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** All entries of a file; the array is the namespace's own. */
  entries(path: string): readonly string[] {
    const node = this.#find(parsePath(path))
    if (node === undefined) throw notFound(path)
    if (node.directory) throw notAFile(path)
    return node.entries
  }

  #checkMkdir(names: readonly string[], path: string): void {
    for (let depth = 1; depth <= names.length; depth += 1) {
      const node = this.#find(names.slice(0, depth))
      if (node === undefined) return
      if (node.directory) continue
      const className = 'org.apache.hadoop.fs.ParentNotDirectoryException'
      throw new ServiceException(className, `${path}: a part of the path is a file`)
    }
  }

  #child(parent: Node, name: string): Node {
    assert(parent.directory, 'a path leads through directories')
    const found = parent.children.get(name)
    if (found !== undefined) return found
    const made: Node = { directory: true, children: new Map() }
    parent.children.set(name, made)
    this.#thingCount += 1
    return made
  }

  #find(names: readonly string[]): Node | undefined {
    let at: Node | undefined = this.#root
    for (const name of names) at = at?.directory === true ? at.children.get(name) : undefined
    return at
  }
}

function listed(name: string, node: Node): ListedEntry {
  const entryCount = node.directory ? node.children.size : node.entries.length
  return { name, directory: node.directory, entryCount }
}

function parsePath(path: string): readonly string[] {
  const names = path.split('/').slice(1)
  if (path === '/') return []
  const bad = names.some(name => name === '' || name === '.' || name === '..')
  if (!path.startsWith('/') || bad || path.length > PATH_CHARS_MAX || names.length > DEPTH_MAX) {
    const className = 'org.apache.hadoop.fs.InvalidPathException'
    throw new ServiceException(className, `Invalid path name ${path.slice(0, 100)}`)
  }
  return names
}

function notFound(path: string): ServiceException {
  const message = `File or directory ${path} does not exist`
  return new ServiceException('java.io.FileNotFoundException', message)
}

function notAFile(path: string): ServiceException {
  return new ServiceException('java.io.FileNotFoundException', `${path} is not a file`)
}
