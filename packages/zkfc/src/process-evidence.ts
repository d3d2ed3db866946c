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
   * Never rejects.
   */
  gone(identity: ProcessIdentity, ports: readonly number[]): Promise<Evidence>
  /** The kernel's boot id; undefined where there is none to read. */
  bootId(): Promise<string | undefined>
}

/** For hosts without /proc: knows nothing, so a breadcrumb always stays. */
export const noLocalProcesses: LocalProcesses = {
  listener: () => Promise.resolve(undefined),
  gone: () => Promise.resolve('unknown'),
  bootId: () => Promise.resolve(undefined),
}
