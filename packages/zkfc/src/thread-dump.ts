import { formatAddress, NetworkError } from '@baton/runtime'
import type { Address, Connection, Runtime } from '@baton/runtime'

/**
 * The NameNode's stacks, `GET /stacks` on its web port: a last look at a process that does not
 * answer. Asked for after the election was left, awaited by nobody, and small: at most `bytesMax`
 * bytes are kept, within `timeoutMs` in all. Undefined where nothing came.
 */
export async function fetchThreadDump(
  runtime: Pick<Runtime, 'clock' | 'network'>,
  address: Address,
  limits: { readonly timeoutMs: number; readonly bytesMax: number },
): Promise<string | undefined> {
  let connection: Connection
  try {
    connection = await runtime.network.connect(address, { timeoutMs: limits.timeoutMs })
  } catch (error) {
    if (error instanceof NetworkError) return undefined
    throw error
  }
  const request =
    `GET /stacks HTTP/1.1\r\nHost: ${formatAddress(address)}\r\n` +
    'Accept: text/plain\r\nConnection: close\r\n\r\n'
  const bytes = await collect(runtime, connection, new TextEncoder().encode(request), limits)
  const text = new TextDecoder().decode(bytes)
  const body = text.indexOf('\r\n\r\n')
  return body < 0 || !/^HTTP\/1\.[01] 200 /.test(text) ? undefined : text.slice(body + 4)
}

function collect(
  runtime: Pick<Runtime, 'clock'>,
  connection: Connection,
  request: Uint8Array,
  limits: { readonly timeoutMs: number; readonly bytesMax: number },
): Promise<Uint8Array> {
  return new Promise(resolve => {
    const parts: Uint8Array[] = []
    let length = 0
    const cancel = runtime.clock.after(limits.timeoutMs, () => connection.destroy('time is out'))
    connection.onData = bytes => {
      const kept = bytes.subarray(0, Math.max(0, limits.bytesMax - length))
      parts.push(kept.slice())
      length += kept.length
      if (length >= limits.bytesMax) connection.destroy('enough')
    }
    connection.onClose = () => {
      cancel()
      resolve(join(parts, length))
    }
    connection.send(request)
  })
}

function join(parts: readonly Uint8Array[], length: number): Uint8Array {
  const all = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
