/**
 * Keeps each session's order (ZooKeeper 3.9 `CommitProcessor`): a read behind an uncommitted write
 * of its own session waits for that write; reads of other sessions do not. Where a session moves to
 * a new connection its queue stays, so that the first read there sees the writes sent over the old.
 *
 * Invariant between calls: a queue is empty, or a write or sync that was submitted is at its head.
 */
import { assert } from '@baton/runtime'
import type { FinalRequestProcessor } from './final-request-processor.ts'
import type { Proposer } from './proposer.ts'
import { kindOf, type Request } from './request.ts'

/** One session's requests in the order they came, the oldest first. */
export class SessionQueue {
  readonly sessionId: bigint
  /** Reads among them. */
  readsCount = 0
  #requests: Request[] = []
  #head = 0

  constructor(sessionId: bigint) {
    this.sessionId = sessionId
  }

  get length(): number {
    return this.#requests.length - this.#head
  }

  get first(): Request | undefined {
    return this.#requests[this.#head]
  }

  push(request: Request): void {
    this.#requests.push(request)
  }

  shift(): void {
    this.#head++
    if (this.#head < this.#requests.length) return
    this.#requests = []
    this.#head = 0
  }
}

export class CommitProcessor {
  readonly #final: FinalRequestProcessor
  readonly #queues = new Map<bigint, SessionQueue>()
  #heldCount = 0

  constructor(final: FinalRequestProcessor) {
    this.#final = final
  }

  /** Requests that wait, over all sessions. */
  get heldCount(): number {
    return this.#heldCount
  }

  /** The queue of a session, made where there is none. */
  queueOf(sessionId: bigint): SessionQueue {
    let queue = this.#queues.get(sessionId)
    if (queue === undefined) {
      queue = new SessionQueue(sessionId)
      this.#queues.set(sessionId, queue)
    }
    return queue
  }

  /** The session is gone: its queue is forgotten once nothing waits in it. */
  forget(sessionId: bigint): void {
    if (this.#queues.get(sessionId)?.length === 0) this.#queues.delete(sessionId)
  }

  /** A read that must wait; only behind a write. */
  hold(queue: SessionQueue, request: Request): void {
    assert(queue.length > 0, 'a read waits only behind a write')
    queue.push(request)
    queue.readsCount++
    this.#heldCount++
  }

  /** A write or sync: takes its place in the session's order, then goes to be ordered globally. */
  submit(proposer: Proposer, queue: SessionQueue, request: Request): void {
    queue.push(request)
    this.#heldCount++
    proposer.submit(request)
  }

  /** The next in zxid order can no longer be lost: applies it, answers, lets later reads go on. */
  deliver(request: Request): void {
    const queue = this.queueOf(request.sessionId)
    assert(queue.first === request, 'deliveries keep the order in which a session submitted')
    queue.shift()
    this.#heldCount--
    this.#final.apply(request)
    for (;;) {
      const next = queue.first
      if (next === undefined || kindOf(next.type) !== 'read') return
      queue.shift()
      queue.readsCount--
      this.#heldCount--
      this.#final.answerHeld(next)
    }
  }
}
