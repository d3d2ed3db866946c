import { parseFencingMethods } from './fencing-grammar.ts'
import { BadFencingConfigurationError } from './fence-method.ts'
import type {
  FenceAttempt,
  FenceMethod,
  FenceResult,
  FenceRole,
  FenceTarget,
  FencingConfiguration,
  FencingRuntime,
  FencingSurroundings,
} from './fence-method.ts'
import { METHOD_FACTORIES } from './method-factories.ts'

/*
 * Runs the configured fencing methods against one NameNode (twin of Java's NodeFencer).
 *
 * The order is the operator's and is kept: one method at a time, the next only after the last has
 * really ended (its process group is dead), the first that says *fenced* ends the run. Racing them
 * would let a slow power-off hit a host that a quick method has already made safe and that has
 * since been started again. An abort, the controller's session being gone, kills the method at work
 * and starts no other: the failover belongs to someone else now.
 */

export const FENCING_METHODS_KEY = 'dfs.ha.fencing.methods'

export interface FenceOptions {
  readonly signal: AbortSignal
  /** Default `zkfc`. */
  readonly role?: FenceRole
  /** Told of each attempt as soon as it has ended; `number` counts from 1. */
  readonly onAttempt?: (attempt: FenceAttempt, number: number) => void
}

export class NodeFencer {
  readonly #methods: readonly FenceMethod[]
  readonly #runtime: FencingRuntime

  private constructor(methods: readonly FenceMethod[], runtime: FencingRuntime) {
    this.#methods = methods
    this.#runtime = runtime
  }

  /**
   * From the configuration of the NameNode to be fenced, its suffixed keys promoted. Throws
   * `BadFencingConfigurationError` naming the key, the line and what is wrong with it. An
   * empty list passes, as in Java, and is warned of: such a fencer never succeeds.
   */
  static create(
    conf: FencingConfiguration,
    runtime: FencingRuntime,
    surroundings: FencingSurroundings = {},
  ): NodeFencer {
    const value = conf.get(FENCING_METHODS_KEY)
    if (value === undefined) {
      throw new BadFencingConfigurationError(
        `No fencer configured: ${FENCING_METHODS_KEY} is not set. Set it to sshfence, ` +
          'shell(...) or several of them, one a line',
      )
    }
    const lines = parseFencingMethods(value)
    const methods = lines.map(line =>
      METHOD_FACTORIES[line.name](line, conf, runtime, surroundings),
    )
    if (methods.length === 0) {
      const { namenodeId } = surroundings
      const who = namenodeId ?? 'this NameNode'
      runtime.logger.warn(
        { key: FENCING_METHODS_KEY, namenodeId },
        `${FENCING_METHODS_KEY} names no method: ${who} can never be fenced, so no failover from ` +
          'it will happen unless it steps down by itself. Name at least one method',
      )
    }
    return new NodeFencer(methods, runtime)
  }

  get methodCount(): number {
    return this.#methods.length
  }

  /** Never rejects for what a method does; `ok` only if one method said *fenced*. */
  fence(target: FenceTarget, options: FenceOptions): Promise<FenceResult> {
    return this.#run([{ target, role: options.role ?? 'zkfc' }], options)
  }

  /**
   * The manual `haadmin -failover`: a method counts only if it succeeds for the node that becomes
   * active and then for the one that becomes standby (Java, HDFS-14090). A method that would kill
   * the former, sshfence, is left out for it.
   */
  fenceBoth(
    nodes: { readonly becomingActive: FenceTarget; readonly becomingStandby: FenceTarget },
    options: Omit<FenceOptions, 'role'>,
  ): Promise<FenceResult> {
    const tasks: readonly Task[] = [
      { target: nodes.becomingActive, role: 'becomingActive' },
      { target: nodes.becomingStandby, role: 'becomingStandby' },
    ]
    return this.#run(tasks, options)
  }

  async #run(tasks: readonly Task[], options: FenceOptions): Promise<FenceResult> {
    const { logger } = this.#runtime
    const attempts: FenceAttempt[] = []
    logger.info(logFields(tasks), '====== Beginning Service Fencing Process... ======')
    for (const [index, method] of this.#methods.entries()) {
      const number = index + 1
      const applicable = tasks.filter(task => method.appliesTo(task.role))
      let fencedCount = 0
      for (const task of applicable) {
        if (options.signal.aborted) break
        const trying = `Trying method ${number}/${this.methodCount}: ${method.javaText}`
        logger.info(logFields([task]), trying)
        const attempt = await this.#tryMethod(method, task, options.signal)
        attempts.push(attempt)
        options.onAttempt?.(attempt, number)
        if (!attempt.ok) {
          const text = `Fencing method ${method.javaText} was unsuccessful: ${attempt.cause}`
          logger.warn(logFields([task]), text)
          break
        }
        fencedCount += 1
      }
      if (fencedCount > 0 && fencedCount === applicable.length) {
        const text = `====== Fencing successful by method ${method.javaText} ======`
        logger.info(logFields(tasks), text)
        return { ok: true, attempts }
      }
    }
    const why = options.signal.aborted ? ' Fencing was called off.' : ''
    logger.error(logFields(tasks), `Unable to fence service by any configured method.${why}`)
    return { ok: false, attempts }
  }

  async #tryMethod(method: FenceMethod, task: Task, signal: AbortSignal): Promise<FenceAttempt> {
    const { clock } = this.#runtime
    const startedAt = clock.now()
    const verdict = await method.tryFence({ ...task, signal })
    // The caller has given up the failover: a success that comes now must not let it go on.
    const late = verdict.ok && signal.aborted
    return {
      ...verdict,
      ok: verdict.ok && !late,
      cause: late ? `called off (the method itself said: ${verdict.cause})` : verdict.cause,
      method: method.text,
      target: task.target.addressText,
      durationMs: clock.now() - startedAt,
    }
  }
}

interface Task {
  readonly target: FenceTarget
  readonly role: FenceRole
}

function logFields(tasks: readonly Task[]): object {
  const [first] = tasks
  return {
    nameserviceId: first?.target.nameserviceId,
    target: tasks.map(task => task.target.namenodeId).join(','),
  }
}
