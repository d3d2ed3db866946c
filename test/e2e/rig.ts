import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ControllerEvent } from '@baton/zkfc'
import { canConnect, Child, freePorts, Teardown, until } from '../harness/child.ts'
import { LockWatch } from '../harness/lock-watch.ts'
import type { LockState } from '../harness/lock-watch.ts'
import { NameNodeProbe } from '../harness/name-node-probe.ts'
import { BATON, ROOT, temporaryDirectory } from '../harness/paths.ts'
import { writeSite } from '../harness/site.ts'
import { runBaton } from './run-baton.ts'
import type { Ended } from './run-baton.ts'

/*
 * The whole of Baton as real processes on loopback: a server, two reference NameNodes and two
 * controllers, with the files and the command lines of deploy/. Only hosts, ports, directories
 * and time-outs are others. The fencing method really fences, and leaves a mark.
 */

export type NameNodeId = 'nn1' | 'nn2'
export const IDS: readonly NameNodeId[] = ['nn1', 'nn2']
export const NAMESERVICE = 'mycluster'
export const SESSION_TIMEOUT_MS = 5_000
export const otherThan = (id: NameNodeId): NameNodeId => (id === 'nn1' ? 'nn2' : 'nn1')

const WITHIN_MS = 30_000

type PortsOf = Readonly<Record<NameNodeId, { rpc: number; http: number; zkfc: number }>>

/** What no bad input may change. */
export interface Snapshot {
  readonly states: readonly string[]
  readonly lock: LockState | undefined
  readonly breadcrumb: string | undefined
  readonly fenced: readonly string[]
}

export interface RigOptions {
  readonly core?: Readonly<Record<string, string>>
  readonly hdfs?: Readonly<Record<string, string>>
}

export class Rig {
  readonly directory: string
  readonly serverPort: number
  readonly ports: PortsOf
  readonly probe: NameNodeProbe
  readonly lock: LockWatch
  readonly nameNodes = new Map<NameNodeId, Child>()
  readonly controllers = new Map<NameNodeId, Child>()
  readonly #teardown = new Teardown()
  #server: Child | undefined

  private constructor(
    { path: directory, remove }: ReturnType<typeof temporaryDirectory>,
    ports: readonly number[],
    options: RigOptions,
  ) {
    this.#teardown.add(remove)
    const port = (at: number): number => ports[at] ?? 0
    this.directory = directory
    this.serverPort = port(0)
    this.ports = {
      nn1: { rpc: port(1), http: port(2), zkfc: port(3) },
      nn2: { rpc: port(4), http: port(5), zkfc: port(6) },
    }
    for (const name of ['conf', 'logs', 'pids', 'edits', 'state']) mkdirSync(join(directory, name))
    this.#writeFiles(options)
    this.probe = new NameNodeProbe(this.ports)
    this.lock = new LockWatch(this.connectString, NAMESERVICE)
    this.#teardown.add(() => this.probe.close())
    this.#teardown.add(() => this.lock.close())
  }

  /** The server runs and the election znode is made; nothing else is started. */
  static async create(name: string, options: RigOptions = {}): Promise<Rig> {
    const rig = new Rig(temporaryDirectory(name), await freePorts(7), options)
    rig.startServer()
    await rig.untilServes()
    const format = await rig.baton(['zkfc', '-D', 'dfs.ha.namenode.id=nn1', '-formatZK'])
    if (format.code !== 0) throw new Error(`formatZK: ${format.text}`)
    return rig
  }

  /** Everything runs, nn1 is active, nn2 standby. */
  static async start(name: string, options: RigOptions = {}): Promise<Rig> {
    const rig = await Rig.create(name, options)
    for (const id of IDS) rig.startNameNode(id)
    rig.startController('nn1')
    await rig.untilActive('nn1')
    rig.startController('nn2')
    await rig.untilHeard('nn2', 'lockHeldByOther')
    return rig
  }

  get connectString(): string {
    return `127.0.0.1:${this.serverPort}`
  }

  get conf(): string {
    return join(this.directory, 'conf')
  }

  get server(): Child {
    if (this.#server === undefined) throw new Error('the server was not started')
    return this.#server
  }

  startServer(): void {
    const command = serviceCommand('baton-server.service', {
      '/etc/baton/zoo.cfg': join(this.conf, 'zoo.cfg'),
    })
    this.#server = this.#child('server', command)
  }

  async untilServes(): Promise<void> {
    await until('the server listens', () => canConnect('127.0.0.1', this.serverPort), {
      withinMs: WITHIN_MS,
      watch: [this.server],
    })
  }

  startNameNode(id: NameNodeId): Child {
    const words = ['--conf', this.conf, '--id', id, '--edits', join(this.directory, 'edits')]
    const child = this.#child(id, [...BATON, 'reference-namenode', ...words])
    writeFileSync(join(this.directory, 'pids', id), `${child.pid}\n`)
    this.nameNodes.set(id, child)
    return child
  }

  stateDirectory(id: NameNodeId): string {
    return join(this.directory, 'state', id)
  }

  /** As the unit starts it; both stand on one host, so each is told which NameNode is its own. */
  controllerCommand(id: NameNodeId, extra: readonly string[] = []): readonly string[] {
    const command = serviceCommand('baton-zkfc.service', { '%S': this.stateDirectory(id) })
    return [...command, '-D', `dfs.ha.namenode.id=${id}`, ...extra]
  }

  /** `prefix`: a command that runs the one given to it. */
  startController(
    id: NameNodeId,
    extra: readonly string[] = [],
    prefix: readonly string[] = [],
  ): Child {
    const child = this.#child(`zkfc-${id}`, [...prefix, ...this.controllerCommand(id, extra)])
    this.controllers.set(id, child)
    return child
  }

  controller(id: NameNodeId): Child {
    const child = this.controllers.get(id)
    if (child === undefined) throw new Error(`no controller beside ${id}`)
    return child
  }

  nameNode(id: NameNodeId): Child {
    const child = this.nameNodes.get(id)
    if (child === undefined) throw new Error(`NameNode ${id} was not started`)
    return child
  }

  /** What the controllers beside `id` told so far, over all restarts, oldest first. */
  events(id: NameNodeId): readonly ControllerEvent[] {
    return eventsIn(readFileSync(this.#logFile(`zkfc-${id}`), 'utf8'))
  }

  async untilHeard(
    id: NameNodeId,
    kind: ControllerEvent['kind'],
    from = 0,
  ): Promise<ControllerEvent> {
    const told = (): ControllerEvent | undefined =>
      this.events(id)
        .slice(from)
        .find(event => event.kind === kind)
    const options = { withinMs: WITHIN_MS, watch: [this.controller(id)] }
    return until(`the controller of ${id} tells ${kind}`, told, options)
  }

  async untilActive(id: NameNodeId): Promise<void> {
    const ids = async (): Promise<boolean> => (await this.probe.active()).join() === id
    await until(`only ${id} is active`, ids, { withinMs: WITHIN_MS, watch: this.#watched(id) })
  }

  async untilState(id: NameNodeId, state: string): Promise<void> {
    await until(`${id} is ${state}`, async () => (await this.probe.state(id)) === state, {
      withinMs: WITHIN_MS,
      watch: this.#watched(id),
    })
  }

  /** One active, one standby, and the lock with the active's controller. */
  async untilSettled(): Promise<NameNodeId> {
    return until(
      'one active, one standby',
      async () => {
        const states = await Promise.all(IDS.map(id => this.probe.state(id)))
        return [...states].sort().join() === 'active,standby' && IDS[states.indexOf('active')]
      },
      { withinMs: WITHIN_MS, watch: [...this.controllers.values()] },
    )
  }

  /** The NameNodes that the fencing method was run for, in order. */
  get fenced(): readonly string[] {
    const marks = readFileSync(join(this.directory, 'fenced'), 'utf8')
    return marks.split('\n').filter(line => line !== '')
  }

  async snapshot(): Promise<Snapshot> {
    const [states, lock, breadcrumb] = await Promise.all([
      Promise.all(IDS.map(async id => (await this.probe.state(id)) ?? 'down')),
      this.lock.read(),
      this.lock.breadcrumb(),
    ])
    return { states, lock, breadcrumb, fenced: this.fenced }
  }

  /** Runs one command to its end with the rig's configuration. */
  async baton(words: readonly string[]): Promise<Ended> {
    return runBaton(words, { HADOOP_CONF_DIR: this.conf })
  }

  async stop(): Promise<void> {
    await this.#teardown.run()
  }

  #watched(id: NameNodeId): Child[] {
    return [this.nameNodes.get(id), this.controllers.get(id)].filter(child => child !== undefined)
  }

  #logFile(name: string): string {
    return join(this.directory, 'logs', `${name}.log`)
  }

  #child(name: string, command: readonly string[]): Child {
    const env = { HADOOP_CONF_DIR: this.conf }
    const child = new Child({ name, command, logFile: this.#logFile(name), env })
    return this.#teardown.child(child)
  }

  #writeFiles(options: RigOptions): void {
    writeFileSync(join(this.directory, 'fenced'), '')
    writeFileSync(join(this.directory, 'fence.sh'), FENCE_SCRIPT, { mode: 0o755 })
    const zoo = sampleZooCfg({
      tickTime: '1000',
      dataDir: join(this.directory, 'server'),
      clientPort: String(this.serverPort),
      clientPortAddress: '127.0.0.1',
    })
    writeFileSync(join(this.conf, 'zoo.cfg'), zoo)
    const core = {
      'hadoop.tmp.dir': join(this.directory, 'tmp'),
      'ha.zookeeper.quorum': this.connectString,
      'ha.zookeeper.session-timeout.ms': String(SESSION_TIMEOUT_MS),
      // On a busy machine the kernel may take longer than the default to end a killed process.
      'baton.zkfc.process-evidence.limit.ms': '5000',
      ...options.core,
    }
    const fence = `shell(${this.directory}/fence.sh ${this.directory} $target_namenodeid)`
    const hdfs: Record<string, string> = { 'dfs.ha.fencing.methods': fence, ...options.hdfs }
    for (const id of IDS) {
      const { rpc, http, zkfc } = this.ports[id]
      const suffix = `${NAMESERVICE}.${id}`
      hdfs[`dfs.namenode.rpc-address.${suffix}`] ??= `127.0.0.1:${rpc}`
      hdfs[`dfs.namenode.http-address.${suffix}`] ??= `127.0.0.1:${http}`
      hdfs[`dfs.namenode.name.dir.${suffix}`] ??= `file://${this.directory}/name-${id}`
      hdfs[`dfs.ha.zkfc.port.${suffix}`] ??= String(zkfc)
    }
    writeSite(this.conf, { core, hdfs })
  }
}

/** Kills the process whose number a file holds, waits until it is gone, and leaves a mark. */
const FENCE_SCRIPT = `#!/bin/sh
echo "$2" >> "$1/fenced"
pid=$(cat "$1/pids/$2") || exit 2
kill -9 "$pid" 2>/dev/null
tries=0
while kill -0 "$pid" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null; do
  tries=$((tries + 1))
  [ "$tries" -lt 250 ] || exit 1
  sleep 0.02
done
exit 0
`

/** A setting of a shipped unit, such as `KillSignal`. */
export function unitSetting(unit: string, name: string): string {
  const text = readFileSync(join(ROOT, 'deploy/systemd', unit), 'utf8')
  const value = new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1]
  if (value === undefined) throw new Error(`${unit} has no ${name}`)
  return value
}

function serviceCommand(unit: string, places: Readonly<Record<string, string>>): string[] {
  const words = unitSetting(unit, 'ExecStart').split(' ')
  return words.flatMap(word => {
    if (word === '/usr/bin/baton') return [...BATON]
    return [Object.entries(places).reduce((text, [from, to]) => text.replace(from, to), word)]
  })
}

/** The shipped zoo.cfg with the given values in place of its own. */
export function sampleZooCfg(values: Readonly<Record<string, string>>): string {
  const lines = readFileSync(join(ROOT, 'deploy/zoo.cfg'), 'utf8').split('\n')
  const replaced = lines.map(line => {
    const key = line.split('=')[0] ?? ''
    return key in values ? `${key}=${values[key]}` : line
  })
  return replaced.join('\n')
}

function eventsIn(log: string): ControllerEvent[] {
  return log.split('\n').flatMap(line => {
    // The last line may be half written.
    if (!line.startsWith('{') || !line.endsWith('}')) return []
    const { event } = JSON.parse(line) as { readonly event?: ControllerEvent }
    return event === undefined ? [] : [event]
  })
}
