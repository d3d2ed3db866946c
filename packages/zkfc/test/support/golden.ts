import { replay, decodeDecision, DecisionLog, encodeDecision } from '../../src/core/decision-log.ts'
import { FailoverCore } from '../../src/core/failover-core.ts'
import type { CallOutcome, Effect, Input, InputBody, NodeRef } from '../../src/core/messages.ts'
import type { FailoverSettings } from '../../src/core/settings.ts'
import type { ZkResult } from '../../src/core/messages.ts'
import { znodeData } from '../../src/ha-service-target.ts'
import { printEffect } from './print-effect.ts'

/*
 * Scenario files: an input on a line that begins with `>`, below it what the core decided, prose
 * on lines that begin with `#`. `use name` first plays another file's inputs silently.
 * `+500` lets time go on, with a tick at every deadline; `pause 500` stops this process instead,
 * `suspend 500` the whole host with its monotonic clock; `deaf` makes ZooKeeper silent from here
 * on. Ids are filled in: a completion belongs to what is under way, unless `id=` says otherwise.
 */
function node(namenodeId: string, host = namenodeId): NodeRef {
  return { nameserviceId: 'ns', namenodeId, host, port: 8020, zkfcPort: 8019 }
}

export const SETTINGS: FailoverSettings = {
  local: node('nn1'),
  localName: 'NameNode at nn1/10.0.0.1:8020',
  others: [node('nn2'), node('nn3')],
  checkIntervalMs: 1000,
  connectRetryIntervalMs: 1000,
  sleepAfterDisconnectMs: 1000,
  healthTimeoutMs: 45_000,
  connectTimeoutMs: 20_000,
  newActiveTimeoutMs: 60_000,
  gracefulFenceTimeoutMs: 5000,
  sessionTimeoutMs: 10_000,
  backoffBaseMs: 1000,
  backoffMaxMs: 30_000,
  processEvidenceMs: 100,
  crumbDeleteMs: 2000,
  sharedEditsFenced: true,
  trustConfiguredAddress: false,
  threadDumps: true,
  parentPath: '/hadoop-ha/ns',
  lockPath: '/hadoop-ha/ns/ActiveStandbyElectorLock',
}

/** Contents of znodes by name. */
export const DATA: Readonly<Record<string, Uint8Array>> = {
  own: znodeData(node('nn1')),
  nn2: znodeData(node('nn2')),
  nn3: znodeData(node('nn3')),
  'own-moved': znodeData(node('nn1', 'old1')),
  'nn2-moved': znodeData(node('nn2', 'old2')),
  nn9: znodeData(node('nn9')),
  foreign: znodeData({ ...node('nn2'), nameserviceId: 'other' }),
  garbage: Uint8Array.of(1, 2, 3),
}

const IDENTITY = {
  pid: 42,
  startTicks: '7',
  bootId: 'boot',
  pidNamespace: 'p',
  networkNamespace: 'n',
  ports: [8020],
}

type Words = readonly string[]

export class Player {
  readonly core: FailoverCore
  readonly log = new DecisionLog(10_000)
  readonly settings: FailoverSettings
  now = 1000
  heardMs: number | undefined
  /** Of the wall clock, as a suspended host or somebody who sets it leaves it. */
  wallAheadMs = 1_700_000_000_000
  /** ZooKeeper answers nothing any more, not even pings. */
  deaf = false

  constructor(overrides: Partial<FailoverSettings> = {}) {
    this.settings = { ...SETTINGS, ...overrides }
    this.core = new FailoverCore(this.settings)
  }

  /** One input line; the effects, printed. Throws on a line that is none. */
  play(line: string): readonly string[] {
    const words = line.match(/"[^"]*"|\S+/g)?.map(word => word.replaceAll('"', '')) ?? []
    const [first = '', ...rest] = words
    if (first.startsWith('+')) {
      const ticked = this.#advance(this.now + Number(first.slice(1)))
      return rest.length === 0 ? ticked : [...ticked, ...this.#step(rest)]
    }
    if (first === 'pause') {
      this.now += Number(rest[0])
      return []
    }
    if (first === 'suspend') {
      this.wallAheadMs += Number(rest[0])
      return []
    }
    if (first === 'deaf') {
      this.deaf = true
      return []
    }
    return this.#step(words)
  }

  #step(words: Words): readonly string[] {
    const body = this.#input(words)
    if (body.kind === 'zkReplied' || body.kind === 'session') this.heardMs = this.now
    const timed = { ...body, wallMs: this.now + this.wallAheadMs }
    const input: Input = this.heardMs === undefined ? timed : { ...timed, heardMs: this.heardMs }
    return this.log.step(this.core, input, this.now).map((effect: Effect) => printEffect(effect))
  }

  /** As the driver does: a tick at every deadline, and ZooKeeper's answers to pings meanwhile. */
  #advance(until: number): readonly string[] {
    const printed: string[] = []
    while (this.core.deadline() <= until) {
      const due = this.core.deadline()
      this.now = Math.max(this.now, due)
      if (!this.deaf && this.core.state.elector.link === 'connected') this.heardMs = this.now
      const tick = this.#step(['tick'])
      printed.push(...tick.map(effect => `@${this.now} ${effect}`))
      if (this.core.deadline() <= due) throw new Error(`the deadline ${due} does not move`)
    }
    this.now = until
    return printed
  }

  #input(words: Words): InputBody {
    const [name = ''] = words
    const make = INPUTS[name]
    if (make === undefined) throw new Error(`no such input: ${words.join(' ')}`)
    return make(this.core, words.slice(1))
  }

  /** The recorded decisions that do not step to the same effects again, on this very code. */
  differences(): readonly string[] {
    return this.log.decisions
      .filter(decision => {
        const again = decodeDecision(encodeDecision(decision))
        const effects = replay(again, this.settings).map(printEffect).join('\n')
        return effects !== decision.effects.map(printEffect).join('\n')
      })
      .map(decision => JSON.stringify(decision.input))
  }
}

function option(words: Words, name: string): string | undefined {
  return words.find(word => word.startsWith(`${name}=`))?.slice(name.length + 1)
}

function id(words: Words, present: number): number {
  return Number(option(words, 'id') ?? present)
}

function zkResult(core: FailoverCore, words: Words): ZkResult {
  const [first = ''] = words
  if (first !== 'ok') return { ok: false, error: first }
  const data = option(words, 'data')
  const version = option(words, 'version')
  const owner = option(words, 'owner')
  const named = data === undefined ? undefined : DATA[data]
  if (data !== undefined && named === undefined) throw new Error(`no such data: ${data}`)
  return {
    ok: true,
    ...(named === undefined ? {} : { data: named }),
    ...(version === undefined ? {} : { version: Number(version) }),
    ...(owner === undefined
      ? {}
      : { owner: owner === 'me' ? core.state.elector.sessionId : BigInt(owner) }),
  }
}

function outcome(words: Words): CallOutcome {
  const [how = '', text = ''] = words
  if (how === 'ok' && text === '') return { ok: true }
  if (how === 'ok') return { ok: true, state: text as 'active' }
  return { ok: false, how: how as 'refused', text }
}

const INPUTS: Readonly<Record<string, (core: FailoverCore, words: Words) => InputBody>> = {
  start: (_core, words) => ({ kind: 'start', resume: words[0] === 'resume', jitterSeed: 7 }),
  begin: () => ({ kind: 'begin', appData: DATA['own'] ?? new Uint8Array(0) }),
  tick: () => ({ kind: 'tick' }),
  stop: (_core, words) => ({ kind: 'stop', mode: words[0] === 'keep' ? 'keep' : 'handOver' }),
  connected: ({ state }, words) => ({
    kind: 'healthConnected',
    id: id(words, state.health.waiting),
  }),
  connectFailed: ({ state }, words) => ({
    kind: 'healthConnectFailed',
    id: id(words, state.health.waiting),
    how: words[0] as 'refused',
    text: `connect ${words[0]}`,
  }),
  ended: ({ state }, words) => ({
    kind: 'healthConnectionEnded',
    id: id(words, state.health.connection),
    how: words[0] as 'end',
  }),
  status: ({ state }, words) => ({
    kind: 'statusReplied',
    id: id(words, state.health.waiting),
    status: { state: words[0] as 'active', readyToBecomeActive: true },
  }),
  healthy: ({ state }, words) => ({ kind: 'healthReplied', id: id(words, state.health.waiting) }),
  callFailed: ({ state }, words) => ({
    kind: 'healthCallFailed',
    id: id(words, state.health.waiting),
    how: words[0] as 'error',
    text: words[1] ?? '',
  }),
  session: ({ state }, words) => ({
    kind: 'session',
    handle: Number(option(words, 'handle') ?? state.elector.handle),
    state: words[0] as 'connected',
    sessionId: BigInt(option(words, 'session') ?? state.elector.sessionId),
    ...(words[0] === 'connected' ? { timeoutMs: 10_000 } : {}),
  }),
  zk: (core, words) => ({
    kind: 'zkReplied',
    handle: Number(option(words, 'handle') ?? core.state.elector.handle),
    id: id(words, core.state.elector.waiting),
    result: zkResult(core, words),
  }),
  activeRead: (core, words) => ({
    kind: 'zkReplied',
    handle: core.state.elector.handle,
    id: core.state.elector.activeRead,
    result: zkResult(core, words),
  }),
  watch: ({ state }, words) => ({
    kind: 'watchFired',
    handle: Number(option(words, 'handle') ?? state.elector.handle),
    event: words[0] === 'deleted' ? 'nodeDeleted' : 'nodeChanged',
  }),
  called: ({ state }, words) => ({
    kind: 'called',
    id: id(words, state.controller.currentId),
    outcome: outcome(words),
  }),
  ceded: ({ state }, words) => ({
    kind: 'called',
    id: id(words, state.graceful.waiting[0] ?? 0),
    outcome: outcome(words),
  }),
  fenced: ({ state }, words) => ({
    kind: 'fenced',
    id: id(words, state.controller.fencing?.waiting ?? 0),
    ok: words[0] === 'ok',
    text: words[1] ?? '',
    ...(words.includes('unresolved') ? { unresolved: true } : {}),
  }),
  recorded: ({ state }, words) => ({
    kind: 'processRecorded',
    id: id(words, state.controller.recordingId),
    ...(words[0] === 'none' ? {} : { identity: IDENTITY }),
  }),
  evidence: ({ state }, words) => ({
    kind: 'evidence',
    id: id(words, state.controller.proof?.waiting ?? 0),
    verdict: words[0] as 'gone',
  }),
  kept: ({ state }, words) => ({
    kind: 'sessionKept',
    id: id(words, state.controller.keepId),
    ok: words[0] === 'ok',
    text: words[1] ?? '',
  }),
  cede: (_core, words) => ({
    kind: 'cedeRequested',
    request: Number(option(words, 'request') ?? 900),
    periodMs: Number(words[0]),
    caller: 'hdfs at nn2',
    callerContext: 'CLI',
  }),
  failover: (_core, words) => ({
    kind: 'failoverRequested',
    request: Number(option(words, 'request') ?? 901),
    caller: 'hdfs at admin',
    callerContext: 'CLI',
  }),
}
