import { IpcClient, IpcError, RemoteException } from '@baton/hadoop'
import { NamespaceProtocol } from '@baton/reference-namenode'
import type { Runtime } from '@baton/runtime'
import type { Observation } from '../observations.ts'
import { RPC_PORT } from './cluster-conf.ts'

const PACE_MS = 250
const RPC_TIMEOUT_MS = 1500
const FILE = '/log'

/**
 * Writes one entry after another, each with text of its own, to whichever NameNode takes it. An
 * entry that was not acknowledged is never written again: what became of it is open.
 */
export async function runWriter(
  runtime: Runtime,
  nodes: readonly string[],
  observe: (seen: Observation) => void,
): Promise<never> {
  const ipc = new IpcClient(runtime, { user: 'writer', connectTimeoutMs: RPC_TIMEOUT_MS })
  let at = 0
  for (let count = 1; ; count += 1) {
    const entry = `e${count}`
    observe({ kind: 'writeBegun', entry })
    const address = { host: nodes[at % nodes.length] ?? '', port: RPC_PORT }
    const request = { path: FILE, entry }
    const options = { rpcTimeoutMs: RPC_TIMEOUT_MS }
    const ok = await ipc.call(address, NamespaceProtocol.append, request, options).then(
      () => true,
      (error: unknown) => {
        if (error instanceof RemoteException || error instanceof IpcError) return false
        throw error
      },
    )
    if (ok) observe({ kind: 'writeAcknowledged', entry })
    else at += 1
    await new Promise<void>(resolve => {
      runtime.clock.after(ok ? PACE_MS : PACE_MS / 2, resolve)
    })
  }
}
