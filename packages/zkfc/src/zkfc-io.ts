import type { SessionCredentials } from '@baton/client'
import type { IpcClient } from '@baton/hadoop'
import type { Runtime } from '@baton/runtime'
import type { ZkfcConfig } from './config.ts'
import type { Effect, InputBody } from './core/messages.ts'
import type { EventSender } from './event-sender.ts'
import type { FenceIo } from './fence-io.ts'
import type { LocalProcesses, ProcessIdentity } from './process-evidence.ts'
import { cedeRemote } from './remote-cede.ts'
import type { HaServiceClient } from './rpc/ha-service-client.ts'
import type { ZkfcRpcServer } from './rpc/zkfc-rpc-server.ts'
import type { SessionKey, SessionStore } from './session-store.ts'
import { fetchThreadDump } from './thread-dump.ts'
import type { ZkSessionIo } from './zk-session-io.ts'
import type { Targets } from './zkfc-start.ts'

/** Everything an effect may need. */
export interface ZkfcParts {
  readonly runtime: Runtime
  readonly config: ZkfcConfig
  readonly targets: Targets
  readonly key: SessionKey
  readonly store: SessionStore
  readonly zk: ZkSessionIo
  readonly ipc: IpcClient
  readonly fence: FenceIo
  readonly rpc: ZkfcRpcServer
  readonly nameNode: HaServiceClient
  readonly events: EventSender
  readonly localProcesses: LocalProcesses
  /** The session to take up again at the start. */
  readonly resume: SessionCredentials | undefined
  readonly step: (input: InputBody) => void
  readonly driver: {
    parentChecked(exists: boolean): void
    fatal(text: string): void
    finish(exitCode: number, text?: string): Promise<void>
  }
}

/** Begins what one effect asks for; its end comes back through `step`. */
export function carryOut(p: ZkfcParts, effect: Effect): void {
  const run = CARRY_OUT[effect.kind] as (p: ZkfcParts, effect: Effect) => void
  run(p, effect)
}

type Carriers = {
  readonly [K in Effect['kind']]: (p: ZkfcParts, effect: Extract<Effect, { kind: K }>) => void
}

const CARRY_OUT: Carriers = {
  connectHealth: (p, e) => p.nameNode.connectHealth(e.id, e.limitMs),
  getStatus: (p, e) => p.nameNode.askStatus(e.id),
  checkHealth: (p, e) => p.nameNode.checkHealth(e.id),
  closeHealth: p => p.nameNode.closeHealth(),
  openSession: (p, e) => p.zk.open(e.handle, e.resume ? p.resume : undefined),
  closeSession: (p, e) => p.zk.close(e.handle),
  storeSession: p => void storeSession(p),
  clearSession: p => void p.store.clear(),
  zk: (p, e) => p.zk.submit(e.handle, e.id, e.operation),
  call: (p, e) => p.nameNode.call(e.id, e.call, e.limitMs, e.callerContext),
  openForActive: (p, e) => p.nameNode.openForActive(e.id, e.limitMs),
  transitionToActive: (p, e) => p.nameNode.transitionToActive(e.id, e.limitMs),
  closeForActive: p => p.nameNode.closeForActive(),
  gracefulFence: (p, e) => p.fence.graceful(e.id, e.node, e.limitMs),
  runFencing: (p, e) => p.fence.methods(e.id, e.node),
  abortFencing: (p, e) => p.fence.abort(e.id),
  recordProcess: (p, e) => void recordProcess(p, e.id),
  proveGone: (p, e) => void proveGone(p, e.id, e.identity),
  cedeRemote: (p, e) => {
    const target = p.targets.others.find(other => other.ref.namenodeId === e.namenodeId)
    cedeRemote(p.ipc, target?.zkfcAddress, e, p.config.fenceConnectTimeoutMs, p.step)
  },
  answer: (p, e) => p.rpc.answer(e.request, e.error),
  threadDump: p => void threadDump(p),
  keepSession: (p, e) => void keepSession(p, e.id),
  parentChecked: (p, e) => p.driver.parentChecked(e.exists),
  event: (p, e) => p.events.send(e.event),
  fatal: (p, e) => p.driver.fatal(e.text),
  ended: (p, e) => void p.driver.finish(e.exitCode),
}

async function storeSession(p: ZkfcParts): Promise<boolean> {
  const { session, timeoutMs } = p.zk
  if (session === undefined) return false
  return p.store.save({
    ...p.key,
    sessionId: session.id,
    password: session.password,
    sessionTimeoutMs: timeoutMs,
    savedAt: p.runtime.clock.wallTime(),
  })
}

/** Ping, wait for the reply, store, drop the connection: the role waits for our restart. */
async function keepSession(p: ZkfcParts, id: number): Promise<void> {
  const returnByWallTime = p.runtime.clock.wallTime() + p.zk.timeoutMs
  const stored = storeSession(p)
  const answered = await p.zk.leaveStanding()
  const ok = (await stored) && answered
  p.events.send({ kind: 'controllerStopping', mode: 'keep', returnByWallTime })
  const what = answered ? 'the session could not be stored' : 'ZooKeeper did not answer the ping'
  const text = ok ? '' : `${what}: a restart may not keep the role`
  p.step({ kind: 'sessionKept', id, ok, text })
}

/** All ports on which the NameNode serves RPC: its process owns every one of them. */
function rpcPorts(p: ZkfcParts): readonly number[] {
  const { address, healthAddress } = p.targets.local
  return [...new Set([address.port, healthAddress.port])]
}

async function recordProcess(p: ZkfcParts, id: number): Promise<void> {
  const shared = await p.nameNode.sharesHost(p.runtime.network)
  const identity = shared ? await p.localProcesses.listener(rpcPorts(p)) : undefined
  p.step({ kind: 'processRecorded', id, ...(identity === undefined ? {} : { identity }) })
}

async function proveGone(p: ZkfcParts, id: number, identity: ProcessIdentity): Promise<void> {
  const verdict = await p.localProcesses.gone(identity, rpcPorts(p))
  p.step({ kind: 'evidence', id, verdict })
}

async function threadDump(p: ZkfcParts): Promise<void> {
  const { threadDumpTimeoutMs: timeoutMs, threadDumpBytesMax: bytesMax } = p.config
  const address = p.targets.local.httpAddress
  const text = await fetchThreadDump(p.runtime, address, { timeoutMs, bytesMax })
  if (text !== undefined) p.events.send({ kind: 'threadDump', text })
}
