/**
 * One world of a kind, real or simulated: an acceptance suite runs its bodies in it. A simulated
 * world moves its time while a body waits; in the real one time moves by itself.
 */
import type { CloseCause, Connection, Runtime } from '@baton/runtime'

export interface World {
  /** Runs a body as a program of this world; rejects with what the body throws. */
  run(body: (runtime: Runtime) => Promise<void>): Promise<void>
  /** An empty directory for this test. */
  readonly directory: string
  dispose(): Promise<void>
}

export type MakeWorld = () => Promise<World>

/** Makes a world for one body and clears it away. */
export async function inWorld(
  make: MakeWorld,
  body: (runtime: Runtime, world: World) => Promise<void>,
): Promise<void> {
  const world = await make()
  try {
    await world.run(runtime => body(runtime, world))
  } finally {
    await world.dispose()
  }
}

export function elapse(runtime: Runtime, delayMs: number): Promise<void> {
  return new Promise(resolve => {
    runtime.clock.after(delayMs, resolve)
  })
}

/** What came over a connection, and promises for what is still to come. */
export class Recorder {
  readonly connection: Connection
  readonly closed: Promise<CloseCause>
  readonly causes: CloseCause[] = []
  readonly bytes: number[] = []
  drainCount = 0
  #waiting: { readonly count: number; readonly resolve: () => void } | undefined

  constructor(connection: Connection) {
    this.connection = connection
    connection.onData = bytes => {
      for (const byte of bytes) this.bytes.push(byte)
      if (this.bytes.length >= (this.#waiting?.count ?? Infinity)) this.#waiting?.resolve()
    }
    connection.onDrain = () => {
      this.drainCount++
    }
    this.closed = new Promise(resolve => {
      connection.onClose = cause => {
        this.causes.push(cause)
        resolve(cause)
      }
    })
  }

  /** The bytes so far, once there are so many. */
  async until(count: number): Promise<readonly number[]> {
    if (this.bytes.length < count) {
      await new Promise<void>(resolve => {
        this.#waiting = { count, resolve }
      })
    }
    return this.bytes
  }
}

export async function rejectionCode(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
  return 'resolved'
}
