import { execFile } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { canConnect, Child, freePorts, until } from './child.ts'
import type { Teardown } from './child.ts'
import { jarsOf } from './maven.ts'
import { BATON } from './paths.ts'
import { writeSite } from './site.ts'
import { QUICK_JAVA } from './zookeeper.ts'

export type NameNodeId = 'nn1' | 'nn2'
export type ControllerKind = 'baton' | 'java'

const MAIN = {
  nn: 'org.apache.hadoop.hdfs.server.namenode.NameNode',
  jn: 'org.apache.hadoop.hdfs.qjournal.server.JournalNode',
  zkfc: 'org.apache.hadoop.hdfs.tools.DFSZKFailoverController',
  haadmin: 'org.apache.hadoop.hdfs.tools.DFSHAAdmin',
} as const

const NAMESERVICE = 'mycluster'
const LOG4J = `log4j.rootLogger=INFO,c
log4j.appender.c=org.apache.log4j.ConsoleAppender
log4j.appender.c.target=System.err
log4j.appender.c.layout=org.apache.log4j.PatternLayout
log4j.appender.c.layout.ConversionPattern=%d{ISO8601} %p %c{2} %m%n
`

export interface ClusterOptions {
  readonly directory: string
  /** ha.zookeeper.quorum */
  readonly connectString: string
  readonly teardown: Teardown
  readonly core?: Readonly<Record<string, string | undefined>>
  readonly hdfs?: Readonly<Record<string, string | undefined>>
  /** Flags of NameNodes and controllers; empty to measure them as they ship. */
  readonly javaFlags?: readonly string[]
}

interface NodePorts {
  readonly rpc: number
  readonly http: number
  readonly zkfc: number
}

/** Two real NameNodes on three real JournalNodes, all on loopback, no DataNode. */
export class HadoopCluster {
  readonly directory: string
  readonly ports: Readonly<Record<NameNodeId, NodePorts>>
  readonly #options: ClusterOptions
  readonly #journals: readonly (readonly [rpc: number, http: number])[]
  readonly nameNodes = new Map<NameNodeId, Child>()
  readonly controllers = new Map<NameNodeId, Child>()
  #starts = 0

  private constructor(options: ClusterOptions, ports: readonly number[]) {
    this.#options = options
    this.directory = options.directory
    const at = (index: number): number => ports[index] ?? 0
    this.ports = {
      nn1: { rpc: at(0), http: at(1), zkfc: at(2) },
      nn2: { rpc: at(3), http: at(4), zkfc: at(5) },
    }
    this.#journals = [0, 1, 2].map(i => [at(6 + 2 * i), at(7 + 2 * i)] as const)
  }

  /** JournalNodes running, namespace formatted, both NameNodes up; no controller yet. */
  static async start(options: ClusterOptions): Promise<HadoopCluster> {
    const cluster = new HadoopCluster(options, await freePorts(12))
    cluster.configure()
    await Promise.all([0, 1, 2].map(i => cluster.#startJournalNode(i)))
    await cluster.java('nn', 'nn1', ['-format', '-nonInteractive', '-clusterId', 'c1'])
    await cluster.startNameNode('nn1')
    await cluster.java('nn', 'nn2', ['-bootstrapStandby', '-nonInteractive'])
    await cluster.startNameNode('nn2')
    return cluster
  }

  get configuration(): string {
    return join(this.directory, 'conf')
  }

  get nameservice(): string {
    return NAMESERVICE
  }

  /** Writes the configuration files; changed properties hold for what starts afterwards. */
  configure(
    changed: {
      readonly core?: Readonly<Record<string, string | undefined>>
      readonly hdfs?: Readonly<Record<string, string | undefined>>
    } = {},
  ): void {
    const journals = this.#journals.map(([rpc]) => `127.0.0.1:${rpc}`).join(';')
    const hdfs: Record<string, string | undefined> = {
      'dfs.namenode.shared.edits.dir': `qjournal://${journals}/${NAMESERVICE}`,
      'dfs.namenode.resource.du.reserved': '1048576',
      'dfs.ha.fencing.methods': 'shell(/bin/true)',
    }
    for (const [id, ports] of Object.entries(this.ports)) {
      const suffix = `${NAMESERVICE}.${id}`
      hdfs[`dfs.namenode.rpc-address.${suffix}`] = `127.0.0.1:${ports.rpc}`
      hdfs[`dfs.namenode.http-address.${suffix}`] = `127.0.0.1:${ports.http}`
      hdfs[`dfs.namenode.name.dir.${suffix}`] = `file://${join(this.directory, 'data', id)}`
      hdfs[`dfs.ha.zkfc.port.${suffix}`] = String(ports.zkfc)
    }
    writeSite(this.configuration, {
      core: {
        'ha.zookeeper.quorum': this.#options.connectString,
        'hadoop.tmp.dir': join(this.directory, 'tmp'),
        ...this.#options.core,
        ...changed.core,
      },
      hdfs: { ...hdfs, ...this.#options.hdfs, ...changed.hdfs },
    })
    writeFileSync(join(this.configuration, 'log4j.properties'), LOG4J)
  }

  async startNameNode(id: NameNodeId): Promise<Child> {
    const child = this.#spawn(`${id}`, this.#javaCommand('nn', id, []))
    this.nameNodes.set(id, child)
    await until(`NameNode ${id}`, () => canConnect('127.0.0.1', this.ports[id].rpc), {
      withinMs: 90_000,
      watch: [child],
    })
    return child
  }

  /** Starts a controller and returns at once. */
  startController(kind: ControllerKind, id: NameNodeId, extra: readonly string[] = []): Child {
    const command =
      kind === 'baton'
        ? [...BATON, 'zkfc', ...this.#batonOptions(id), ...extra]
        : this.#javaCommand('zkfc', id, extra)
    const child = this.#spawn(`zkfc-${id}`, command)
    this.controllers.set(id, child)
    return child
  }

  /** The controller's memory of its session; what starts next starts as new. */
  clearControllerState(id: NameNodeId): void {
    rmSync(join(this.directory, 'state', id), { recursive: true, force: true })
  }

  async formatZooKeeper(kind: ControllerKind): Promise<void> {
    const args = ['-formatZK', '-nonInteractive']
    if (kind === 'java') return void (await this.java('zkfc', 'nn1', args))
    const result = await this.baton('zkfc', [...this.#batonOptions('nn1'), ...args])
    if (result.exitCode !== 0) throw new Error(`formatZK: ${result.stderr}${result.stdout}`)
  }

  /** A Java tool in the foreground; throws with its output where it fails and `check` is on. */
  async java(
    kind: keyof typeof MAIN,
    id: NameNodeId,
    args: readonly string[],
    check = true,
  ): Promise<ToolResult> {
    const [program = '', ...rest] = this.#javaCommand(kind, id, args)
    const result = await runTool(program, rest, this.#environment())
    if (check && result.exitCode !== 0) {
      throw new Error(`${kind} ${args.join(' ')}: exit ${result.exitCode}\n${result.stderr}`)
    }
    return result
  }

  async baton(command: string, args: readonly string[]): Promise<ToolResult> {
    const [program = '', ...first] = BATON
    return runTool(program, [...first, command, ...args], this.#environment())
  }

  async haadmin(kind: ControllerKind, args: readonly string[]): Promise<ToolResult> {
    return kind === 'java' ? this.java('haadmin', 'nn1', args, false) : this.baton('haadmin', args)
  }

  #environment(): Record<string, string> {
    return { HADOOP_CONF_DIR: this.configuration }
  }

  #batonOptions(id: NameNodeId): string[] {
    const state = join(this.directory, 'state', id)
    mkdirSync(state, { recursive: true })
    return ['-D', `dfs.ha.namenode.id=${id}`, '-D', `baton.zkfc.state-dir=${state}`]
  }

  #javaCommand(kind: keyof typeof MAIN, id: NameNodeId, args: readonly string[]): string[] {
    const flags = kind === 'haadmin' ? [] : ['-Xmx256m']
    const classPath = `${this.configuration}:${jarsOf('hadoop')}/*`
    return [
      'java',
      ...flags,
      ...(this.#options.javaFlags ?? QUICK_JAVA),
      '-Djava.net.preferIPv4Stack=true',
      `-Dhadoop.log.dir=${this.directory}`,
      '-cp',
      classPath,
      MAIN[kind],
      ...(kind === 'haadmin' ? [] : ['-D', `dfs.ha.namenode.id=${id}`]),
      ...args,
    ]
  }

  async #startJournalNode(index: number): Promise<void> {
    const [rpc, http] = this.#journals[index] ?? [0, 0]
    const child = this.#spawn(`jn${index + 1}`, [
      'java',
      '-Xmx192m',
      ...QUICK_JAVA,
      '-Djava.net.preferIPv4Stack=true',
      `-Dhadoop.log.dir=${this.directory}`,
      '-cp',
      `${this.configuration}:${jarsOf('hadoop')}/*`,
      MAIN.jn,
      '-D',
      `dfs.journalnode.rpc-address=127.0.0.1:${rpc}`,
      '-D',
      `dfs.journalnode.http-address=127.0.0.1:${http}`,
      '-D',
      `dfs.journalnode.edits.dir=${join(this.directory, 'data', `jn${index + 1}`)}`,
    ])
    await until(`JournalNode ${index + 1}`, () => canConnect('127.0.0.1', rpc), {
      withinMs: 60_000,
      watch: [child],
    })
  }

  #spawn(name: string, command: readonly string[]): Child {
    mkdirSync(join(this.directory, 'logs'), { recursive: true })
    this.#starts += 1
    const child = new Child({
      name,
      command,
      logFile: join(this.directory, 'logs', `${name}.${this.#starts}.log`),
      env: this.#environment(),
      cwd: this.directory,
    })
    return this.#options.teardown.child(child)
  }
}

export interface ToolResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** A foreground tool with closed standard input, bounded to two minutes. */
export function runTool(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ToolResult> {
  return new Promise(resolve => {
    const child = execFile(
      program,
      [...args],
      { timeout: 120_000, maxBuffer: 16 << 20, env: { ...process.env, ...env } },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 128
        resolve({ exitCode: code, stdout, stderr })
      },
    )
    child.stdin?.end()
  })
}
