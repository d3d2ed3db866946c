import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNodeRuntime } from '@baton/runtime/node'
import type { World } from '../../../../test/acceptance/world.ts'

export async function makeNodeWorld(): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), 'baton-runtime-'))
  const runtime = createNodeRuntime()
  return {
    directory,
    run: body => body(runtime),
    dispose: () => rm(directory, { recursive: true, force: true }),
  }
}
