import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { undisturbed } from '../calm-rig.ts'
import type { Rig } from '../rig.ts'
import { runBaton } from '../run-baton.ts'

/*
 * A controller that is given something wrong, beside a cluster that works. It has its own state
 * directory and its own port, so that nothing but what the case is about can stop it.
 */
interface Row {
  readonly name: string
  /** Keys set in front of the command, as `-D key=value`. */
  readonly set?: Readonly<Record<string, string>>
  /** Words behind `zkfc`. */
  readonly words?: readonly string[]
  readonly code: number
  /** All of it is said. */
  readonly says: readonly (string | RegExp)[]
}

const fencing = (value: string): Readonly<Record<string, string>> => ({
  'dfs.ha.fencing.methods': value,
})
const NN1_RPC = 'dfs.namenode.rpc-address.mycluster.nn1'

const ROWS: readonly Row[] = [
  { name: 'no nameservice', set: { 'dfs.nameservices': '' }, code: 1, says: ['dfs.nameservices'] },
  {
    name: 'no quorum',
    set: { 'ha.zookeeper.quorum': '' },
    code: 1,
    says: ["Missing required configuration 'ha.zookeeper.quorum'"],
  },
  {
    name: 'a quorum of a host that does not exist',
    set: { 'ha.zookeeper.quorum': 'zk.invalid:2181', 'ha.zookeeper.session-timeout.ms': '1500' },
    code: 6,
    says: ['Unable to connect to ZooKeeper quorum at zk.invalid:2181', 'ha.zookeeper.quorum'],
  },
  {
    name: 'a quorum where nobody listens',
    set: { 'ha.zookeeper.quorum': '127.0.0.1:1', 'ha.zookeeper.session-timeout.ms': '1500' },
    code: 6,
    says: ['Unable to connect to ZooKeeper quorum at 127.0.0.1:1'],
  },
  {
    name: 'a quorum with a port out of range',
    set: { 'ha.zookeeper.quorum': '127.0.0.1:99999' },
    code: 1,
    says: ['ha.zookeeper.quorum', '127.0.0.1:99999', '-D'],
  },
  {
    name: 'a NameNode with a port out of range',
    set: { [NN1_RPC]: '127.0.0.1:70000' },
    code: 1,
    says: [NN1_RPC, '127.0.0.1:70000'],
  },
  {
    name: 'a time that is no number',
    set: { 'ha.zookeeper.session-timeout.ms': 'soon' },
    code: 1,
    says: ['ha.zookeeper.session-timeout.ms', 'soon', '-D'],
  },
  {
    name: 'a parent znode that is no path',
    set: { 'ha.zookeeper.parent-znode': 'hadoop-ha' },
    code: 1,
    says: ['ha.zookeeper.parent-znode', 'begins with /'],
  },
  {
    name: 'a parent znode that was never made',
    set: { 'ha.zookeeper.parent-znode': '/nowhere' },
    code: 3,
    says: ['Parent znode does not exist', '-formatZK'],
  },
  {
    name: 'fencing with an open parenthesis',
    set: fencing('shell(/bin/true'),
    code: 4,
    says: ['dfs.ha.fencing.methods', 'line 1', 'the closing ")" must end the line'],
  },
  {
    name: 'a Java class as fencing method',
    set: fencing('org.example.PowerFencer(rack7)'),
    code: 4,
    says: ['org.example.PowerFencer', 'Java classes cannot be run here', 'shell(...)'],
  },
  {
    name: 'automatic failover switched off',
    set: { 'dfs.ha.automatic-failover.enabled': 'false' },
    code: 5,
    says: ['Automatic failover is not enabled', 'NameNode at localhost/127.0.0.1:'],
  },
  {
    name: 'Kerberos',
    set: { 'hadoop.security.authentication': 'kerberos' },
    code: 1,
    says: ['hadoop.security.authentication', 'kerberos'],
  },
  {
    name: 'encrypted RPC',
    set: { 'hadoop.rpc.protection': 'privacy' },
    code: 1,
    says: ['hadoop.rpc.protection', 'privacy'],
  },
  {
    name: 'TLS to ZooKeeper',
    set: { 'hadoop.zk.ssl.enabled': 'true', 'ha.zookeeper.client.ssl.enabled': 'true' },
    code: 1,
    says: [/ssl\.enabled/],
  },
  { name: 'a bad word', words: ['-formatzk'], code: 1, says: ['Usage: hdfs zkfc', 'Bad argument'] },
  {
    name: 'formatting over a znode without being asked',
    words: ['-formatZK', '-nonInteractive'],
    code: 2,
    says: ['/hadoop-ha/mycluster exists; nothing was changed; -force clears it'],
  },
  {
    name: 'formatting with nobody at the keyboard',
    words: ['-formatZK'],
    code: 2,
    says: ['/hadoop-ha/mycluster already exists', 'Standard input is closed, taken as N'],
  },
]

const zkfcWords = (rig: Rig, row: Pick<Row, 'name' | 'set' | 'words'>): string[] => {
  const state = join(rig.directory, 'other-state', row.name.replaceAll(' ', '-'))
  const settings = {
    'dfs.ha.namenode.id': 'nn1',
    'baton.zkfc.state-dir': state,
    'dfs.ha.zkfc.port.mycluster.nn1': '0',
    ...row.set,
  }
  const options = Object.entries(settings).flatMap(([key, value]) => ['-D', `${key}=${value}`])
  return ['zkfc', ...options, ...(row.words ?? [])]
}

function expectSaid(text: string, says: Row['says']): void {
  for (const part of says) {
    if (typeof part === 'string') expect(text).toContain(part)
    else expect(text).toMatch(part)
  }
  // A clear error, not the inside of the program.
  expect(text).not.toMatch(/^\s+at .*:\d+:\d+\)?$/m)
}

describe.concurrent('a controller with a wrong configuration', () => {
  test.each(ROWS)('$name ends with $code', async row => {
    await undisturbed(async rig => {
      const ended = await rig.baton(zkfcWords(rig, row))
      expect(ended.code, ended.text).toBe(row.code)
      expectSaid(ended.text, row.says)
    })
  })

  test('a port that is taken is named', async () => {
    await undisturbed(async rig => {
      const port = String(rig.ports.nn2.zkfc)
      const set = { 'dfs.ha.zkfc.port.mycluster.nn1': port }
      const ended = await rig.baton(zkfcWords(rig, { name: 'port taken', set }))
      expect(ended.code).toBe(1)
      expect(ended.stderr).toContain(`127.0.0.1:${port}`)
    })
  })
})

/** Files that no XML reader takes, each with what has to be said. */
const BROKEN_FILES = [
  ['cut off', '<configuration><property><name>a</name>'],
  ['another language', '{"dfs.nameservices": "mycluster"}'],
  ['another document', '<?xml version="1.0"?><site/>'],
] as const

describe.concurrent('a site file that is broken', () => {
  test.each(BROKEN_FILES)('%s is named, by the controller and by haadmin', async (name, text) => {
    await undisturbed(async rig => {
      const directory = join(rig.directory, `broken ${name}`)
      mkdirSync(directory)
      cpSync(join(rig.conf, 'core-site.xml'), join(directory, 'core-site.xml'))
      const file = join(directory, 'hdfs-site.xml')
      writeFileSync(file, text)
      const env = { HADOOP_CONF_DIR: directory }
      const [zkfc, haadmin] = await Promise.all([
        runBaton(['zkfc'], env),
        runBaton(['haadmin', '-getAllServiceState'], env),
      ])
      expect([zkfc.code, haadmin.code]).toEqual([1, 255])
      expectSaid(zkfc.text, [file])
      expectSaid(haadmin.text, [file])
      rmSync(directory, { recursive: true })
    })
  })
})

test.concurrent('a site without fencing ends with 4', async () => {
  await undisturbed(async rig => {
    const directory = join(rig.directory, 'no fencing')
    cpSync(rig.conf, directory, { recursive: true })
    const file = join(directory, 'hdfs-site.xml')
    const property = /<property><name>dfs\.ha\.fencing\.methods<\/name>.*<\/property>/
    writeFileSync(file, readFileSync(file, 'utf8').replace(property, ''))
    const words = zkfcWords(rig, { name: 'no fencing' })
    const ended = await runBaton(words, { HADOOP_CONF_DIR: directory })
    expect(ended.code, ended.text).toBe(4)
    expectSaid(ended.text, ['Fencing is not configured for NameNode at localhost/127.0.0.1:'])
  })
})
