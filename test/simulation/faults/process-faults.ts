import type { TurnKind } from '@baton/runtime/sim'
import { anyHost, anyNode, controllerOf, drawMs, nameNodeOf } from './fault-context.ts'
import type { Fault, FaultContext } from './fault-context.ts'

const TURN_KINDS: readonly TurnKind[] = [
  'timer',
  'data',
  'connect',
  'accept',
  'disk',
  'exec',
  'close',
]

/** So many turns a controller takes from the death of the active to its own activation. */
const FAILOVER_TURNS = 60

/** Longer than health call and graceful fence are waited for. */
const HANG_MS = 9000

/** Ends a process and lets its supervisor start it again after so long. */
function kill(context: FaultContext, which: 'nameNodes' | 'controllers', afterMs: number): boolean {
  const slot = context.cluster[which].get(anyNode(context))
  if (slot?.process === undefined) return false
  slot.restartAfterMs = afterMs
  slot.process.kill({ sockets: context.random.chance(0.7) ? 'end' : 'reset' })
  return true
}

function stopController(context: FaultContext, mode: 'keep' | 'handOver'): boolean {
  const { cluster, random } = context
  const id = anyNode(context)
  const slot = cluster.controllers.get(id)
  const running = cluster.runningControllers.get(id)
  if (slot === undefined || running === undefined) return false
  slot.restartAfterMs = random.pick([0, random.between(50, 1500), drawMs(random)])
  cluster.observe({ kind: 'askedToGo', node: id })
  cluster.sim.note(id, 'SIGTERM', mode)
  void running.stop(mode)
  return true
}

/** Stops the controller at one of its next turns of a kind: at every step it can be caught. */
function pauseAtStep(context: FaultContext): boolean {
  const { cluster, random } = context
  const target = controllerOf(context, anyNode(context))
  if (target === undefined) return false
  const kind = random.pick(TURN_KINDS)
  // Rare kinds are taken at the first chance, else they would hardly ever be.
  let left = kind === 'timer' || kind === 'data' ? random.int(6) : 0
  cluster.pauseAt(target, turn => turn === kind && left-- === 0, drawMs(random))
  return true
}

/** Stopped when the fencing program has ended: the active one hangs, and all others are watched. */
function pauseAfterFence(context: FaultContext): boolean {
  const { cluster, random } = context
  const active = cluster.activeControllers()[0]
  if (active === undefined) return false
  cluster.pauseNameNode(active, HANG_MS)
  for (const id of cluster.nodes) {
    const target = controllerOf(context, id)
    if (target === undefined || id === active) continue
    cluster.pauseAt(target, kind => kind === 'exec', drawMs(random))
  }
  return true
}

/** A failover is on its way, and the controller that does it is caught at one of its turns. */
function pauseDuringFailover(context: FaultContext): boolean {
  const { cluster, random } = context
  const active = cluster.activeControllers()[0]
  const others = cluster.nodes.filter(id => id !== active)
  if (active === undefined || others.length === 0) return false
  const slot = cluster[random.pick(['nameNodes', 'controllers'] as const)].get(active)
  if (slot?.process === undefined) return false
  slot.restartAfterMs = drawMs(random)
  for (const id of others) {
    const target = controllerOf(context, id)
    let left = random.int(FAILOVER_TURNS)
    if (target !== undefined) cluster.pauseAt(target, () => left-- === 0, drawMs(random))
  }
  slot.process.kill()
  return true
}

/** The host stands still as a whole, as a virtual machine that is moved. */
function freezeHost(context: FaultContext): boolean {
  const { cluster, random } = context
  const id = anyNode(context)
  const durationMs = drawMs(random)
  cluster.pauseNameNode(id, durationMs)
  controllerOf(context, id)?.stall(durationMs)
  return true
}

function loseState(context: FaultContext): boolean {
  const { cluster, random } = context
  const id = anyNode(context)
  const slot = cluster.controllers.get(id)
  if (slot?.process === undefined) return false
  slot.restartAfterMs = random.between(0, 2000)
  slot.process.kill()
  cluster.sim.host(id).disk.wipe()
  return true
}

export const PROCESS_FAULTS: Readonly<Record<string, Fault>> = {
  killNameNode: c => kill(c, 'nameNodes', c.random.between(500, 8000)),
  restartNameNode: c => kill(c, 'nameNodes', c.random.between(0, 100)),
  pauseNameNode: c => {
    const id = anyNode(c)
    if (nameNodeOf(c, id) === undefined) return false
    c.cluster.pauseNameNode(id, drawMs(c.random))
    return true
  },
  killController: c => kill(c, 'controllers', drawMs(c.random)),
  restartController: c => kill(c, 'controllers', c.random.between(0, 300)),
  pauseController: c => {
    const target = controllerOf(c, anyNode(c))
    target?.stall(drawMs(c.random))
    return target !== undefined
  },
  pauseControllerAtStep: pauseAtStep,
  pauseDuringFailover,
  pauseAfterFence,
  freezeHost,
  loseStateFile: loseState,
  stopKeep: c => stopController(c, 'keep'),
  stopHandOver: c => stopController(c, 'handOver'),
  killServer: c => {
    const { server } = c.cluster
    server.restartAfterMs = c.random.between(0, 6000)
    server.process?.kill()
    return true
  },
  pauseServer: c => {
    c.cluster.server.process?.stall(drawMs(c.random))
    return true
  },
  crashServerHost: c => {
    c.cluster.crashHost(c.cluster.sim.host('zk'), c.random.between(100, 8000))
    return true
  },
  crashNodeHost: c => {
    c.cluster.crashHost(c.cluster.sim.host(anyNode(c)), c.random.between(500, 10_000))
    return true
  },
  lag: c => {
    const host = anyHost(c)
    host.lag({ chance: c.random.between(0.01, 0.1), maxMs: c.random.between(20, 900) })
    c.undoAfter(drawMs(c.random), () => host.lag({ chance: 0, maxMs: 0 }))
    return true
  },
}
