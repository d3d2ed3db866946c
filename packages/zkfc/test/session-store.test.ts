import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DiskError } from '@baton/runtime'
import type { Disk } from '@baton/runtime'
import { NodeDisk } from '@baton/runtime/node'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SecondInstanceError, SessionStore } from '../src/session-store.ts'
import type { SessionKey, StoredSession } from '../src/session-store.ts'
import { recordingLogger } from './fencing/fake-exec.ts'
import type { LogLine } from './fencing/fake-exec.ts'

const KEY: SessionKey = {
  cluster: 'qjournal://j1;j2;j3/mycluster',
  nameserviceId: 'mycluster',
  namenodeId: 'nn1',
  quorum: 'zk1:2181/hadoop-ha',
  bootId: '11111111-2222-3333-4444-555555555555',
}

const STORED: StoredSession = {
  ...KEY,
  sessionId: -0x7fff_0000_dead_beefn,
  password: Uint8Array.from([0, 1, 2, 254, 255]),
  sessionTimeoutMs: 10_000,
  savedAt: 1_700_000_000_000,
}

let directory = ''
let path = ''
let lines: LogLine[] = []
const stores: SessionStore[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'baton-store-'))
  path = join(directory, 'state', 'session.json')
  lines = []
})

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close()
  await rm(directory, { recursive: true })
})

async function open(disk: Disk = new NodeDisk()): Promise<SessionStore> {
  const store = await SessionStore.open({ disk, logger: recordingLogger(lines) }, path)
  stores.push(store)
  return store
}

/** A disk whose method `name` fails with `code`. */
function failing(name: keyof Disk, code: string): Disk {
  const disk = new NodeDisk()
  return new Proxy<Disk>(disk, {
    get(target, property) {
      if (property === name) return () => Promise.reject(new DiskError(code, path))
      const value = Reflect.get(target, property) as unknown
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

test('what was saved is loaded, also by the next process', async () => {
  const store = await open()
  expect(await store.load(KEY)).toBeUndefined()
  expect(await store.save(STORED)).toBe(true)
  await store.close()
  expect(await (await open()).load(KEY)).toEqual(STORED)
  expect(lines).toEqual([])
})

test('any session survives the file', async () => {
  const store = await open()
  const session = fc.record({
    sessionId: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    password: fc.uint8Array({ maxLength: 16 }),
    sessionTimeoutMs: fc.nat(),
    savedAt: fc.nat(),
  })
  await fc.assert(
    fc.asyncProperty(session, async fields => {
      const stored = { ...KEY, ...fields, password: Uint8Array.from(fields.password) }
      await store.save(stored)
      expect(await store.load(KEY)).toEqual(stored)
    }),
    { numRuns: 30 },
  )
})

test('the file is readable by its owner alone, also where a wider one lay in its way', async () => {
  const store = await open()
  await writeFile(`${path}.tmp`, 'left by somebody', { mode: 0o666 })
  await chmod(`${path}.tmp`, 0o666)
  await store.save(STORED)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(await readdir(join(directory, 'state'))).toEqual(['session.json', 'session.json.lock'])
})

test('a second controller with the same file is refused until the first has ended', async () => {
  const first = await open()
  await expect(open()).rejects.toThrow(SecondInstanceError)
  await expect(open()).rejects.toThrow(path)
  await first.close()
  expect((await open()).usable).toBe(true)
})

test('clear forgets the session, and clearing twice is no error', async () => {
  const store = await open()
  await store.save(STORED)
  expect(await store.clear()).toBe(true)
  expect(await store.clear()).toBe(true)
  expect(await store.load(KEY)).toBeUndefined()
})

test.each(['cluster', 'nameserviceId', 'namenodeId', 'quorum', 'bootId'] as const)(
  'a file with another %s is not used, and the warning names it',
  async field => {
    const store = await open()
    await store.save({ ...STORED, [field]: 'other' })
    expect(await store.load(KEY)).toBeUndefined()
    expect(lines).toMatchObject([{ level: 'warn' }])
    expect(lines[0]?.message).toContain(path)
    expect(lines[0]?.message).toMatch(field === 'bootId' ? /last started/ : /"other"/)
  },
)

test('a file damaged in any byte is not used or says the same', async () => {
  const store = await open()
  await store.save(STORED)
  const whole = await readFile(path)
  for (let at = 0; at < whole.length; at += 7) {
    const damaged = Uint8Array.from(whole)
    damaged[at] = (damaged[at] ?? 0) ^ 0x01
    await writeFile(path, damaged)
    const loaded = await store.load(KEY)
    if (loaded !== undefined) expect(loaded).toEqual(STORED)
  }
  await writeFile(path, whole.subarray(0, whole.length / 2))
  expect(await store.load(KEY)).toBeUndefined()
})

test.each([
  ['[]', /JSON/],
  ['null', /JSON/],
  ['', /JSON/],
  ['{"format":"baton-session-0"}', /format/],
  ['{"format":"baton-session-1","crc32":"00000000","session":{}}', /fields are missing/],
  ['x'.repeat(20_000), /cannot be read/],
])('a file with %.30s is not used', async (content, reason) => {
  const store = await open()
  await writeFile(path, content)
  expect(await store.load(KEY)).toBeUndefined()
  expect(lines[0]?.message).toMatch(reason)
})

test.each(['EROFS', 'EACCES', 'ENOSPC'])('without a lock file (%s) it runs without', async code => {
  const store = await open(failing('lock', code))
  expect(store.usable).toBe(false)
  expect(lines[0]?.message).toMatch(/running without it.*wait for its old lock/)
  expect(await store.save(STORED)).toBe(false)
  expect(await store.load(KEY)).toBeUndefined()
  expect(await store.clear()).toBe(false)
})

test('a full disk is warned of, and the old session stays whole', async () => {
  await (await open()).save(STORED)
  await stores.pop()?.close()
  const store = await open(failing('rename', 'ENOSPC'))
  expect(await store.save({ ...STORED, sessionId: 1n })).toBe(false)
  expect(lines[0]?.message).toContain('may not keep the role')
  expect((await store.load(KEY))?.sessionId).toBe(STORED.sessionId)
})

test('a lock that cannot be given back does not keep the controller from ending', async () => {
  const disk = new Proxy<Disk>(new NodeDisk(), {
    get(target, property) {
      if (property !== 'lock') {
        const value = Reflect.get(target, property) as unknown
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      }
      return () => Promise.resolve({ release: () => Promise.reject(new DiskError('EIO', path)) })
    },
  })
  const store = await open(disk)
  await store.close()
  expect(lines.at(-1)?.message).toContain('could not be given back')
})
