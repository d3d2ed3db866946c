import { HAServiceProtocol, IpcClient } from '@baton/hadoop'
import type { Method, ServiceState } from '@baton/hadoop'
import type { Address } from '@baton/runtime'
import { createNodeRuntime } from '@baton/runtime/node'
import { userInfo } from 'node:os'

const CLIENT_PROTOCOL = 'org.apache.hadoop.hdfs.protocol.ClientProtocol'

/** MkdirsRequestProto {src = 1, masked = 2 {perm = 1}, createParent = 3}. */
const mkdirs: Method<{ readonly path: string }, { readonly made: boolean }> = {
  protocol: CLIENT_PROTOCOL,
  name: 'mkdirs',
  encodeRequest: ({ path }) =>
    Buffer.concat([
      field(1, Buffer.from(path)),
      field(2, Buffer.from([8, 0xed, 3])),
      CREATE_PARENT,
    ]),
  decodeRequest: () => ({ path: '' }),
  encodeResponse: () => new Uint8Array(),
  decodeResponse: bytes => ({ made: bytes[1] === 1 }),
}

/** GetFileInfoRequestProto {src = 1}; the reply holds field 1 where the path exists. */
const getFileInfo: Method<{ readonly path: string }, { readonly exists: boolean }> = {
  protocol: CLIENT_PROTOCOL,
  name: 'getFileInfo',
  encodeRequest: ({ path }) => field(1, Buffer.from(path)),
  decodeRequest: () => ({ path: '' }),
  encodeResponse: () => new Uint8Array(),
  decodeResponse: bytes => ({ exists: bytes.byteLength > 0 }),
}

const CREATE_PARENT = Buffer.from([0x18, 1])

function field(number: number, bytes: Uint8Array): Buffer {
  if (bytes.byteLength > 127) throw new RangeError('a short field only')
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.byteLength]), bytes])
}

const runtime = createNodeRuntime()

/** Asks NameNodes what an onlooker can ask: their state, and whether a write is taken. */
export class NameNodeProbe {
  readonly #client = new IpcClient(runtime, { user: userInfo().username })
  readonly #addresses: ReadonlyMap<string, Address>

  constructor(ports: Readonly<Record<string, { readonly rpc: number }>>) {
    this.#addresses = new Map(
      Object.entries(ports).map(([id, { rpc }]) => [id, { host: '127.0.0.1', port: rpc }]),
    )
  }

  #address(id: string): Address {
    const address = this.#addresses.get(id)
    if (address === undefined) throw new Error(`no NameNode ${id}`)
    return address
  }

  /** undefined where it does not answer within `rpcTimeoutMs`. */
  async state(id: string, rpcTimeoutMs = 1_000): Promise<ServiceState | undefined> {
    const method = HAServiceProtocol.getServiceStatus
    const options = { rpcTimeoutMs, connectTimeoutMs: rpcTimeoutMs }
    return this.#client.call(this.#address(id), method, {}, options).then(
      status => status.state,
      () => undefined,
    )
  }

  /** The ids that answer active now. */
  async active(): Promise<readonly string[]> {
    const ids = [...this.#addresses.keys()]
    const states = await Promise.all(ids.map(id => this.state(id)))
    return ids.filter((_, index) => states[index] === 'active')
  }

  /** True where this NameNode acknowledged the edit. */
  async makeDirectory(id: string, path: string): Promise<boolean> {
    const options = { rpcTimeoutMs: 5_000, connectTimeoutMs: 1_000 }
    return this.#client.call(this.#address(id), mkdirs, { path }, options).then(
      reply => reply.made,
      () => false,
    )
  }

  async exists(id: string, path: string): Promise<boolean> {
    const options = { rpcTimeoutMs: 5_000, connectTimeoutMs: 1_000 }
    const reply = await this.#client.call(this.#address(id), getFileInfo, { path }, options)
    return reply.exists
  }

  close(): void {
    this.#client.close()
  }
}
