import { assert, unreachable } from '@baton/runtime'
import type { Core } from '@baton/runtime'
import { ActiveStandbyElector } from '../active-standby-elector.ts'
import { GracefulFailover, initialGraceful } from '../graceful-failover.ts'
import type { GracefulState } from '../graceful-failover.ts'
import { HealthMonitor, initialHealth } from '../health-monitor.ts'
import type { HealthState } from '../health-monitor.ts'
import { ZkFailoverController } from '../zk-failover-controller.ts'
import { initialController } from './controller-state.ts'
import type { ControllerState } from './controller-state.ts'
import { initialElector } from './elector-state.ts'
import type { ElectorState } from './elector-state.ts'
import type { CoreEvent, Effect, Input, Told, Turn } from './messages.ts'
import type { FailoverSettings } from './settings.ts'

/*
 * The four parts as one core: inputs go to the part they are for, what the parts tell each other is
 * handled in the order it was told, effects leave in the order they were decided. The state is one
 * plain value, so a step can be recorded with the state before it, and stepped again to the same
 * end.
 */
export interface FailoverState {
  lastId: number
  health: HealthState
  elector: ElectorState
  controller: ControllerState
  graceful: GracefulState
}

export function initialState(): FailoverState {
  return {
    lastId: 0,
    health: initialHealth(),
    elector: initialElector(),
    controller: initialController(),
    graceful: initialGraceful(),
  }
}

/** Parts telling each other in circles would be our own mistake. */
const TOLD_MAX = 10_000

export class FailoverCore implements Core<Input, Effect> {
  readonly state: FailoverState
  readonly #health: HealthMonitor
  readonly #elector: ActiveStandbyElector
  readonly #controller: ZkFailoverController
  readonly #graceful: GracefulFailover

  constructor(settings: FailoverSettings, state: FailoverState = initialState()) {
    this.state = state
    this.#health = new HealthMonitor(settings, state.health)
    this.#elector = new ActiveStandbyElector(settings, state.elector)
    this.#controller = new ZkFailoverController(settings, state.controller, state.elector)
    this.#graceful = new GracefulFailover(settings, state.graceful)
  }

  /** When the next `tick` is due; Infinity for none. */
  deadline(): number {
    return Math.min(
      this.#health.deadline(),
      this.#elector.deadline(),
      this.#controller.deadline(),
      this.#graceful.deadline(),
    )
  }

  step(input: Input, now: number): readonly Effect[] {
    const effects: Effect[] = []
    const told: Told[] = []
    const turn: Turn = {
      now,
      nextId: () => (this.state.lastId += 1),
      emit: effect => void effects.push(effect),
      tell: message => void told.push(message),
      event: (event: CoreEvent) => void effects.push({ kind: 'event', event }),
    }
    this.#elector.beat(now, input)
    this.#route(input, turn)
    for (let at = 0; at < told.length; at += 1) {
      assert(at < TOLD_MAX, 'the parts of the core come to an end of telling each other')
      const next = told[at]
      if (next !== undefined) this.#deliver(next, turn)
    }
    return effects
  }

  #route(input: Input, turn: Turn): void {
    switch (input.kind) {
      case 'tick':
        return this.#tick(turn)
      case 'start':
      case 'session':
      case 'zkReplied':
      case 'watchFired':
        return this.#elector.step(input, turn)
      case 'begin':
        this.#elector.step(input, turn)
        return turn.tell({ to: 'health', message: { kind: 'begin' } })
      case 'healthConnected':
      case 'healthConnectFailed':
      case 'healthConnectionEnded':
      case 'statusReplied':
      case 'healthReplied':
      case 'healthCallFailed':
        return this.#health.step(input, turn)
      case 'called':
        this.#controller.step(input, turn)
        return this.#graceful.step(input, turn)
      case 'failoverRequested':
        return this.#graceful.step(input, turn)
      case 'stop':
      case 'fenced':
      case 'processRecorded':
      case 'evidence':
      case 'sessionKept':
      case 'cedeRequested':
        return this.#controller.step(input, turn)
      default:
        return unreachable(input)
    }
  }

  #tick(turn: Turn): void {
    this.#elector.onTick(turn)
    this.#controller.onTick(turn)
    this.#graceful.onTick(turn)
    this.#health.onTick(turn)
  }

  #deliver(told: Told, turn: Turn): void {
    switch (told.to) {
      case 'controller':
        return this.#controller.onTold(told.message, turn)
      case 'elector':
        return this.#elector.onTold(told.message, turn)
      case 'graceful':
        return this.#graceful.onTold(told.message, turn)
      case 'health':
        return this.#health.onTold(told.message, turn)
      default:
        return unreachable(told)
    }
  }
}
