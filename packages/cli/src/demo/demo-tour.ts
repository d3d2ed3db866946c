import type { NameNodeId } from './demo-cluster.ts'
import { otherThan, SESSION_TIMEOUT_MS } from './demo-cluster.ts'

/** What a step may do to the cluster; each call is one sentence of the tour. */
export interface TourHands {
  readonly active: () => NameNodeId
  kill(name: NameNodeId | `zkfc-${NameNodeId}`): Promise<void>
  startNameNode(id: NameNodeId): Promise<void>
  startController(id: NameNodeId): void
  freeze(id: NameNodeId): void
  thaw(id: NameNodeId): void
  failover(from: NameNodeId, to: NameNodeId): Promise<void>
  untilActive(id: NameNodeId, withinMs: number): Promise<void>
  untilStandby(id: NameNodeId, withinMs: number): Promise<void>
  quietFor(ms: number): Promise<void>
  /** One active, one standby, writes flowing, and both controllers in the election. */
  untilSettled(): Promise<void>
}

export interface TourStep {
  readonly name: string
  /** What the onlooker is told before it happens. */
  readonly says: (active: NameNodeId) => string
  /** Where the role must be afterwards. */
  readonly ends: 'moved' | 'kept'
  /** Whether a controller has to notice something by itself, or is told. */
  readonly detects: boolean
  readonly fault: (hands: TourHands, active: NameNodeId) => Promise<void>
  /** Puts the cluster back in order; not part of the measurement. */
  readonly repair: (hands: TourHands, old: NameNodeId) => Promise<void>
}

const nothing = async (): Promise<void> => {}
const settle = (hands: TourHands): Promise<void> => hands.untilSettled()
const TAKE_OVER_WITHIN_MS = 30_000

export const TOUR: readonly TourStep[] = [
  {
    name: 'active NameNode killed (kill -9)',
    says: active => `Now the process of the active NameNode ${active} is killed.`,
    ends: 'moved',
    detects: true,
    fault: async (hands, active) => {
      await hands.kill(active)
      await hands.untilActive(otherThan(active), TAKE_OVER_WITHIN_MS)
    },
    // The next step starts it again.
    repair: nothing,
  },
  {
    name: 'killed NameNode started again',
    says: active => `${otherThan(active)} is started again; it must come up as standby.`,
    ends: 'kept',
    detects: false,
    fault: async (hands, active) => {
      await hands.startNameNode(otherThan(active))
      await hands.untilStandby(otherThan(active), TAKE_OVER_WITHIN_MS)
    },
    repair: settle,
  },
  {
    name: 'active NameNode hangs (SIGSTOP)',
    says: active => `Now ${active} hangs: its sockets stay open, it answers nothing.`,
    ends: 'moved',
    detects: true,
    fault: async (hands, active) => {
      hands.freeze(active)
      await hands.untilActive(otherThan(active), TAKE_OVER_WITHIN_MS)
    },
    repair: async (hands, old) => {
      hands.thaw(old)
      await hands.kill(old)
      await hands.startNameNode(old)
      await hands.untilSettled()
    },
  },
  {
    name: "active's controller restarted",
    says: active => `The controller of ${active} is killed and started again at once.`,
    ends: 'kept',
    detects: false,
    fault: async (hands, active) => {
      await hands.kill(`zkfc-${active}`)
      hands.startController(active)
      await hands.quietFor(2 * SESSION_TIMEOUT_MS)
    },
    repair: settle,
  },
  {
    name: "active's controller killed for good",
    says: active => `The controller of ${active} is killed and stays away.`,
    ends: 'moved',
    detects: true,
    fault: async (hands, active) => {
      await hands.kill(`zkfc-${active}`)
      await hands.untilActive(otherThan(active), TAKE_OVER_WITHIN_MS)
    },
    repair: async (hands, old) => {
      hands.startController(old)
      await hands.untilSettled()
    },
  },
  {
    name: 'planned failover (haadmin)',
    says: active => `Last, an operator moves the role from ${active} to ${otherThan(active)}.`,
    ends: 'moved',
    detects: false,
    fault: async (hands, active) => {
      await hands.failover(active, otherThan(active))
      await hands.untilActive(otherThan(active), TAKE_OVER_WITHIN_MS)
    },
    repair: settle,
  },
]
