import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ControllerEvent } from '@baton/zkfc'
import { DemoProcess } from './demo-process.ts'
import { freePorts } from './free-ports.ts'

export type NameNodeId = 'nn1' | 'nn2'
export const NAMENODES: readonly NameNodeId[] = ['nn1', 'nn2']
export const NAMESERVICE = 'demo'
export const SESSION_TIMEOUT_MS = 4_000
export const HEALTH_TIMEOUT_MS = 2_000
export const GRACEFUL_FENCE_MS = 1_000

export function otherThan(id: NameNodeId): NameNodeId {
  return id === 'nn1' ? 'nn2' : 'nn1'
}

interface Ports {
  readonly zookeeper: number
  readonly rpc: Readonly<Record<NameNodeId, number>>
  readonly http: Readonly<Record<NameNodeId, number>>
  readonly zkfc: Readonly<Record<NameNodeId, number>>
}

/** Server, NameNodes and controllers as real processes, all below one temporary directory. */
export class DemoCluster {
  readonly directory: string
  readonly ports: Ports
  readonly #processes = new Map<string, DemoProcess>()
  readonly #onEvent: (event: ControllerEvent) => void
  readonly #inElection = new Set<string>()

  private constructor(ports: Ports, onEvent: (event: ControllerEvent) => void) {
    this.ports = ports
    this.#onEvent = onEvent
    this.directory = mkdtempSync(join(tmpdir(), 'baton-demo-'))
    for (const name of ['conf', 'logs', 'pids', 'edits', 'zookeeper']) {
      mkdirSync(join(this.directory, name))
    }
    this.#writeConfiguration()
  }

  static async create(onEvent: (event: ControllerEvent) => void): Promise<DemoCluster> {
    const [zookeeper = 0, rpc1 = 0, rpc2 = 0, http1 = 0, http2 = 0, zkfc1 = 0, zkfc2 = 0] =
      await freePorts(7)
    const ports: Ports = {
      zookeeper,
      rpc: { nn1: rpc1, nn2: rpc2 },
      http: { nn1: http1, nn2: http2 },
      zkfc: { nn1: zkfc1, nn2: zkfc2 },
    }
    return new DemoCluster(ports, onEvent)
  }

  get configuration(): string {
    return join(this.directory, 'conf')
  }

  startServer(): DemoProcess {
    return this.#start('server', [...PROGRAM, 'server', join(this.directory, 'conf/zoo.cfg')])
  }

  startNameNode(id: NameNodeId): DemoProcess {
    const edits = join(this.directory, 'edits')
    const options = ['--conf', this.configuration, '--id', id, '--edits', edits]
    const started = this.#start(id, [...PROGRAM, 'reference-namenode', ...options])
    writeFileSync(join(this.directory, 'pids', id), `${started.pid}\n`)
    return started
  }

  startController(id: NameNodeId): DemoProcess {
    this.#inElection.delete(id)
    return this.#start(`zkfc-${id}`, [...PROGRAM, ...this.controllerArguments(id)])
  }

  controllerArguments(id: NameNodeId): string[] {
    const state = join(this.directory, 'state', id)
    const settings = [`dfs.ha.namenode.id=${id}`, `baton.zkfc.state-dir=${state}`]
    return ['--conf', this.configuration, ...settings.flatMap(s => ['-D', s]), 'zkfc']
  }

  formatCommand(): readonly string[] {
    return [...PROGRAM, ...this.controllerArguments('nn1'), '-formatZK', '-nonInteractive']
  }

  haadminCommand(args: readonly string[]): readonly string[] {
    return [...PROGRAM, '--conf', this.configuration, 'haadmin', ...args]
  }

  /** Whether the controller contends for the lock, or holds it, by what it told last. */
  inElection(id: NameNodeId): boolean {
    return this.#inElection.has(id)
  }

  process(name: NameNodeId | `zkfc-${NameNodeId}` | 'server'): DemoProcess {
    const found = this.#processes.get(name)
    if (found === undefined) throw new Error(`${name} was not started`)
    return found
  }

  /** Ends what still runs, controllers first, and removes the directory. */
  async stop(): Promise<void> {
    const running = [...this.#processes.values()].reverse()
    for (const one of running) one.signal('SIGCONT')
    await Promise.all(running.map(one => one.kill()))
    rmSync(this.directory, { recursive: true, force: true })
  }

  /** The same without waiting, for the moment the program ends for whatever reason. */
  stopAtOnce(): void {
    for (const one of this.#processes.values()) one.signal('SIGKILL')
    rmSync(this.directory, { recursive: true, force: true })
  }

  #start(name: string, command: readonly string[]): DemoProcess {
    const started = new DemoProcess({
      name,
      command,
      logFile: join(this.directory, 'logs', `${name}.log`),
      env: { ...process.env, HADOOP_CONF_DIR: this.configuration, BATON_LOG_LEVEL: 'info' },
      onLine: line => {
        const event = eventOf(line)
        if (event !== undefined) this.#take(event)
      },
    })
    this.#processes.set(name, started)
    return started
  }

  #take(event: ControllerEvent): void {
    if (JOINED.has(event.kind)) this.#inElection.add(event.namenodeId)
    if (LEFT.has(event.kind)) this.#inElection.delete(event.namenodeId)
    this.#onEvent(event)
  }

  #writeConfiguration(): void {
    const zoo = [
      'tickTime=1000',
      `dataDir=${join(this.directory, 'zookeeper')}`,
      `clientPort=${this.ports.zookeeper}`,
      'clientPortAddress=127.0.0.1',
      '4lw.commands.whitelist=ruok,srvr,stat,mntr,isro',
    ]
    writeFileSync(join(this.configuration, 'zoo.cfg'), `${zoo.join('\n')}\n`)
    writeFileSync(join(this.directory, 'fence.sh'), FENCE_SCRIPT, { mode: 0o755 })
    const core = {
      'ha.zookeeper.quorum': `127.0.0.1:${this.ports.zookeeper}`,
      'ha.zookeeper.session-timeout.ms': String(SESSION_TIMEOUT_MS),
      'ha.health-monitor.rpc-timeout.ms': String(HEALTH_TIMEOUT_MS),
      'ha.failover-controller.graceful-fence.rpc-timeout.ms': String(GRACEFUL_FENCE_MS),
      'hadoop.tmp.dir': join(this.directory, 'tmp'),
    }
    writeFileSync(join(this.configuration, 'core-site.xml'), site(core))
    writeFileSync(join(this.configuration, 'hdfs-site.xml'), site(this.#hdfsSite()))
  }

  #hdfsSite(): Record<string, string> {
    const fence = `${join(this.directory, 'fence.sh')} ${join(this.directory, 'pids')}`
    const hdfs: Record<string, string> = {
      'dfs.nameservices': NAMESERVICE,
      [`dfs.ha.namenodes.${NAMESERVICE}`]: NAMENODES.join(','),
      'dfs.ha.automatic-failover.enabled': 'true',
      'dfs.ha.fencing.methods': `shell(${fence}/$target_namenodeid)`,
    }
    for (const id of NAMENODES) {
      const suffix = `${NAMESERVICE}.${id}`
      hdfs[`dfs.namenode.rpc-address.${suffix}`] = `127.0.0.1:${this.ports.rpc[id]}`
      hdfs[`dfs.namenode.http-address.${suffix}`] = `127.0.0.1:${this.ports.http[id]}`
      hdfs[`dfs.ha.zkfc.port.${suffix}`] = String(this.ports.zkfc[id])
    }
    return hdfs
  }
}

const JOINED: ReadonlySet<string> = new Set(['lockAcquired', 'lockHeldByOther', 'sessionReattach'])
const LEFT: ReadonlySet<string> = new Set(['controllerStarted', 'electionLeft', 'lockLost'])

/** Really fences: kills the process whose number the file holds and waits until it is gone. */
const FENCE_SCRIPT = `#!/bin/sh
# fence.sh PIDFILE: exit 0 only when the process is gone.
pid=$(cat "$1") || exit 2
kill -9 "$pid" 2>/dev/null
tries=0
while kill -0 "$pid" 2>/dev/null; do
  tries=$((tries + 1))
  [ "$tries" -lt 100 ] || exit 1
  sleep 0.02
done
exit 0
`

/** The program that runs this demo, whichever way it was built. */
const PROGRAM: readonly string[] = [process.execPath, process.argv[1] ?? 'baton']

function site(values: Readonly<Record<string, string>>): string {
  const rows = Object.entries(values).map(
    ([name, value]) => `  <property><name>${name}</name><value>${value}</value></property>`,
  )
  return `<?xml version="1.0"?>\n<configuration>\n${rows.join('\n')}\n</configuration>\n`
}

function eventOf(line: string): ControllerEvent | undefined {
  if (!line.startsWith('{')) return undefined
  const parsed = JSON.parse(line) as { event?: ControllerEvent }
  return parsed.event
}
