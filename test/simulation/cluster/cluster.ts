import { IpcClient, IpcError, RemoteException } from '@baton/hadoop'
import type { Runtime } from '@baton/runtime'
import { Simulation } from '@baton/runtime/sim'
import type { SimDisk, SimHost, SimProcess, SimRandom, TurnKind } from '@baton/runtime/sim'
import type { ControllerEvent } from '@baton/zkfc'
import { HANGING_PROGRAM } from '../fault-points.ts'
import type { Observation } from '../observations.ts'
import { clusterConf, RPC_PORT } from './cluster-conf.ts'
import { runFence } from './fences.ts'
import type { FenceMode } from './fences.ts'
import { readFinalLog } from './final-log.ts'
import { Slot } from './slot.ts'
import { spyOnTree } from '../tree-spy.ts'
import type { AppliedTxn } from '../tree-spy.ts'
import { controllerMain, formatMain, nameNodeMain, serverMain } from './programs.ts'
import type { Controller, NameNode, Programs } from './programs.ts'
import { runWriter } from './writer.ts'

export interface ClusterOptions {
  readonly seed: number | string
  readonly nodes: readonly string[]
  readonly fenceMode: () => FenceMode
  readonly observe: (seen: Observation) => void
  readonly onEvent?: (event: ControllerEvent) => void
  readonly entries?: readonly (readonly [string, string])[]
  /** Its controller is started first, so that its NameNode is the active one. */
  readonly first?: string
  /** Puts something between a process and its world. */
  readonly wrapRuntime?: (runtime: Runtime, label: string) => Runtime
  readonly traceMax?: number
}

const POLL_MS = 250
const WRITER_RESTART_MS = 1000

/** A whole cluster in virtual time: a server, NameNodes, a controller beside each, one writer. */
export class Cluster implements Programs {
  readonly sim: Simulation
  readonly nodes: readonly string[]
  readonly edits: SimDisk
  readonly random: SimRandom
  readonly server: Slot
  readonly writer: Slot
  readonly nameNodes = new Map<string, Slot>()
  readonly controllers = new Map<string, Slot>()
  /** What runs inside, for those that are alive. */
  readonly runningNameNodes = new Map<string, NameNode>()
  readonly runningControllers = new Map<string, Controller>()
  readonly fenceCounts = new Map<FenceMode, number>()
  fenceMode: () => FenceMode
  readonly options: ClusterOptions
  acknowledgedCount = 0
  /** The newest write begun and acknowledged. */
  lastAcknowledgedMs = -Infinity
  #formatted = false
  #stopSpying: () => void = () => {}

  constructor(options: ClusterOptions) {
    this.options = options
    this.fenceMode = options.fenceMode
    const traceMax = options.traceMax ?? 2000
    this.sim = new Simulation({ seed: options.seed, traceMax })
    this.nodes = options.nodes
    this.random = this.sim.random.fork('cluster')
    this.edits = this.sim.sharedDisk('edits')
    this.#watchEdits()
    this.server = this.#slot('zk', 'server', (runtime, self) => serverMain(this, runtime, self))
    for (const id of this.nodes) this.#addNode(id)
    this.writer = this.#slot('client', 'writer', runtime =>
      runWriter(runtime, this.nodes, seen => this.#onWriter(seen)),
    )
    this.sim.onLog = ({ process, message, fields }) => {
      if (message !== 'NameNode state changed') return
      const { to } = fields as { to: string }
      this.observe({ kind: 'nameNodeState', node: process.host.name, pid: process.pid, state: to })
    }
  }

  observe(seen: Observation): void {
    this.options.observe(seen)
  }

  onEvent(event: ControllerEvent): void {
    if (event.kind === 'cedeRequested') {
      this.observe({ kind: 'askedToGo', node: event.namenodeId })
    }
    this.options.onEvent?.(event)
  }

  conf(id: string): ReturnType<typeof clusterConf> {
    return clusterConf(this.nodes, id, this.options.entries)
  }

  wrap(runtime: Runtime, label: string): Runtime {
    return this.options.wrapRuntime?.(runtime, label) ?? runtime
  }

  /** Server, znodes, NameNodes, controllers, writer; returns once a NameNode takes writes. */
  async start(): Promise<void> {
    this.#stopSpying = spyOnTree(applied => this.#onTree(applied))
    this.server.start()
    this.sim.host('admin').spawn('format', async runtime => {
      await formatMain(this.conf(this.nodes[0] ?? ''), runtime)
      this.#formatted = true
    })
    await this.sim.runUntil(() => this.#formatted)
    for (const slot of this.nameNodes.values()) slot.start()
    const { first } = this.options
    if (first !== undefined) {
      this.controllers.get(first)?.start()
      await this.sim.runUntil(() => this.activeControllers().length === 1)
    }
    for (const slot of this.controllers.values()) slot.start()
    this.writer.start()
    this.#poll()
    await this.sim.runUntil(() => this.acknowledgedCount > 0)
  }

  /** Reads the final log and ends the listening; the world is then over. */
  end(): void {
    this.observe({ kind: 'finalLog', entries: readFinalLog(this.edits) })
    this.dispose()
  }

  dispose(): void {
    this.#stopSpying()
  }

  /** Asks a controller from the outside, as haadmin would; the answer is noted in the trace. */
  ask(what: string, run: (ipc: IpcClient) => Promise<unknown>): void {
    this.sim.host('admin').spawn(what, async (runtime, self) => {
      const ipc = new IpcClient(runtime, { user: 'hdfs', callerContext: 'CLI' })
      const answer = await run(ipc).then(
        () => 'ok',
        (error: unknown) => {
          if (error instanceof IpcError) return error.message
          if (error instanceof RemoteException) return error.shortMessage
          throw error
        },
      )
      this.sim.note('admin', what, answer)
      self.exit(0)
    })
  }

  /** Power loss; everything of the host is started again `downMs` later. */
  crashHost(host: SimHost, downMs: number): void {
    if (!host.up) return
    host.crash()
    this.sim.schedule(this.sim.now + downMs, () => {
      host.restart()
      for (const slot of this.slots) if (slot.host === host) slot.start()
    })
  }

  pauseNameNode(id: string, durationMs: number): void {
    const running = this.nameNodes.get(id)?.process
    if (running === undefined) return
    this.observe({ kind: 'nameNodePaused', node: id, pid: running.pid })
    running.stall(durationMs)
  }

  /** Stops `target` before its first turn for which `isIt` holds. */
  pauseAt(target: SimProcess, isIt: (kind: TurnKind) => boolean, durationMs: number): void {
    this.#pauses.add({ target, isIt, durationMs })
    this.sim.beforeTurn = (process, kind) => {
      for (const pause of this.#pauses) {
        if (pause.target !== process || !pause.isIt(kind)) continue
        this.#pauses.delete(pause)
        this.sim.note(process.label, 'stopped before', kind)
        this.pauseCounts.set(kind, (this.pauseCounts.get(kind) ?? 0) + 1)
        process.stall(pause.durationMs)
      }
    }
  }
  /** Pauses that did not come yet are taken back. */
  forgetPauses(): void {
    this.#pauses.clear()
  }
  readonly #pauses = new Set<{
    readonly target: SimProcess
    readonly isIt: (kind: TurnKind) => boolean
    readonly durationMs: number
  }>()
  /** Turns of each kind before which a controller was stopped. */
  readonly pauseCounts = new Map<TurnKind, number>()

  get slots(): readonly Slot[] {
    return [this.server, this.writer, ...this.nameNodes.values(), ...this.controllers.values()]
  }

  activeNameNodes(): readonly string[] {
    return this.nodes.filter(id => this.runningNameNodes.get(id)?.state === 'active')
  }

  activeControllers(): readonly string[] {
    return this.nodes.filter(id => this.runningControllers.get(id)?.status().role === 'active')
  }

  #addNode(id: string): void {
    const host = this.sim.host(id)
    host.mount('/edits', this.edits)
    host.onExec((command, { env }, _host, context) => {
      const mode = command[0] === HANGING_PROGRAM ? 'hangs' : this.fenceMode()
      return this.#fence(id, mode, env, context)
    })
    this.nameNodes.set(
      id,
      this.#slot(id, 'namenode', (runtime, self) => nameNodeMain(this, id, runtime, self), {
        onStart: ({ pid }) => this.observe({ kind: 'nameNodeStarted', node: id, pid }),
        onExit: ({ pid }) => {
          this.runningNameNodes.delete(id)
          this.observe({ kind: 'nameNodeEnded', node: id, pid })
        },
      }),
    )
    this.controllers.set(
      id,
      this.#slot(id, 'zkfc', (runtime, self) => controllerMain(this, id, runtime, self), {
        onStart: () => this.observe({ kind: 'controllerStarted', node: id }),
        onExit: () => {
          this.runningControllers.delete(id)
          this.observe({ kind: 'controllerEnded', node: id })
        },
      }),
    )
  }

  #slot(
    host: string,
    name: string,
    main: ConstructorParameters<typeof Slot>[0]['main'],
    more: Partial<ConstructorParameters<typeof Slot>[0]> = {},
  ): Slot {
    const restartMs = (): number => this.random.between(200, WRITER_RESTART_MS)
    return new Slot({ host: this.sim.host(host), name, main, restartMs, ...more })
  }

  async #fence(
    by: string,
    mode: FenceMode,
    env: Readonly<Record<string, string>>,
    context: Parameters<Parameters<SimHost['onExec']>[0]>[3],
  ): ReturnType<typeof runFence> {
    const target = env['target_namenodeid'] ?? '?'
    this.fenceCounts.set(mode, (this.fenceCounts.get(mode) ?? 0) + 1)
    this.sim.note(by, `fence ${target}`, mode)
    return runFence({
      ...{ mode, by, target, context, random: this.random },
      sleep: ms => this.sim.sleep(ms),
      killNameNode: id => this.nameNodes.get(id)?.process?.kill(),
      onEnded: ok => this.observe({ kind: 'fenceEnded', by, target, ok }),
    })
  }

  #onWriter(seen: Observation): void {
    if (seen.kind === 'writeAcknowledged') {
      this.acknowledgedCount += 1
      this.lastAcknowledgedMs = this.sim.now
    }
    this.observe(seen)
  }

  #onTree({ session, before, after, closesSession }: AppliedTxn): void {
    const moved = before.lock?.owner !== after.lock?.owner || before.crumb !== after.crumb
    if (moved) {
      this.sim.note('tree', 'changed', `lock ${after.lock?.names} crumb ${after.crumb}`)
      this.observe({ kind: 'treeChanged', session, before, after })
    }
    if (closesSession) this.observe({ kind: 'sessionClosed', session })
  }

  /** The log of an epoch is made only after its claim and its seal are durable. */
  #watchEdits(): void {
    this.edits.onOperation = ({ kind, path }) => {
      const match = kind === 'append' ? null : /\/edits-(\d+)$/.exec(path)
      const epoch = Number(match?.[1] ?? 0)
      if (kind === 'open' && epoch > this.#epoch && this.edits.peek(path) === undefined) {
        this.#epoch = epoch
        this.observe({ kind: 'epochInForce', epoch })
      }
      return undefined
    }
  }
  #epoch = 0

  #poll(): void {
    this.sim.schedule(this.sim.now + POLL_MS, () => {
      for (const node of this.activeControllers()) this.observe({ kind: 'controllerActive', node })
      this.#poll()
    })
  }
}

export { RPC_PORT }
