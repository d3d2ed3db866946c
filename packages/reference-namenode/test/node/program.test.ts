import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HAServiceProtocol, IpcClient } from '@baton/hadoop'
import { createNodeRuntime } from '@baton/runtime/node'
import { NamespaceProtocol } from '../../src/index.ts'

const PROGRAM = new URL('../../src/node/program.ts', import.meta.url).href
const RUN = `import('${PROGRAM}')
  .then(program => program.runReferenceNameNode(process.argv.slice(1)))
  .then(code => process.exit(code))`
const CALL = { rpcTimeoutMs: 10_000 }
let directory = ''
const children: ChildProcess[] = []

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'reference-namenode-'))
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await rm(directory, { recursive: true })
})

function start(args: readonly string[]) {
  const flags = ['--conditions=source', '--import', 'tsx', '-e', RUN, '--', ...args]
  const env = { ...process.env, HADOOP_USER_NAME: 'hdfs' }
  const child = spawn(process.execPath, flags, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  children.push(child)
  let stderr = ''
  let told: () => void = () => {}
  child.stderr.on('data', (text: Buffer) => {
    stderr += text.toString()
    told()
  })
  const ended = new Promise<{ code: number | null; stderr: string }>(resolve =>
    child.once('close', code => {
      told()
      resolve({ code, stderr })
    }),
  )
  const said = async (text: string): Promise<void> => {
    while (!stderr.includes(text) && child.exitCode === null) {
      await new Promise<void>(resolve => {
        told = resolve
      })
    }
    expect(stderr).toContain(text)
  }
  return { child, ended, said }
}

describe('the reference NameNode as a process', () => {
  test('refuses wrong options with 2 and a configuration that is not there with 1', async () => {
    const runs = [start(['--id', 'nn1']), start(['--id=nn1', '--conf=/none', '--edits=/none'])]
    const [options, configuration] = await Promise.all(runs.map(run => run.ended))
    expect(options).toMatchObject({ code: 2 })
    expect(options?.stderr).toContain('--conf, --id and --edits are needed')
    expect(configuration).toMatchObject({ code: 1 })
    expect(configuration?.stderr).toContain('/none')
  })

  test('serves, and ends with 0 on SIGTERM', async () => {
    const runtime = createNodeRuntime()
    const probe = await runtime.network.listen({ host: '127.0.0.1', port: 0 }, () => {})
    await probe.close()
    const properties = {
      'dfs.nameservices': 'mycluster',
      'dfs.ha.namenodes.mycluster': 'nn1',
      'dfs.namenode.rpc-address.mycluster.nn1': `127.0.0.1:${probe.address.port}`,
      'dfs.ha.automatic-failover.enabled': 'true',
    }
    const xml = Object.entries(properties).map(
      ([name, value]) => `<property><name>${name}</name><value>${value}</value></property>`,
    )
    const site = `<configuration>${xml.join('')}</configuration>`
    await writeFile(join(directory, 'hdfs-site.xml'), site)
    const edits = join(directory, 'edits')
    const node = start(['--conf', directory, '--id', 'nn1', '--edits', edits])
    await node.said('NameNode RPC listens')
    const client = new IpcClient(runtime, { user: 'hdfs' })
    const transition = HAServiceProtocol.transitionToActive
    await client.call(probe.address, transition, { source: 'zkfc' }, CALL)
    const made = await client.call(probe.address, NamespaceProtocol.mkdir, { path: '/a' }, CALL)
    expect(made).toEqual({ txid: 1 })
    client.close()
    node.child.kill('SIGTERM')
    expect(await node.ended).toMatchObject({ code: 0 })
  })
})
