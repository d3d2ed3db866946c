import type { Mutation } from './bundle.ts'
import type { Swarm } from './faults/swarm.ts'

export interface Mutant {
  readonly name: string
  readonly mutations: readonly Mutation[]
  /** Caught within so many seeds; or by the world of `directed.ts` made for it. */
  readonly seedsMax?: number
  readonly world?: 'pauseAtEveryTurn' | 'cedeWithoutLock' | 'staleCompletion'
  /** What brings it out, where chance alone would take long. */
  readonly directed?: Partial<Swarm>
  /** Part of the message of the checker that has to catch it. */
  readonly caughtBy: RegExp
}

const ACTIVATION = 'packages/zkfc/src/core/elector-activation.ts'
const ELECTOR = 'packages/zkfc/src/active-standby-elector.ts'
const LEAVE = 'packages/zkfc/src/core/elector-leave.ts'
const GATE = 'packages/server/src/session-gate.ts'
const SHELL = 'packages/zkfc/src/fencing/shell-command-fencer.ts'
const OLD_ACTIVE = 'packages/zkfc/src/core/old-active-fencing.ts'
const WRITER = 'packages/reference-namenode/src/edit-log-writer.ts'
const CONTEND = 'packages/zkfc/src/core/elector-contend.ts'

/** Bugs that were made before, by others or by us, put back in. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'a new session handed out on re-attach',
    mutations: [
      {
        file: GATE,
        from: `const session = sessions.get(request.sessionId)
    if (session === undefined || session.closing) return this.#refuse(cnxn)`,
        to: `const session = sessions.get(request.sessionId)
    if (session === undefined || session.closing) return this.#create(cnxn, timeoutMs)`,
      },
    ],
    seedsMax: 20,
    directed: { kinds: ['pauseController', 'cut'], meanPauseMs: 600 },
    caughtBy: /was asked for and a new session .* was handed out/,
  },
  {
    name: 'the lock granted on an expired session',
    mutations: [
      {
        file: GATE,
        from: 'const session = sessions.get(request.sessionId)',
        to: `const session = sessions.get(request.sessionId) ??
      sessions.track(request.sessionId, timeoutMs, this.now())`,
      },
    ],
    seedsMax: 40,
    directed: { kinds: ['pauseController', 'cut'], meanPauseMs: 600 },
    caughtBy: /the lock was granted to \w+ on a session that is closed/,
  },
  {
    name: 'a fence that timed out counted as success',
    mutations: [
      {
        file: SHELL,
        from: 'const ok = exitCode === 0 && !timedOut && !signal.aborted',
        to: 'const ok = (exitCode === 0 || timedOut) && !signal.aborted',
      },
    ],
    seedsMax: 40,
    directed: { kinds: ['pauseNameNode', 'freezeHost'], fences: ['hangs'], journal: false },
    caughtBy: /the breadcrumb went from \w+ to \w+ and \w+ did not fence/,
  },
  {
    name: 'a refused graceful step counted as a fence',
    mutations: [
      {
        file: OLD_ACTIVE,
        from: 'if (input.ok || mayBeSkipped(c, input)) return nextNode(c)',
        to: 'if (input.ok || graceful) return nextNode(c)',
      },
    ],
    seedsMax: 40,
    directed: { kinds: ['pauseNameNode', 'freezeHost'], fences: ['really'], journal: false },
    caughtBy: /the breadcrumb went from \w+ to \w+ and \w+ did not fence/,
  },
  {
    name: 'the breadcrumb written before fencing',
    mutations: [
      {
        file: ACTIVATION,
        from: `return proceed(c, 'fence')\n    case 'refuse'`,
        to: `return proceed(c, 'writeCrumb')\n    case 'refuse'`,
      },
      {
        file: ACTIVATION,
        from: `c.turn.event({ kind: 'breadcrumbWritten' })
  proceed(c, 'open')`,
        to: `c.turn.event({ kind: 'breadcrumbWritten' })
  const { local, others } = c.settings
  const old = c.s.crumbData ?? c.s.appData
  const other = judgeBreadcrumb(old, c.s.appData, local, others).kind === 'fence'
  proceed(c, other ? 'fence' : 'open')`,
      },
      {
        file: ACTIVATION,
        from: `message.ok ? proceed(c, 'writeCrumb')`,
        to: `message.ok ? proceed(c, 'open')`,
      },
    ],
    seedsMax: 20,
    caughtBy: /the breadcrumb went from \w+ to \w+ and \w+ did not fence/,
  },
  {
    name: 'the re-verification removed: a paused controller activates late',
    mutations: [
      {
        file: ACTIVATION,
        from: 'const sure = NEEDS_GOOD_TIME.has(step) ? isFresh(s, turn.now) : isSure(s)',
        to: 'const sure = true',
      },
    ],
    world: 'pauseAtEveryTurn',
    caughtBy: /was told to be active while|the breadcrumb went from/,
  },
  {
    name: 'the breadcrumb deleted from a later session',
    mutations: [
      {
        file: LEAVE,
        from: `if (message.crumb === 'keep' || s.role !== 'active') return`,
        to: `if (message.crumb === 'keep') return`,
      },
    ],
    world: 'cedeWithoutLock',
    caughtBy: /the breadcrumb of \w+ was deleted by a session without the lock/,
  },
  {
    name: 'a stale completion of an old handle accepted',
    mutations: [
      {
        file: ELECTOR,
        from: `if (input.handle !== s.handle) return
        if (input.id === s.activeRead`,
        to: 'if (input.id === s.activeRead',
      },
      {
        file: ELECTOR,
        from: 'if (input.id === s.waiting && input.id !== 0) onReply(c, input.result)',
        to: 'if (s.waiting !== 0) onReply(c, input.result)',
      },
    ],
    world: 'staleCompletion',
    caughtBy: /a stale completion led to \d+ effects/,
  },
  {
    name: 'the lock decided by its data, so that a controller demotes its own NameNode',
    mutations: [
      {
        file: CONTEND,
        from: 'if (sameBytes(result.data ?? new Uint8Array(0), c.s.appData)) {',
        to: 'if (result.owner === c.s.sessionId) {',
      },
    ],
    seedsMax: 40,
    directed: { kinds: ['loseStateFile'], meanPauseMs: 1500 },
    caughtBy: /its lock stood and \w+ was active, yet it sent transitionToStandby/,
  },
  {
    name: 'an edit acknowledged without reading the epoch again',
    mutations: [
      {
        file: WRITER,
        from: 'if (newestEpoch > this.#epoch) throw new EpochLostError(this.#epoch, newestEpoch)',
        to: '',
      },
    ],
    seedsMax: 40,
    directed: { kinds: ['isolate', 'cut', 'pauseNameNode', 'freezeHost'], fences: ['lies'] },
    caughtBy: /is not in the final log|was acknowledged in epoch/,
  },
]
