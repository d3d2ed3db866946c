import { ZKFCProtocol } from '@baton/hadoop'
import type { IpcClient } from '@baton/hadoop'
import type { Address } from '@baton/runtime'
import type { Effect, InputBody } from './core/messages.ts'
import { outcomeOf } from './rpc/ha-service-client.ts'

/** `cedeActive` to another controller, at the address the configuration gives for it. */
export function cedeRemote(
  ipc: IpcClient,
  address: Address | undefined,
  effect: Extract<Effect, { kind: 'cedeRemote' }>,
  connectTimeoutMs: number,
  step: (input: InputBody) => void,
): void {
  const { id, periodMs, limitMs, callerContext } = effect
  if (address === undefined) {
    const text = `no controller address is configured for ${effect.namenodeId}`
    return step({ kind: 'called', id, outcome: { ok: false, how: 'notConnected', text } })
  }
  const options = {
    rpcTimeoutMs: limitMs,
    connectTimeoutMs: Math.min(limitMs, connectTimeoutMs),
    ...(callerContext === undefined ? {} : { callerContext }),
  }
  void ipc
    .call(address, ZKFCProtocol.cedeActive, { millisToCede: periodMs }, options)
    .then(() => ({ ok: true }) as const, outcomeOf)
    .then(outcome => step({ kind: 'called', id, outcome }))
}
