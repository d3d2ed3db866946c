/**
 * Deletes a znode and all below it (ZooKeeper `ZKUtil.deleteRecursive`), children first. Not
 * atomic: a znode that another client adds meanwhile is found on a further pass.
 */
import { ErrorCode } from '@baton/jute'
import { ZooKeeperError } from './zookeeper-error.ts'

export interface Tree {
  getChildren(path: string): Promise<{ readonly children: readonly string[] }>
  delete(path: string): Promise<void>
}

/** Requests in flight at one time, so that a large tree cannot fill the client's queue. */
const BATCH_MAX = 100
const PASS_MAX = 10

/** Rejects with `noNode` only where `path` itself was not there at the start. */
export async function deleteRecursive(tree: Tree, path: string): Promise<void> {
  await tree.getChildren(path)
  for (let pass = 1; ; pass++) {
    const found = await listSubtree(tree, path)
    try {
      for (const level of found.reverse()) await deleteAll(tree, level)
      return
    } catch (error) {
      if (codeOf(error) !== ErrorCode.notEmpty || pass === PASS_MAX) throw error
    }
  }
}

/** Levels of paths, the root's first: each level can be deleted once the next one is gone. */
async function listSubtree(tree: Tree, root: string): Promise<string[][]> {
  const levels: string[][] = []
  for (let level = [root]; level.length > 0;) {
    levels.push(level)
    const next: string[] = []
    for (const batch of batches(level)) {
      for (const children of await Promise.all(batch.map(path => childrenOf(tree, path)))) {
        for (const child of children) next.push(child)
      }
    }
    level = next
  }
  return levels
}

async function childrenOf(tree: Tree, path: string): Promise<readonly string[]> {
  const found = await absentAs(undefined, tree.getChildren(path))
  const prefix = path === '/' ? '/' : `${path}/`
  return (found?.children ?? []).map(name => prefix + name)
}

async function deleteAll(tree: Tree, paths: readonly string[]): Promise<void> {
  for (const batch of batches(paths)) {
    await Promise.all(batch.map(path => absentAs(undefined, tree.delete(path))))
  }
}

/** Someone else deleted it first: what we want is so. */
function absentAs<T, A>(absent: A, asked: Promise<T>): Promise<T | A> {
  return asked.catch((error: unknown) => {
    if (codeOf(error) === ErrorCode.noNode) return absent
    throw error
  })
}

function codeOf(error: unknown): number | undefined {
  return error instanceof ZooKeeperError ? error.code : undefined
}

function* batches<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += BATCH_MAX) yield items.slice(at, at + BATCH_MAX)
}
