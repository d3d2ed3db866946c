/*
 * What this host's kernel knows of the NameNode's process, and what may be concluded from it.
 *
 * "Process proven gone" is the one fact that lets a controller delete its breadcrumb without its
 * NameNode having confirmed standby, so everything here errs towards `unknown`: an unreadable file,
 * a second owner of the port, another namespace, a scan that hit its bound.
 *
 * A process is named by pid *and* start time (pids are reused), seen from the pid and network
 * namespaces of this controller, in one boot of the host. While the NameNode answers active the
 * controller records who owns its listening socket; later it asks whether that very process is
 * gone and the ports have no listener any more. Both are read from the kernel: connecting would
 * say "refused" for a port that a full backlog or a firewall hides, and "accepted" for a proxy.
 */

/** Who owned the listening socket. Plain JSON, equal by its fields. */
export interface ProcessIdentity {
  readonly pid: number
  /** Field 22 of /proc/<pid>/stat: clock ticks from boot to the start of the process. */
  readonly startTicks: string
  readonly bootId: string
  /** `pid:[4026531836]`, as the kernel names the namespace. */
  readonly pidNamespace: string
  readonly networkNamespace: string
  /** The ports whose LISTEN sockets it held when it was recorded. */
  readonly ports: readonly number[]
}

export type Evidence = 'gone' | 'alive' | 'unknown'

export interface LocalProcesses {
  /**
   * The one process that holds a LISTEN socket for *every* port of `ports`; undefined where there
   * is none, more than one, or anything could not be read. Never rejects.
   */
  listener(ports: readonly number[]): Promise<ProcessIdentity | undefined>
  /**
   * `gone`: proven: that process has ended and nothing listens on `ports` nor on the recorded ones.
   * `alive`: that very process exists, or something listens. `unknown`: anything else.
   * A process that was just killed may be `alive` for some milliseconds more: ask again.
   * Never rejects.
   */
  gone(identity: ProcessIdentity, ports: readonly number[]): Promise<Evidence>
  /** The kernel's boot id; undefined where there is none to read. */
  bootId(): Promise<string | undefined>
}

/** The kernel's files, read as they are. Each call rejects where the file cannot be read. */
export interface ProcReader {
  read(path: string): Promise<string>
  list(path: string): Promise<readonly string[]>
  link(path: string): Promise<string>
}

/** For hosts without /proc: knows nothing, so a breadcrumb always stays. */
export const noLocalProcesses: LocalProcesses = {
  listener: () => Promise.resolve(undefined),
  gone: () => Promise.resolve('unknown'),
  bootId: () => Promise.resolve(undefined),
}

/** Beyond these a scan says `unknown`: the host is not one this was made for. */
const PROCESSES_MAX = 50_000
const DESCRIPTORS_MAX = 2_000_000
const LISTEN_STATE = '0A'
const TCP_TABLES = ['/proc/net/tcp', '/proc/net/tcp6'] as const

/** Inodes of LISTEN sockets, for each port asked for. */
type Listeners = ReadonlyMap<number, readonly string[]>

type Found =
  | { readonly state: 'running'; readonly startTicks: string }
  | { readonly state: 'ended' | 'unreadable' }

export class ProcessScan implements LocalProcesses {
  readonly #proc: ProcReader

  constructor(proc: ProcReader) {
    this.#proc = proc
  }

  async listener(ports: readonly number[]): Promise<ProcessIdentity | undefined> {
    const listeners = await this.#listeners(ports)
    const here = await this.#surroundings()
    if (ports.length === 0 || listeners === undefined || here === undefined) return undefined
    const pid = await this.#soleOwner([...listeners.values()])
    if (pid === undefined) return undefined
    const found = await this.#find(pid)
    const there = await this.#namespaces(String(pid))
    if (found.state !== 'running' || there === undefined) return undefined
    // The pid may have changed hands since the scan: the start time must be the owner's.
    if ((await this.#soleOwner([...listeners.values()], [String(pid)])) !== pid) return undefined
    // A container's process is seen from outside with another pid than it has inside: what the
    // controller sees of it ends at the container's wall.
    if (there.pidNamespace !== here.pidNamespace) return undefined
    if (there.networkNamespace !== here.networkNamespace) return undefined
    return { pid, startTicks: found.startTicks, ...here, ports: [...ports] }
  }

  async gone(identity: ProcessIdentity, ports: readonly number[]): Promise<Evidence> {
    const here = await this.#surroundings()
    if (here === undefined) return 'unknown'
    if (here.bootId !== identity.bootId) return 'unknown'
    if (here.pidNamespace !== identity.pidNamespace) return 'unknown'
    if (here.networkNamespace !== identity.networkNamespace) return 'unknown'
    const found = await this.#find(identity.pid)
    if (found.state === 'unreadable') return 'unknown'
    if (found.state === 'running' && found.startTicks === identity.startTicks) return 'alive'
    // Read after the process was seen gone: a listener found now belongs to somebody else.
    const listeners = await this.#listeners([...new Set([...ports, ...identity.ports])])
    if (listeners === undefined) return 'unknown'
    return [...listeners.values()].every(inodes => inodes.length === 0) ? 'gone' : 'alive'
  }

  async bootId(): Promise<string | undefined> {
    const text = await this.#attempt(() => this.#proc.read('/proc/sys/kernel/random/boot_id'))
    return text?.trim() || undefined
  }

  /** undefined: a table cannot be read. No tcp6 table at all is a kernel without IPv6. */
  async #listeners(ports: readonly number[]): Promise<Listeners | undefined> {
    const found = new Map<number, string[]>(ports.map(port => [port, []]))
    for (const table of TCP_TABLES) {
      const text = await this.#table(table)
      if (text === undefined) return undefined
      for (const line of text.split('\n')) {
        const fields = line.trim().split(/\s+/)
        if (fields[3] !== LISTEN_STATE) continue
        // Whatever address it is bound to: another address of this host may be a way to it.
        const port = Number.parseInt(fields[1]?.split(':').at(-1) ?? '', 16)
        found.get(port)?.push(fields[9] ?? '')
      }
    }
    return found
  }

  async #table(path: string): Promise<string | undefined> {
    try {
      return await this.#proc.read(path)
    } catch (error) {
      return path.endsWith('6') && isMissing(error) ? '' : undefined
    }
  }

  /** The one process that has a socket of each group open, and no other process has any. */
  async #soleOwner(
    groups: readonly (readonly string[])[],
    among?: readonly string[],
  ): Promise<number | undefined> {
    if (groups.some(inodes => inodes.length === 0 || inodes.includes(''))) return undefined
    const wanted = new Set(groups.flat().map(inode => `socket:[${inode}]`))
    const names = among ?? (await this.#attempt(() => this.#proc.list('/proc')))
    const pids = (names ?? []).filter(name => /^\d+$/.test(name))
    if (pids.length === 0 || pids.length > PROCESSES_MAX) return undefined
    let owner: string | undefined
    let descriptorCount = 0
    for (const pid of pids) {
      // Another account's descriptors cannot be read; a process of the NameNode's own account can.
      const descriptors = (await this.#attempt(() => this.#proc.list(`/proc/${pid}/fd`))) ?? []
      descriptorCount += descriptors.length
      if (descriptorCount > DESCRIPTORS_MAX) return undefined
      const open = await this.#openOf(pid, descriptors, wanted)
      if (open.size === 0) continue
      if (owner !== undefined || open.size !== wanted.size) return undefined
      owner = pid
    }
    return owner === undefined ? undefined : Number(owner)
  }

  async #openOf(
    pid: string,
    descriptors: readonly string[],
    wanted: ReadonlySet<string>,
  ): Promise<ReadonlySet<string>> {
    const open = new Set<string>()
    for (const descriptor of descriptors) {
      const path = `/proc/${pid}/fd/${descriptor}`
      const link = await this.#attempt(() => this.#proc.link(path))
      if (link !== undefined && wanted.has(link)) open.add(link)
      if (open.size === wanted.size) break
    }
    return open
  }

  /** `ended`: there is no such process, or only its zombie, which holds nothing any more. */
  async #find(pid: number): Promise<Found> {
    try {
      const text = await this.#proc.read(`/proc/${pid}/stat`)
      // The program's name may hold blanks and parentheses: count from behind its end.
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
      const [state, startTicks] = [fields[0], fields[19]]
      if (state === undefined || startTicks === undefined) return { state: 'unreadable' }
      if (state !== 'Z' && state !== 'X') return { state: 'running', startTicks }
      // The first thread may have ended before the others; the process goes on without it.
      const threads = await this.#proc.list(`/proc/${pid}/task`)
      return threads.length > 1 ? { state: 'running', startTicks } : { state: 'ended' }
    } catch (error) {
      return { state: isMissing(error) ? 'ended' : 'unreadable' }
    }
  }

  async #surroundings(): Promise<
    Pick<ProcessIdentity, 'bootId' | 'pidNamespace' | 'networkNamespace'> | undefined
  > {
    const bootId = await this.bootId()
    const namespaces = await this.#namespaces('self')
    return bootId === undefined || namespaces === undefined ? undefined : { bootId, ...namespaces }
  }

  async #namespaces(
    pid: string,
  ): Promise<Pick<ProcessIdentity, 'pidNamespace' | 'networkNamespace'> | undefined> {
    const pidNamespace = await this.#attempt(() => this.#proc.link(`/proc/${pid}/ns/pid`))
    const networkNamespace = await this.#attempt(() => this.#proc.link(`/proc/${pid}/ns/net`))
    if (pidNamespace === undefined || networkNamespace === undefined) return undefined
    return { pidNamespace, networkNamespace }
  }

  /** undefined where the kernel does not let it be read, whatever the reason. */
  async #attempt<T>(read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read()
    } catch (error) {
      if (codeOf(error) !== undefined) return undefined
      throw error
    }
  }
}

function isMissing(error: unknown): boolean {
  const code = codeOf(error)
  return code === 'ENOENT' || code === 'ESRCH'
}

function codeOf(error: unknown): string | undefined {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' ? code : undefined
}
