/** The border of the core `client-cnxn.ts`: what it is told and what it wants done. */
import type { Address } from '@baton/runtime'
import type { Operation, Reply } from './operation.ts'
import type { Watch, WatchedEvent } from './watch-manager.ts'
import type { ZooKeeperError } from './zookeeper-error.ts'

/** What a session can be taken up again with, by any process. The password is a secret. */
export interface SessionCredentials {
  readonly id: bigint
  readonly password: Uint8Array
}

/**
 * `connecting`: never connected yet. `disconnected`: was connected, and tries again; the session
 * may live or not, only a server can tell. `expired`, `authFailed` and `closed` are final.
 */
export type SessionState =
  'connecting' | 'connected' | 'disconnected' | 'expired' | 'authFailed' | 'closed'

/** The reason of `closed` after `detach`: where a session stood, it was left standing. */
export const DETACHED = 'detached; the session lives on at the server'

export interface AuthInfo {
  readonly scheme: string
  readonly auth: Uint8Array
}

/** `generation` names the connection attempt that an input belongs to; older ones are ignored. */
export type Input =
  | { readonly kind: 'start' }
  | { readonly kind: 'tick' }
  | { readonly kind: 'connected'; readonly generation: number }
  | { readonly kind: 'data'; readonly generation: number; readonly bytes: Uint8Array }
  | { readonly kind: 'closed'; readonly generation: number; readonly reason: string }
  | {
      readonly kind: 'submit'
      readonly operation: Operation
      readonly reply: Reply<unknown>
    }
  | { readonly kind: 'ping'; readonly reply: Reply<undefined> }
  | { readonly kind: 'addAuth'; readonly auth: AuthInfo; readonly reply: Reply<undefined> }
  | { readonly kind: 'close'; readonly reply: Reply<undefined> }
  | { readonly kind: 'detach' }

export type Effect = LinkEffect | CallEffect

/** On the connection; carried out at once. */
export type LinkEffect =
  | {
      readonly kind: 'connect'
      readonly generation: number
      readonly server: Address
      readonly timeoutMs: number
    }
  | { readonly kind: 'send'; readonly generation: number; readonly bytes: Uint8Array }
  | {
      readonly kind: 'disconnect'
      readonly generation: number
      readonly reason: string
      /** What is queued still goes out. */
      readonly flush: boolean
    }

/** Calls of the user's functions, in wire order. */
export type CallEffect =
  | {
      readonly kind: 'reply'
      readonly reply: Reply<unknown>
      readonly error: ZooKeeperError | undefined
      readonly value: unknown
    }
  | { readonly kind: 'event'; readonly watch: Watch; readonly event: WatchedEvent }
  | { readonly kind: 'state'; readonly state: SessionState; readonly reason: string }
