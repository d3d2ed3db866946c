import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './paths.ts'

export type JavaPeer = 'hadoop' | 'zookeeper'

const CACHE = join(ROOT, 'node_modules/.cache/baton-peers')

/** The folder of jars of a peer, fetched by name from Maven once and then kept. */
export function jarsOf(peer: JavaPeer): string {
  const folder = join(CACHE, peer)
  if (existsSync(folder)) return folder
  const aside = `${folder}.part`
  rmSync(aside, { recursive: true, force: true })
  mkdirSync(aside, { recursive: true })
  const pom = join(ROOT, 'test/peers/maven', `${peer}.xml`)
  execFileSync(
    'mvn',
    ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${aside}`],
    { stdio: ['ignore', 'inherit', 'inherit'], timeout: 600_000 },
  )
  if (readdirSync(aside).length === 0) throw new Error(`Maven fetched no jar for ${peer}`)
  renameSync(aside, folder)
  return folder
}
