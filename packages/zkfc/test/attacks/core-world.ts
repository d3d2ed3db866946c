import { SimRandom } from '@baton/runtime/sim'
import { FailoverCore } from '../../src/core/failover-core.ts'
import type { CallOutcome, Effect, InputBody } from '../../src/core/messages.ts'
import { CoreZooKeeper } from './core-zookeeper.ts'
import { SETTINGS, DATA } from '../support/golden.ts'

/*
 * One core in a world that answers every effect: late, wrongly, or not at all while the storm
 * lasts, and correctly afterwards. Thousands of times faster than the simulation of whole
 * processes, which is what it takes to find the order of events after which nothing moves any more.
 */
const LIMITS = {
  gracefulFenceTimeoutMs: 2000,
  newActiveTimeoutMs: 8000,
  connectTimeoutMs: 6000,
  healthTimeoutMs: 9000,
}
const IDENTITY = {
  ...{ pid: 1, startTicks: '1', bootId: 'b', pidNamespace: 'p', networkNamespace: 'n' },
  ports: [8020],
}
const CAUSE = { how: 'noAnswer', text: 'no answer' } as const
const STORM_MS = 60_000
const CALM_MS = 140_000

type Of<K extends Effect['kind']> = Extract<Effect, { kind: K }>
type Answers = { readonly [K in Effect['kind']]?: (effect: Of<K>) => void }

export class CoreWorld {
  readonly core = new FailoverCore({ ...SETTINGS, ...LIMITS })
  readonly random: SimRandom
  readonly zk: CoreZooKeeper
  now = 1000
  storming = true
  nameNode: 'standby' | 'active' = 'standby'
  problem = ''
  activations = 0
  asked = 0
  answered = 0
  #up = true
  #healthTurn = 0
  #opening = 0
  #pausedUntil = 0
  #queue: { readonly at: number; readonly run: () => void }[] = []

  constructor(seed: number) {
    this.random = new SimRandom(`core world ${seed}`)
    this.zk = new CoreZooKeeper(this)
  }

  chance(probability: number): boolean {
    return this.storming && this.random.chance(probability)
  }

  after(delayMs: number, run: () => void): void {
    this.#queue.push({ at: this.now + delayMs, run })
  }

  /** An answer on its way: now and then it takes seconds. */
  later(run: () => void): void {
    this.after(this.random.between(1, this.chance(0.1) ? 5000 : 30), run)
  }

  input(body: InputBody): void {
    if (this.problem !== '') return
    const heardMs = this.zk.heardMs()
    const input = heardMs === undefined ? body : { ...body, heardMs }
    for (const effect of this.core.step(input, this.now)) {
      const answer = this.#answers[effect.kind] as ((effect: Effect) => void) | undefined
      answer?.(effect)
    }
    if (body.kind === 'tick' && this.core.deadline() <= this.now) this.problem = 'ticks pile up'
  }

  /** What is wrong at the end; empty: nothing. */
  run(): string {
    this.input({ kind: 'start', resume: false, jitterSeed: this.random.int(1000) })
    this.after(50, () => this.input({ kind: 'begin', appData: DATA['own'] ?? new Uint8Array(0) }))
    this.after(500, () => this.#fault())
    while (this.now < STORM_MS + CALM_MS && this.problem === '') {
      this.#next()
      if (this.storming && this.now > STORM_MS) {
        this.storming = false
        this.#up = true
      }
    }
    const { elector, graceful } = this.core.state
    if (this.problem !== '') return this.problem
    if (elector.role !== 'active' || this.nameNode !== 'active') {
      return `nobody is active in the end: role ${elector.role}, task ${elector.task}`
    }
    const left = this.asked - this.answered
    return left === 0 ? '' : `${left} requests without an answer (${graceful.phase})`
  }

  #next(): void {
    this.#queue.sort((a, b) => a.at - b.at)
    const [first] = this.#queue
    const tickAt = Math.max(this.core.deadline(), this.#pausedUntil)
    const firstAt = Math.max(first?.at ?? Infinity, this.#pausedUntil)
    this.now = Math.max(this.now, Math.min(tickAt, firstAt))
    if (firstAt > tickAt) return this.input({ kind: 'tick' })
    this.#queue.shift()?.run()
  }

  #fault(): void {
    if (!this.storming) return
    const faults = [
      () => this.zk.drop(),
      () => this.zk.rival(),
      () => this.zk.rival(),
      () => this.#killNameNode(),
      () => (this.#pausedUntil = this.now + this.random.between(1, 4000)),
      () => this.#ask(request => ({ kind: 'failoverRequested', request, caller: 'x' })),
      () => {
        const periodMs = this.random.pick([3000, -1])
        this.#ask(request => ({ kind: 'cedeRequested', request, periodMs, caller: 'x' }))
      },
    ]
    this.random.pick(faults)()
    this.after(this.random.between(1, 1500), () => this.#fault())
  }

  #ask(make: (request: number) => InputBody): void {
    this.asked += 1
    this.input(make(this.asked))
  }

  #killNameNode(): void {
    const id = this.core.state.health.connection
    this.#up = false
    this.nameNode = 'standby'
    this.#healthTurn += 1
    this.after(1, () => this.input({ kind: 'healthConnectionEnded', id, how: 'reset' }))
    this.after(this.random.between(1, 3000), () => (this.#up = true))
  }

  #called(id: number, outcome: CallOutcome): void {
    this.input({ kind: 'called', id, outcome })
  }

  /** Health answers of a NameNode that is up, on the connection that was asked. */
  #health(silence: number, run: () => void): void {
    const turn = this.#healthTurn
    if (this.chance(silence)) return
    this.later(() => {
      if (turn === this.#healthTurn) run()
    })
  }

  #onConnectHealth({ id }: Of<'connectHealth'>): void {
    this.#healthTurn += 1
    this.#health(0, () => {
      if (this.#up) return this.input({ kind: 'healthConnected', id })
      this.input({ kind: 'healthConnectFailed', id, how: 'refused', text: 'refused' })
    })
  }

  #onCheckHealth({ id }: Of<'checkHealth'>): void {
    this.#health(0.01, () => {
      if (!this.chance(0.03)) return this.input({ kind: 'healthReplied', id })
      this.input({ kind: 'healthCallFailed', id, how: 'unhealthy', text: 'no space' })
    })
  }

  #onCall({ id, call, limitMs }: Of<'call'>): void {
    const lost = this.chance(0.15)
    this.after(lost ? limitMs : this.random.between(1, 30), () => {
      if (!this.#up) return this.#called(id, { ok: false, how: 'refused', text: 'refused' })
      const done = !lost || this.random.chance(0.5)
      if (call === 'transitionToStandby' && done) this.nameNode = 'standby'
      this.#called(id, lost ? { ok: false, ...CAUSE } : { ok: true, state: this.nameNode })
    })
  }

  #onOpen({ id, limitMs }: Of<'openForActive'>): void {
    this.#opening = id
    this.after(this.chance(0.3) ? limitMs - 100 : this.random.between(1, 30), () => {
      if (this.#opening !== id) return
      this.#opening = 0
      this.#called(id, this.#up ? { ok: true } : { ok: false, how: 'refused', text: 'refused' })
    })
  }

  #onCloseForActive(): void {
    const id = this.#opening
    this.#opening = 0
    if (id !== 0) this.after(0, () => this.#called(id, { ok: false, ...CAUSE }))
  }

  #onTransition({ id, limitMs }: Of<'transitionToActive'>): void {
    this.activations += 1
    this.problem ||= this.zk.whyNotActive()
    const lost = this.chance(0.15)
    const refused = this.chance(0.1)
    this.after(lost ? limitMs : this.random.between(1, 30), () => {
      const carriedOut = this.#up && !refused && (!lost || this.random.chance(0.5))
      if (carriedOut) this.nameNode = 'active'
      if (lost || !this.#up) return this.#called(id, { ok: false, ...CAUSE })
      this.#called(id, refused ? { ok: false, how: 'remote', text: 'no' } : { ok: true })
    })
  }

  readonly #answers: Answers = {
    openSession: e => this.zk.open(e.handle),
    closeSession: e => this.zk.close(e.handle),
    zk: e => this.zk.request(e),
    connectHealth: e => this.#onConnectHealth(e),
    closeHealth: () => (this.#healthTurn += 1),
    getStatus: ({ id }) =>
      this.#health(0.01, () => {
        const status = { state: this.nameNode, readyToBecomeActive: true }
        this.input({ kind: 'statusReplied', id, status })
      }),
    checkHealth: e => this.#onCheckHealth(e),
    call: e => this.#onCall(e),
    openForActive: e => this.#onOpen(e),
    closeForActive: () => this.#onCloseForActive(),
    transitionToActive: e => this.#onTransition(e),
    gracefulFence: ({ id }) => this.#fenced(id, 0.6, 30),
    runFencing: ({ id }) => this.#fenced(id, 0.3, 8000),
    recordProcess: ({ id }) =>
      this.later(() => this.input({ kind: 'processRecorded', id, identity: IDENTITY })),
    proveGone: ({ id }) =>
      this.after(5, () =>
        this.input({ kind: 'evidence', id, verdict: this.#up ? 'alive' : 'gone' }),
      ),
    cedeRemote: ({ id }) =>
      this.later(() => this.#called(id, this.chance(0.2) ? { ok: false, ...CAUSE } : { ok: true })),
    answer: () => (this.answered += 1),
    fatal: e => (this.problem ||= e.text),
  }

  #fenced(id: number, failing: number, withinMs: number): void {
    const ok = !this.chance(failing)
    this.after(this.storming ? this.random.between(1, withinMs) : 5, () =>
      this.input({ kind: 'fenced', id, ok, text: '' }),
    )
  }
}
