import { ZooKeeper } from '@baton/client'
import { ZKFCProtocol } from '@baton/hadoop'
import { describeEvent, znodeData } from '@baton/zkfc'
import type { ControllerEvent } from '@baton/zkfc'
import { runChecked } from '../simulation/checked-world.ts'
import { PARENT, RPC_PORT, ZKFC_PORT } from '../simulation/cluster/cluster-conf.ts'
import type { Cluster } from '../simulation/cluster/cluster.ts'
import { FENCE_MODES } from '../simulation/cluster/fences.ts'
import type { FenceMode } from '../simulation/cluster/fences.ts'
import type { Slot } from '../simulation/cluster/slot.ts'
import type { Block } from './scenario-file.ts'

/*
 * The commands of a scenario, on the simulated cluster with all its checkers. Every scenario begins
 * with nn1 active, nn2 standby, fences that really fence and a NameNode that stays down once it is
 * dead. What a command leads to is told in the controllers' own words, without durations.
 */
class ScenarioWorld {
  readonly #cluster: Cluster
  readonly #told: string[]

  constructor(cluster: Cluster, told: string[]) {
    this.#cluster = cluster
    this.#told = told
  }

  async run(command: string): Promise<void> {
    const [verb = '', ...words] = command.split(' ')
    const run = this.#commands[verb]
    if (run === undefined) throw new Error(`unknown command: ${command}`)
    await run(words)
  }

  readonly #commands: Readonly<Record<string, (words: string[]) => Promise<void> | void>> = {
    run: ([time]) => this.#cluster.sim.runFor(parseMs(time)),
    kill: ([what, id]) => void this.#slot(what, id).process?.kill({ sockets: 'end' }),
    start: ([what, id]) => this.#slot(what, id).start(),
    pause: ([what, id, time]) => void this.#slot(what, id).process?.stall(parseMs(time)),
    stop: ([id = '', mode]) => {
      void this.#cluster.runningControllers.get(id)?.stop(mode === 'keep' ? 'keep' : 'handOver')
    },
    fences: ([mode]) => {
      const found = FENCE_MODES.find(known => known === mode)
      if (found === undefined) throw new Error(`no such fence: ${mode}`)
      this.#cluster.fenceMode = () => found
    },
    lose: ([id = '']) => this.#cluster.sim.host(id).disk.wipe(),
    cut: ([a = '', b = '']) => this.#cluster.sim.network.cut(a, b),
    heal: () => this.#cluster.sim.network.healAll(),
    slow: ([id = '', time]) => this.#slowEdits(id, parseMs(time)),
    clock: ([id = '', time]) => this.#cluster.sim.host(id).stepWallClock(parseMs(time)),
    ask: ([what, id = '', time]) => this.#ask(what, { host: id, port: ZKFC_PORT }, parseMs(time)),
    put: ([znode, whose = '']) => this.#put(znode === 'lock' ? 'lock' : 'breadcrumb', whose),
    show: () => this.#show(),
  }

  #slot(what: string | undefined, id: string | undefined): Slot {
    const { nameNodes, controllers, server } = this.#cluster
    const slots = { namenode: nameNodes.get(id ?? ''), controller: controllers.get(id ?? '') }
    const slot = what === 'namenode' || what === 'controller' ? slots[what] : server
    if (slot === undefined) throw new Error(`there is no ${what} ${id}`)
    return slot
  }

  #ask(what: string | undefined, address: { host: string; port: number }, ms: number): void {
    const options = { rpcTimeoutMs: 60_000 }
    this.#cluster.ask(what ?? '', async ipc => {
      const { cedeActive, gracefulFailover } = ZKFCProtocol
      const done =
        what === 'cede'
          ? ipc.call(address, cedeActive, { millisToCede: ms }, options)
          : ipc.call(address, gracefulFailover, {}, options)
      await done.then(
        () => this.#told.push(`operator: ${what} is answered`),
        (error: Error) =>
          this.#told.push(`operator: ${what} failed: ${error.message.split('\n')[0]}`),
      )
    })
  }

  /** A transition takes longer than its time-out: every sync of the shared edits is slow. */
  #slowEdits(_id: string, ms: number): void {
    this.#cluster.edits.setLatency({ syncMinMs: ms, syncMaxMs: ms })
  }

  /** Somebody else's hands in the tree. */
  async #put(znode: 'lock' | 'breadcrumb', whose: string): Promise<void> {
    const nameserviceId = whose === 'foreign' ? 'othercluster' : 'mycluster'
    const host = whose === 'foreign' ? 'elsewhere' : whose
    const node = { nameserviceId, namenodeId: whose, host, port: RPC_PORT, zkfcPort: ZKFC_PORT }
    const name = znode === 'lock' ? 'ActiveStandbyElectorLock' : 'ActiveBreadCrumb'
    let done = false
    if (znode === 'breadcrumb') this.#cluster.observe({ kind: 'crumbByHand' })
    this.#cluster.sim.host('admin').spawn('zkcli', async runtime => {
      const options = { runtime, connectString: 'zk:2181', sessionTimeoutMs: 4000 }
      const zk = new ZooKeeper(options)
      await zk.setData(`${PARENT}/${name}`, znodeData(node))
      await zk.close()
      done = true
    })
    await this.#cluster.sim.runUntil(() => done)
  }

  #show(): void {
    const { nodes, runningNameNodes, runningControllers, sim, lastAcknowledgedMs } = this.#cluster
    for (const id of nodes) {
      const state = runningNameNodes.get(id)?.state ?? 'down'
      const role = runningControllers.get(id)?.status().role ?? 'down'
      this.#told.push(`${id}: NameNode ${state}, controller ${role}`)
    }
    const writes = sim.now - lastAcknowledgedMs < 1000 ? 'go on' : 'stand still'
    this.#told.push(`writes ${writes}`)
  }
}

function parseMs(text: string | undefined): number {
  const match = /^(-?[\d.]+)(ms|s|d)?$/.exec(text ?? '0')
  if (match === null) throw new Error(`not a time: ${text}`)
  const unit = { ms: 1, s: 1000, d: 86_400_000 }[match[2] ?? 'ms'] ?? 1
  return Number(match[1]) * unit
}

/** Who did what, without the numbers that change with every change of the code. */
function inWords(event: ControllerEvent): string {
  return describeEvent(event)
    .replace(/ in \d+ ms/g, '')
    .replace(/ \(((graceful|fencing|activation)[^)]*)\)/, '')
    .replace(/0x[0-9a-f]{6,}/g, '0x…')
    .replace(/hdfs at [\d.]+:\d+/, 'hdfs')
    .replace(/ \(process \d+\)/, '')
    .replace(/for \d{3,} ms/g, 'for … ms')
    .replace(/by \d\d:\d\d:\d\d UTC/, 'in time')
}

const QUIET = new Set(['standbyStarted', 'activationStarted', 'electionJoined'])

/** Runs all blocks in one world; answers them with what really came. */
export async function runScenario(
  blocks: readonly Block[],
): Promise<{ readonly blocks: readonly Block[]; readonly failure?: string }> {
  const told: string[] = []
  const done: Block[] = []
  const mode: FenceMode = 'really'
  const lies = blocks.some(({ commands }) => commands.includes('fences lies'))
  const options = {
    ...{ seed: 'scenario', nodes: ['nn1', 'nn2'], first: 'nn1', reallyFence: !lies },
    fenceMode: () => mode,
    onEvent: (event: ControllerEvent): void => {
      if (!QUIET.has(event.kind)) told.push(inWords(event))
    },
  }
  const { failure } = await runChecked(options, async cluster => {
    await cluster.sim.runFor(3000)
    for (const slot of cluster.slots) slot.supervised = slot === cluster.writer
    const world = new ScenarioWorld(cluster, told)
    for (const block of blocks) {
      told.length = 0
      for (const command of block.commands) await world.run(command)
      done.push({ ...block, expected: [...told] })
    }
  })
  return { blocks: done, ...(failure === undefined ? {} : { failure }) }
}
