import { ZKFCProtocol } from '@baton/hadoop'
import { FailoverCore } from '../../packages/zkfc/src/core/failover-core.ts'
import type { Effect, Input } from '../../packages/zkfc/src/core/messages.ts'
import type { FailoverSettings } from '../../packages/zkfc/src/core/settings.ts'
import { converge, runChecked } from './checked-world.ts'
import { ZKFC_PORT } from './cluster/cluster-conf.ts'
import type { Cluster } from './cluster/cluster.ts'

/*
 * Worlds made by hand for bugs that chance finds too rarely. Each answers what a checker found, or
 * undefined; also the entry of the bundle in which mutants of these bugs run.
 */
/** Longer than a session lives, and than the other one takes to have the role. */
const LATE_MS = 8000
/** The session is gone by then, and the other's first fence still hangs. */
const JUST_LATE_MS = 5500

function other(cluster: Cluster, id: string): string {
  return cluster.nodes.find(node => node !== id) ?? id
}

/** Runs until one NameNode is active with its role; answers which. */
async function settled(cluster: Cluster): Promise<string> {
  const { sim } = cluster
  await sim.runUntil(() => cluster.activeControllers().length === 1)
  await sim.runFor(1500)
  return cluster.activeControllers()[0] ?? ''
}

/**
 * The active NameNode dies, and the controller that takes over is stopped before its turn `turn`,
 * for longer than its session lives; meanwhile the other one takes the role back.
 */
export async function pauseAtTurn(turn: number, pauseMs = LATE_MS): Promise<string | undefined> {
  const options = {
    ...{ seed: 'pause', nodes: ['nn1', 'nn2'], reallyFence: true },
    fenceMode: () => 'really' as const,
  }
  const { failure } = await runChecked(options, async cluster => {
    const active = await settled(cluster)
    const successor = cluster.controllers.get(other(cluster, active))?.process
    const dying = cluster.nameNodes.get(active)
    if (successor === undefined || dying?.process === undefined) throw new Error('nobody runs')
    let left = turn
    cluster.pauseAt(successor, () => left-- === 0, pauseMs)
    dying.restartAfterMs = 100
    dying.process.kill()
    await cluster.sim.runFor(pauseMs + 2000)
    await converge(cluster)
  })
  return failure
}

/** As long as a failover may take its controller; one world for each turn of it. */
export async function pauseAtEveryTurn(turns: number): Promise<string | undefined> {
  for (let turn = 0; turn < turns; turn += 1) {
    const failure = await pauseAtTurn(turn)
    if (failure !== undefined) return `turn ${turn}: ${failure}`
  }
  return undefined
}

/**
 * A controller that lost the lock to one that cannot fence it is asked to cede: its NameNode is
 * standby, the breadcrumb is still its own, but the lock is another's.
 */
export async function cedeWithoutLock(): Promise<string | undefined> {
  const options = {
    ...{ seed: 'cede', nodes: ['nn1', 'nn2'], reallyFence: true },
    fenceMode: () => 'hangs' as const,
  }
  const { failure } = await runChecked(options, async cluster => {
    const { sim } = cluster
    const active = await settled(cluster)
    sim.network.cut('nn1', 'nn2')
    cluster.controllers.get(active)?.process?.stall(JUST_LATE_MS)
    const roleOf = (): string | undefined => cluster.runningControllers.get(active)?.status().role
    await sim.runUntil(() => roleOf() === 'standby')
    await sim.runFor(50)
    cluster.ask('cede', ipc => {
      const address = { host: active, port: ZKFC_PORT }
      const request = { millisToCede: 1000 }
      return ipc.call(address, ZKFCProtocol.cedeActive, request, { rpcTimeoutMs: 9000 })
    })
    await sim.runFor(2000)
    await converge(cluster)
  })
  return failure
}

const NODE = { nameserviceId: 'ns', namenodeId: 'nn1', host: 'nn1', port: 8020, zkfcPort: 8019 }
const SETTINGS: FailoverSettings = {
  ...{ local: NODE, localName: 'nn1', others: [], parentPath: '/p', lockPath: '/p/lock' },
  ...{ checkIntervalMs: 1000, connectRetryIntervalMs: 1000, sleepAfterDisconnectMs: 1000 },
  ...{ healthTimeoutMs: 5000, connectTimeoutMs: 1000, newActiveTimeoutMs: 5000 },
  ...{ gracefulFenceTimeoutMs: 1000, sessionTimeoutMs: 9000, backoffBaseMs: 9, backoffMaxMs: 9 },
  ...{ processEvidenceMs: 100, crumbDeleteMs: 100, sharedEditsFenced: true },
  ...{ trustConfiguredAddress: false, threadDumps: false },
}

/**
 * Bytes of an old session's handle come late, with the success of a create: the lock that it
 * speaks of went with its session. The drivers do not let such an answer through; the core must
 * not rely on that.
 */
export function staleCompletion(): string | undefined {
  const core = new FailoverCore(SETTINGS)
  let now = 0
  let effects: readonly Effect[] = []
  const step = (input: Input): void => {
    effects = core.step(input, (now += 1))
  }
  const asked = (op: string): Extract<Effect, { kind: 'zk' }> => {
    const found = effects.find(
      (effect): effect is Extract<Effect, { kind: 'zk' }> =>
        effect.kind === 'zk' && effect.operation.op === op,
    )
    if (found === undefined) throw new Error(`the core did not ask for ${op}`)
    return found
  }
  const idOf = (kind: 'connectHealth' | 'getStatus' | 'checkHealth'): number =>
    effects.flatMap(effect => (effect.kind === kind ? [effect.id] : []))[0] ?? 0
  const connect = (handle: number): void =>
    step({
      kind: 'session',
      handle,
      state: 'connected',
      sessionId: BigInt(handle),
      timeoutMs: 9000,
    })
  step({ kind: 'start', resume: false, jitterSeed: 1 })
  connect(1)
  step({ kind: 'zkReplied', handle: 1, id: asked('exists').id, result: { ok: true } })
  step({ kind: 'begin', appData: new Uint8Array([1]) })
  step({ kind: 'healthConnected', id: idOf('connectHealth') })
  const status = { state: 'standby', readyToBecomeActive: true } as const
  step({ kind: 'statusReplied', id: idOf('getStatus'), status })
  step({ kind: 'healthReplied', id: idOf('checkHealth') })
  const old = asked('create')
  step({ kind: 'session', handle: 1, state: 'expired' })
  connect(2)
  asked('create')
  step({ kind: 'zkReplied', handle: old.handle, id: old.id, result: { ok: true } })
  const { length } = effects
  return length === 0 ? undefined : `a stale completion led to ${length} effects`
}
