import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Plugin } from 'esbuild'

/*
 * The simulation and all it runs as one file: loaded in a moment and quick, by as many threads as
 * there are. A mutant is the same with one text of one source replaced, so that nothing in the
 * shipped code knows of it.
 */
const ROOT = resolve(fileURLToPath(import.meta.url), '../../..')
const CACHE = resolve(ROOT, 'node_modules/.cache/baton-simulation')

/** Loaded by the real runtime only, which a simulated run never opens. */
const EXTERNAL = ['execa', 'fs-native-extensions', 'pino', 'pino-pretty']

export interface Mutation {
  /** Below the root, with `/`. */
  readonly file: string
  /** Must occur exactly once in it. */
  readonly from: string
  readonly to: string
}

export interface Bundle {
  readonly path: string
  remove(): Promise<void>
}

export async function bundle(entry: string, mutations: readonly Mutation[] = []): Promise<Bundle> {
  await mkdir(CACHE, { recursive: true })
  const path = resolve(CACHE, `${randomBytes(8).toString('hex')}.mjs`)
  const applied = new Set<Mutation>()
  await build({
    entryPoints: [resolve(ROOT, entry)],
    outfile: path,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['source'],
    external: EXTERNAL,
    sourcemap: 'inline',
    logLevel: 'silent',
    plugins: [mutate(mutations, applied)],
  })
  for (const mutation of mutations) {
    if (!applied.has(mutation)) throw new Error(`${mutation.file} is not part of the bundle`)
  }
  return { path, remove: () => rm(path, { force: true }) }
}

function mutate(mutations: readonly Mutation[], applied: Set<Mutation>): Plugin {
  return {
    name: 'mutate',
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const file = relative(ROOT, path).replaceAll('\\', '/')
        const mine = mutations.filter(mutation => mutation.file === file)
        if (mine.length === 0) return undefined
        let contents = await readFile(path, 'utf8')
        for (const mutation of mine) {
          contents = replaceOnce(contents, mutation)
          applied.add(mutation)
        }
        return { contents, loader: 'ts' }
      })
    },
  }
}

/** A mutant whose text is gone has rotted: say so instead of testing nothing. */
export function replaceOnce(text: string, { file, from, to }: Mutation): string {
  const parts = text.split(from)
  if (parts.length !== 2) {
    throw new Error(
      `expected this text once in ${file}, found it ${parts.length - 1} times: ${from}`,
    )
  }
  return parts.join(to)
}
