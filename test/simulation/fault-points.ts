import { DiskError, NetworkError } from '@baton/runtime'
import type {
  CloseCause,
  Connection,
  Disk,
  DiskFile,
  Exec,
  ExecResult,
  Network,
  Runtime,
} from '@baton/runtime'

/*
 * Counts what a process asks of its world (an RPC or a ZooKeeper request as it goes out on a link,
 * a program, an operation of a disk) and makes chosen ones fail:
 *
 * | how   | link                         | program              | disk                      |
 * | error | reset in place of sending    | exit code 1, not run | EIO, not done             |
 * | never | sent, then silence both ways | hangs                | nothing until the healing |
 * | lost  | sent; reset with the answer  | run; ends with 1     | done, then EIO            |
 *
 * Connecting: refused, timed out, reset once it stands. What is silent is reset by the healing.
 */
export const HOWS = ['error', 'never', 'lost'] as const
export type How = (typeof HOWS)[number]

export interface Point {
  readonly index: number
  readonly how: How
}

export class FaultPoints {
  /** What each point was, in order. */
  readonly labels: string[] = []
  /** Set to begin counting. */
  armed = false
  readonly #points: ReadonlyMap<number, How>
  readonly hit: Point[] = []
  /** Ends all silence. */
  heal: () => void = () => {}
  readonly healed: Promise<void> = new Promise(resolve => {
    this.heal = resolve
  })

  constructor(points: readonly Point[] = []) {
    this.#points = new Map(points.map(({ index, how }) => [index, how]))
  }

  /** The next point: what is to become of it. */
  pass(label: string): How | undefined {
    if (!this.armed) return undefined
    const index = this.labels.length
    this.labels.push(label)
    const how = this.#points.get(index)
    if (how !== undefined) this.hit.push({ index, how })
    return how
  }

  wrap(runtime: Runtime, label: string): Runtime {
    return {
      ...runtime,
      network: faultyNetwork(runtime, this, label),
      exec: faultyExec(runtime.exec, this, label),
      disk: faultyDisk(runtime.disk, this, label),
    }
  }
}

/** A fencing program that is to hang is run under this name. */
export const HANGING_PROGRAM = 'hang'
const REASON = 'a fault was injected'

function faultyNetwork({ network, clock }: Runtime, points: FaultPoints, who: string): Network {
  return {
    listen: (address, onConnection) => network.listen(address, onConnection),
    connect: async (address, options) => {
      const how = points.pass(`${who} connect :${address.port}`)
      if (how === 'error') throw new NetworkError('ECONNREFUSED', address, REASON)
      if (how === 'never') {
        await new Promise<void>(resolve => clock.after(options.timeoutMs, resolve))
        throw new NetworkError('ETIMEDOUT', address, REASON)
      }
      const link = await network.connect(address, options)
      if (how === 'lost') clock.after(1, () => link.destroy(REASON))
      return faultyLink(link, points, who)
    },
    resolve: host => network.resolve(host),
    reverse: ip => network.reverse(ip),
  }
}

/** The link with its `send` and its handlers replaced; what it does not lose it passes on. */
function faultyLink(link: Connection, points: FaultPoints, who: string): Connection {
  let silent = false
  let loseAnswer = false
  let onData: (bytes: Uint8Array) => void = () => {}
  let onClose: (cause: CloseCause) => void = () => {}
  const send = (bytes: Uint8Array): boolean => {
    const how = points.pass(`${who} -> :${link.remote.port} ${nameOf(bytes)}`)
    if (silent) return true
    if (how === 'error') {
      link.destroy(REASON)
      return true
    }
    const answer = link.send(bytes)
    if (how === 'never') {
      silent = true
      void points.healed.then(() => link.destroy(REASON))
    }
    if (how === 'lost') loseAnswer = true
    return answer
  }
  return new Proxy(link, {
    get: (target, key) => {
      if (key === 'send') return send
      if (key === 'onData') return onData
      if (key === 'onClose') return onClose
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
    set: (target, key, value) => {
      if (key === 'onData') {
        onData = value as typeof onData
        target.onData = bytes => {
          if (silent) return
          if (loseAnswer) return target.destroy(REASON)
          onData(bytes)
        }
        return true
      }
      if (key === 'onClose') {
        onClose = value as typeof onClose
        // A link that an injected fault broke is, to its owner, broken by the other side.
        target.onClose = cause =>
          onClose(cause.reason === REASON ? { ...cause, kind: 'reset' } : cause)
        return true
      }
      return Reflect.set(target, key, value, target)
    },
  })
}

const METHOD =
  /(transitionTo\w+?|getServiceStatus|monitorHealth|cedeActive|gracefulFailover)(?=\W|$|\x12)/

function nameOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('latin1')
  return METHOD.exec(text)?.[1] ?? `${bytes.length} bytes`
}

function faultyExec(exec: Exec, points: FaultPoints, who: string): Exec {
  return {
    run: async (command, options): Promise<ExecResult> => {
      const how = points.pass(`${who} exec ${command.at(-1) ?? ''}`)
      const failed = { exitCode: 1, stdout: '', stderr: '', timedOut: false }
      if (how === 'error') return failed
      if (how === 'never') return exec.run([HANGING_PROGRAM], options)
      const result = await exec.run(command, options)
      return how === 'lost' ? { ...result, exitCode: 1 } : result
    },
  }
}

const CHANGES = ['rename', 'remove', 'makeDirectory', 'syncDirectory', 'list', 'stat'] as const
const FILE_CHANGES = ['append', 'write', 'sync', 'truncate', 'read', 'size'] as const

function faultyDisk(disk: Disk, points: FaultPoints, who: string): Disk {
  const faulty = faultyMethods(disk, CHANGES, points, who)
  return {
    ...faulty,
    lock: path => disk.lock(path),
    open: (path, mode) =>
      inject(points, `${who} open ${path}`, path, async () =>
        faultyFile(await disk.open(path, mode), points, who),
      ),
  }
}

function faultyFile(file: DiskFile, points: FaultPoints, who: string): DiskFile {
  const faulty = faultyMethods(file, FILE_CHANGES, points, `${who} ${file.path}`)
  return { ...faulty, path: file.path, close: () => file.close() }
}

function faultyMethods<T extends object, K extends keyof T & string>(
  target: T,
  names: readonly K[],
  points: FaultPoints,
  who: string,
): Pick<T, K> {
  const made = names.map(name => {
    const method = target[name] as unknown as (...args: unknown[]) => Promise<unknown>
    const call = (...args: unknown[]): Promise<unknown> => {
      const path = typeof args[0] === 'string' ? args[0] : who
      const label = `${who} ${name} ${typeof args[0] === 'string' ? args[0] : ''}`
      return inject(points, label, path, () => method.apply(target, args))
    }
    return [name, call] as const
  })
  return Object.fromEntries(made) as unknown as Pick<T, K>
}

async function inject<T>(
  points: FaultPoints,
  label: string,
  path: string,
  run: () => Promise<T>,
): Promise<T> {
  const how = points.pass(label)
  const failed = new DiskError('EIO', path)
  if (how === 'error') throw failed
  if (how === 'never') await points.healed
  const result = await run()
  if (how === 'lost') throw failed
  return result
}
