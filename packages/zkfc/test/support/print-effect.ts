import type { CoreEvent, Effect, NodeRef } from '../../src/core/messages.ts'
import { DATA } from './golden.ts'

/** One line for one effect; znode contents by their names. */
export function printEffect(effect: Effect): string {
  switch (effect.kind) {
    case 'event':
      return `! ${printEvent(effect.event)}`
    case 'zk': {
      const { operation } = effect
      const data = 'data' in operation ? ` ${nameOfData(operation.data)}` : ''
      const version = 'version' in operation ? ` version=${operation.version}` : ''
      const watch = operation.op === 'exists' && operation.watch ? ' watch' : ''
      return `zk ${operation.op} ${operation.path}${data}${version}${watch}`
    }
    case 'gracefulFence':
      return `gracefulFence ${printNode(effect.node)} limit=${effect.limitMs}`
    case 'runFencing':
      return `runFencing ${printNode(effect.node)}`
    case 'answer': {
      const { error } = effect
      const text = error === undefined ? 'ok' : `${shortClass(error.className)}: ${error.message}`
      return `answer ${effect.request} ${text}`
    }
    case 'proveGone':
      return `proveGone pid=${effect.identity.pid}`
    default:
      return printPlain(effect)
  }
}

function printPlain(effect: object): string {
  const { kind, ...rest } = effect as { kind: string }
  const fields = Object.entries(rest)
    .filter(([name]) => name !== 'id')
    .map(([name, value]) => `${name}=${String(value)}`)
  return [kind, ...fields].join(' ')
}

function printEvent(event: CoreEvent): string {
  const { kind, ...rest } = event
  const text = JSON.stringify(rest)
  return text === '{}' ? kind : `${kind} ${text}`
}

function printNode(node: NodeRef): string {
  return `${node.namenodeId}@${node.host}:${node.port}`
}

function nameOfData(data: Uint8Array): string {
  const found = Object.entries(DATA).find(([, bytes]) => String(bytes) === String(data))
  return found?.[0] ?? `bytes(${data.length})`
}

function shortClass(className: string): string {
  return className.slice(className.lastIndexOf('.') + 1)
}
