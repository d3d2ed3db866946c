import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../test-io.ts'
import { ScriptedCluster } from './scripted-cluster.ts'

interface Transcript {
  readonly args: readonly string[]
  readonly rc: number
  readonly stdout: string
  readonly stderr: string
  readonly stdin?: string
}

interface Transcripts {
  readonly usage: string
  readonly runs: readonly Transcript[]
}

const file = new URL('transcripts.json', import.meta.url)
const { usage, runs } = JSON.parse(readFileSync(file, 'utf8')) as Transcripts

let cluster: ScriptedCluster
let local: string

beforeAll(async () => {
  cluster = await ScriptedCluster.start()
  local = 'localhost' // what 127.0.0.1 was called where the transcripts were taken
  for (const node of [cluster.nn1, cluster.nn2]) {
    node.onGracefulFailover = () => {
      cluster.nn1.state = 'standby'
      cluster.nn2.state = 'standby'
      node.state = 'active'
    }
  }
})
afterAll(() => cluster.stop())

describe('haadmin says and returns what hdfs haadmin does', () => {
  test.each(runs.map(found => [found.args.join(' '), found] as const))(
    '%s',
    async (_, expected) => {
      cluster.nn1.state = 'active'
      cluster.nn2.state = 'standby'
      const stdin = expected.stdin?.trimEnd().split('\n') ?? []
      const runtime = await namedRuntime()
      const words = ['haadmin', ...cluster.words(true), ...expected.args]
      const found = await run(words, { stdin, io: { runtime: async () => runtime } })
      expect({ ...found, stderr: withoutLog(found.stderr) }).toEqual({
        rc: expected.rc,
        stdout: fill(expected.stdout),
        stderr: fill(expected.stderr),
      })
    },
  )
})

/** Loopback has a name of its own on every machine; the transcripts' one is `localhost`. */
async function namedRuntime() {
  const { createNodeRuntime } = await import('@baton/runtime/node')
  const runtime = createNodeRuntime()
  const { network } = runtime
  return {
    ...runtime,
    network: {
      listen: network.listen.bind(network),
      connect: network.connect.bind(network),
      resolve: network.resolve.bind(network),
      reverse: async (ip: string) => (ip === '127.0.0.1' ? local : ip),
    },
  }
}

function fill(text: string): string {
  const filled = text.replace('{usage}', usage)
  const ports: readonly (readonly [string, number])[] = [
    ['18031', cluster.nn1.address.port],
    ['18032', cluster.nn2.address.port],
  ]
  return ports.reduce((current, [from, to]) => {
    const shown = String(to)
    const padded = current.replace(`${local}:${from}`.padEnd(50), `${local}:${shown}`.padEnd(50))
    return padded.replaceAll(from, shown)
  }, filled)
}

/** The transcripts have no log lines; what follows a line's first line of a message stays. */
function withoutLog(text: string): string {
  return text.replace(/(^|\) )WARN: [^\n]*\n/g, '$1').replace(/Aborted\n$/, '')
}
