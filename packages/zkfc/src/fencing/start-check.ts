import { DiskError } from '@baton/runtime'
import type { Runtime } from '@baton/runtime'
import type { FencingConfiguration } from './fence-method.ts'
import { parseFencingMethods } from './fencing-grammar.ts'
import { splitShellArgument } from './shell-argument.ts'
import { FALLBACK_ENVIRONMENT } from './shell-environment.ts'
import { privateKeyFiles, SSH_PRIVATE_KEYS_KEY } from './ssh-fence-by-tcp-port.ts'

/*
 * Looks at start for methods that can never fence, so that the operator learns of it before the
 * first failover does: a private key of sshfence that cannot be read, a program of `shell(...)`
 * that is not there. Only what can be said for certain is looked at (absolute paths without
 * anything the shell or ssh would expand), and it is only warned of: the file may come later, with
 * a mount, and refusing to start would take the controller away from a healthy cluster.
 */
const METHODS_KEY = 'dfs.ha.fencing.methods'
const LOOK_TIMEOUT_MS = 5000
const PROGRAM = /^\s*(\/[\w./+@%-]+)(?=[\s;&|]|$)/
const LITERAL_PATH = /^\/[^%$~]*$/
const LOOK = '[ -e "$1" ] || exit 3; [ -f "$1" ] && [ -x "$1" ] || exit 4'
const LOOKED: Readonly<Record<number, string>> = {
  3: 'does not exist',
  4: 'is no file that this account may execute',
}

/** The configuration of one NameNode, as its fencer reads it. */
export interface CheckedNode {
  readonly namenodeId: string
  readonly conf: FencingConfiguration
}

interface Suspect {
  readonly kind: 'key' | 'program'
  readonly file: string
  readonly key: string
  readonly namenodeIds: string[]
}

/** One warning for each file, naming the key and the NameNodes. Never rejects. */
export async function warnOfUnusableMethods(
  nodes: readonly CheckedNode[],
  runtime: Pick<Runtime, 'disk' | 'exec' | 'logger'>,
): Promise<void> {
  for (const { kind, file, key, namenodeIds } of suspectsOf(nodes)) {
    const problem =
      kind === 'key' ? await keyProblem(file, runtime) : await programProblem(file, runtime)
    if (problem === undefined) continue
    const so = kind === 'key' ? 'sshfence cannot log in with it' : 'shell(...) cannot run it'
    const whom = namenodeIds.join(', ')
    const text = `${key} names ${file}, which ${problem}: ${so} to fence ${whom}`
    runtime.logger.warn({ key, file, namenodeIds }, text)
  }
}

function suspectsOf(nodes: readonly CheckedNode[]): readonly Suspect[] {
  const found = new Map<string, Suspect>()
  const add = (kind: Suspect['kind'], key: string, file: string, namenodeId: string): void => {
    const suspect = found.get(`${kind} ${file}`) ?? { kind, file, key, namenodeIds: [] }
    if (!suspect.namenodeIds.includes(namenodeId)) suspect.namenodeIds.push(namenodeId)
    found.set(`${kind} ${file}`, suspect)
  }
  for (const { namenodeId, conf } of nodes) {
    for (const { name, argument } of parseFencingMethods(conf.get(METHODS_KEY) ?? '')) {
      if (name === 'sshfence') {
        const files = privateKeyFiles(conf).filter(file => LITERAL_PATH.test(file))
        for (const file of files) add('key', SSH_PRIVATE_KEYS_KEY, file, namenodeId)
        continue
      }
      for (const command of splitShellArgument(argument ?? '').commands) {
        const file = PROGRAM.exec(command)?.[1]
        if (file !== undefined) add('program', METHODS_KEY, file, namenodeId)
      }
    }
  }
  return [...found.values()]
}

async function keyProblem(
  file: string,
  { disk }: Pick<Runtime, 'disk'>,
): Promise<string | undefined> {
  try {
    const opened = await disk.open(file, 'read')
    await opened.close()
    return undefined
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
    return error.code === 'ENOENT' ? 'does not exist' : `cannot be read (${error.code})`
  }
}

async function programProblem(
  file: string,
  { exec }: Pick<Runtime, 'exec'>,
): Promise<string | undefined> {
  const { exitCode } = await exec.run(['bash', '-c', LOOK, 'bash', file], {
    timeoutMs: LOOK_TIMEOUT_MS,
    env: FALLBACK_ENVIRONMENT,
  })
  return LOOKED[exitCode]
}
