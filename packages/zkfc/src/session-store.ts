import { DiskError, parentDirectory, readFile } from '@baton/runtime'
import type { Disk, DiskLock, Runtime } from '@baton/runtime'

/*
 * The one file that lets a restarted controller take its ZooKeeper session up again, and with it
 * the lock and the role. Who can read it can take the session over, so the disk makes it with mode
 * 0600 and it is written aside *exclusively*: a file left there with wider rights is removed, not
 * reused. The lock beside it (`<path>.lock`) is held for the life of the process: two controllers
 * for one NameNode with one session would fight over a single connection at the server.
 *
 * What is read back is used only if it is whole (checksum) and about the very same thing: cluster,
 * nameservice, NameNode, quorum, boot of this host. Anything else is as good as no file, with a
 * warning that names it. Age is not judged by the clock: a session stays alive as long as its
 * controller pings, the file is written once per session, and only the server knows whether it
 * still lives. A wrong guess costs one refused re-attach; a wrong clock must not cost the role.
 *
 * Where the directory cannot be written the controller runs without: a restart then waits for the
 * old lock to expire, and a second instance is not noticed here.
 */

/** What a stored session is bound to; all must match. */
export interface SessionKey {
  /** Any text that tells clusters apart, such as the shared edits URI. */
  readonly cluster: string
  readonly nameserviceId: string
  readonly namenodeId: string
  /** `ha.zookeeper.quorum` with the parent znode, as configured. */
  readonly quorum: string
  /** The kernel's boot id: after a reboot the NameNode the role was held for is gone. */
  readonly bootId: string
}

export interface StoredSession extends SessionKey {
  readonly sessionId: bigint
  readonly password: Uint8Array
  /** As negotiated, ms. */
  readonly sessionTimeoutMs: number
  /** Wall time of the write, for people. */
  readonly savedAt: number
}

/** Another process holds the lock of this state file. */
export class SecondInstanceError extends Error {
  override readonly name = 'SecondInstanceError'
  readonly path: string
  constructor(path: string) {
    super(
      `another controller is running with the state file ${path}: stop it first, or give ` +
        'this one a state directory of its own if it is for another NameNode',
    )
    this.path = path
  }
}

const FORMAT = 'baton-session-1'
const FILE_BYTES_MAX = 16 * 1024
const PASSWORD_BYTES_MAX = 256

export class SessionStore {
  readonly path: string
  /** False: the directory cannot be used, nothing is kept and nothing found. */
  readonly usable: boolean
  readonly #runtime: Pick<Runtime, 'disk' | 'logger'>
  readonly #lock: DiskLock | undefined
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(
    runtime: Pick<Runtime, 'disk' | 'logger'>,
    path: string,
    lock: DiskLock | undefined,
  ) {
    this.#runtime = runtime
    this.path = path
    this.#lock = lock
    this.usable = lock !== undefined
  }

  /** Makes the directory where needed and takes the lock. Rejects with `SecondInstanceError`. */
  static async open(
    runtime: Pick<Runtime, 'disk' | 'logger'>,
    path: string,
  ): Promise<SessionStore> {
    try {
      await runtime.disk.makeDirectory(parentDirectory(path))
      return new SessionStore(runtime, path, await runtime.disk.lock(`${path}.lock`))
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      if (error.code === 'ELOCKED') throw new SecondInstanceError(path)
      runtime.logger.warn(
        { path, code: error.code },
        `cannot use the state file ${path} (${error.message}): running without it. A restart of ` +
          'this controller will wait for its old lock to expire instead of keeping the role, and ' +
          'a second controller for this NameNode is not noticed. Make the directory writable.',
      )
      return new SessionStore(runtime, path, undefined)
    }
  }

  /** The session stored for exactly this key, or undefined; a file that is no use is warned of. */
  load(key: SessionKey): Promise<StoredSession | undefined> {
    return this.#inTurn(async () => {
      if (!this.usable) return undefined
      try {
        const bytes = await readFile(this.#runtime.disk, this.path, FILE_BYTES_MAX)
        if (bytes === undefined) return undefined
        return this.#judge(bytes, key)
      } catch (error) {
        if (!(error instanceof DiskError)) throw error
        return this.#ignored(`it cannot be read (${error.message})`)
      }
    })
  }

  /** Durable once it resolves true. False: it could not be written, which was warned of. */
  save(stored: StoredSession): Promise<boolean> {
    return this.#inTurn(async () => {
      if (!this.usable) return false
      try {
        await replaceExclusively(this.#runtime.disk, this.path, encode(stored))
        return true
      } catch (error) {
        return this.#failed('written', error)
      }
    })
  }

  /** Forgets the session; durable once it resolves true. */
  clear(): Promise<boolean> {
    return this.#inTurn(async () => {
      if (!this.usable) return false
      try {
        await removeIfThere(this.#runtime.disk, this.path)
        await this.#runtime.disk.syncDirectory(parentDirectory(this.path))
        return true
      } catch (error) {
        return this.#failed('removed', error)
      }
    })
  }

  /** Releases the lock, after what was begun has ended. The file stays. */
  close(): Promise<void> {
    return this.#inTurn(async () => {
      try {
        await this.#lock?.release()
      } catch (error) {
        // The process is about to end, and the kernel drops the lock with it.
        if (!(error instanceof DiskError)) throw error
        const fields = { path: this.path, code: error.code }
        this.#runtime.logger.warn(fields, `the lock of ${this.path} could not be given back`)
      }
    })
  }

  #judge(bytes: Uint8Array, key: SessionKey): StoredSession | undefined {
    const stored = decode(bytes)
    if (typeof stored === 'string') return this.#ignored(stored)
    const foreign = KEY_FIELDS.find(field => stored[field] !== key[field])
    if (foreign === undefined) return stored
    if (foreign === 'bootId') {
      return this.#ignored('it was written before this host was last started')
    }
    return this.#ignored(
      `it is for ${foreign} "${stored[foreign]}", this controller has "${key[foreign]}"`,
    )
  }

  #ignored(reason: string): undefined {
    this.#runtime.logger.warn(
      { path: this.path },
      `the state file ${this.path} is not used: ${reason}. Starting with a new session`,
    )
    return undefined
  }

  #failed(what: string, error: unknown): false {
    if (!(error instanceof DiskError)) throw error
    this.#runtime.logger.warn(
      { path: this.path, code: error.code },
      `the state file ${this.path} could not be ${what} (${error.message}): ` +
        'a restart of this controller may not keep the role',
    )
    return false
  }

  /** One at a time, in the order of the calls. */
  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(run)
    // The chain goes on after a failure; the failure itself reaches the caller through `result`.
    this.#turn = result.then(
      () => undefined,
      () => undefined,
    )
    return result
  }
}

const KEY_FIELDS = ['cluster', 'nameserviceId', 'namenodeId', 'quorum', 'bootId'] as const

async function replaceExclusively(disk: Disk, path: string, content: Uint8Array): Promise<void> {
  const aside = `${path}.tmp`
  await removeIfThere(disk, aside)
  const file = await disk.open(aside, 'create')
  try {
    await file.append(content)
    await file.sync()
  } finally {
    await file.close()
  }
  await disk.rename(aside, path)
  await disk.syncDirectory(parentDirectory(path))
}

async function removeIfThere(disk: Disk, path: string): Promise<void> {
  try {
    await disk.remove(path)
  } catch (error) {
    if (!(error instanceof DiskError) || error.code !== 'ENOENT') throw error
  }
}

/** The fields in the order in which the checksum covers them. */
interface SessionFields extends SessionKey {
  readonly sessionId: string
  readonly password: string
  readonly sessionTimeoutMs: number
  readonly savedAt: number
}

function encode(stored: StoredSession): Uint8Array {
  const session = inOrder({
    ...stored,
    sessionId: `0x${BigInt.asUintN(64, stored.sessionId).toString(16)}`,
    password: toHex(stored.password),
  })
  const text = JSON.stringify({ format: FORMAT, crc32: checksumOf(session), session }, null, 2)
  return new TextEncoder().encode(text + '\n')
}

/** The session, or why it is none. Takes any bytes. */
function decode(bytes: Uint8Array): StoredSession | string {
  const outer = parseObject(new TextDecoder().decode(bytes))
  if (outer === undefined) return 'it is damaged (not JSON)'
  if (outer['format'] !== FORMAT) return `its format is not ${FORMAT}`
  const raw = asObject(outer['session'])
  if (raw === undefined || !isSessionFields(raw)) return 'it is damaged (fields are missing)'
  const session = inOrder(raw)
  if (checksumOf(session) !== outer['crc32']) return 'it is damaged (wrong checksum)'
  return {
    ...session,
    sessionId: BigInt.asIntN(64, BigInt(session.sessionId)),
    password: fromHex(session.password),
  }
}

function inOrder(fields: SessionFields): SessionFields {
  return {
    cluster: fields.cluster,
    nameserviceId: fields.nameserviceId,
    namenodeId: fields.namenodeId,
    quorum: fields.quorum,
    bootId: fields.bootId,
    sessionId: fields.sessionId,
    password: fields.password,
    sessionTimeoutMs: fields.sessionTimeoutMs,
    savedAt: fields.savedAt,
  }
}

function isSessionFields(
  raw: Record<string, unknown>,
): raw is Record<string, unknown> & SessionFields {
  const { sessionId, password, sessionTimeoutMs, savedAt } = raw as Partial<SessionFields>
  return (
    KEY_FIELDS.every(field => typeof raw[field] === 'string') &&
    typeof sessionId === 'string' &&
    /^0x[0-9a-f]{1,16}$/.test(sessionId) &&
    typeof password === 'string' &&
    /^(?:[0-9a-f]{2})*$/.test(password) &&
    password.length <= 2 * PASSWORD_BYTES_MAX &&
    Number.isSafeInteger(sessionTimeoutMs) &&
    Number.isFinite(savedAt)
  )
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    return asObject(JSON.parse(text))
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], pair => Number.parseInt(pair, 16))
}

/** CRC-32 (IEEE): against torn writes and careless editing, not against an attacker. */
function checksumOf(session: SessionFields): string {
  let crc = 0xffff_ffff
  for (const byte of new TextEncoder().encode(JSON.stringify(session))) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb8_8320 : 0)
  }
  return ((crc ^ 0xffff_ffff) >>> 0).toString(16).padStart(8, '0')
}
