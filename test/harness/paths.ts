import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The program as it is shipped. */
export const BATON = [process.execPath, join(ROOT, 'packages/cli/dist/program/bin.js')] as const

/** Kept for a look where BATON_KEEP_FILES is set. */
export function temporaryDirectory(name: string): { path: string; remove: () => unknown } {
  const path = mkdtempSync(join(tmpdir(), `baton-${name}-`))
  return {
    path,
    remove: () => process.env['BATON_KEEP_FILES'] || rmSync(path, { recursive: true, force: true }),
  }
}
