import { EventType, FrameDecoder, ReplyHeader, WatcherEvent } from '@baton/jute'
import { frame, Reader } from '@baton/jute'
import type { CloseCause, Connection } from '@baton/runtime'
import { describe, expect, test } from 'vitest'
import { ServerCnxn, type CnxnHost } from '../../src/net/server-cnxn.ts'

const MARK_BYTES = 1000

/** A link in memory: what was sent, in how many writes, and whether it is read. */
class FakeConnection implements Connection {
  readonly remote = { host: '10.0.0.9', port: 4000 }
  readonly local = { host: '10.0.0.1', port: 2181 }
  readonly writes: Buffer[] = []
  queuedBytes = 0
  paused = false
  ended: string | undefined
  onData: (bytes: Uint8Array) => void = () => {}
  onDrain: () => void = () => {}
  onClose: (cause: CloseCause) => void = () => {}
  send(bytes: Uint8Array): boolean {
    this.writes.push(Buffer.from(bytes))
    this.queuedBytes += bytes.length
    return this.queuedBytes <= MARK_BYTES
  }
  pause(): void {
    this.paused = true
  }
  resume(): void {
    this.paused = false
  }
  close(reason?: string): void {
    this.ended = `closed: ${reason}`
  }
  destroy(reason?: string): void {
    this.ended = `destroyed: ${reason}`
  }
}

interface World {
  readonly link: FakeConnection
  readonly cnxn: ServerCnxn
  readonly frames: Buffer[]
  readonly words: string[]
  closedCount: number
  dirty: ServerCnxn[]
  wait: boolean
}

/** Every request is answered with its own bytes. */
function world(): World {
  const link = new FakeConnection()
  const frames: Buffer[] = []
  const words: string[] = []
  const state = { link, frames, words, closedCount: 0, dirty: [] as ServerCnxn[], wait: false }
  const host: CnxnHost = {
    frameBytesMax: 10_000,
    outputQueueBytesMax: 5000,
    skipAcl: false,
    onConnectRequest: (_cnxn, payload) => void frames.push(payload),
    onSessionCreated: () => {},
    onRequest: (cnxn, payload) => {
      frames.push(payload)
      cnxn.beginReply(frames.length, 7).raw(payload)
      cnxn.endReply(0)
    },
    onFourLetterWord: word => {
      words.push(word)
      return `answer to ${word}`
    },
    mustWait: () => state.wait,
    onWaiting: () => {},
    onOutput: cnxn => void state.dirty.push(cnxn),
    onTurnEnd: () => {
      for (const cnxn of state.dirty.splice(0)) cnxn.flush()
    },
    onReply: () => {},
    onClosed: () => void state.closedCount++,
  }
  return Object.assign(state, { cnxn: new ServerCnxn(link, host) })
}

function established(): World {
  const made = world()
  made.link.onData(frame(Buffer.from('connect')))
  made.cnxn.establish(Buffer.from('welcome!'))
  made.cnxn.flush()
  made.dirty.length = 0
  made.frames.length = 0
  made.link.writes.length = 0
  made.link.queuedBytes = 0
  return made
}

function replies(bytes: Buffer): { xid: number; body: string }[] {
  const found: { xid: number; body: string }[] = []
  new FrameDecoder().push(bytes, payload => {
    const reader = new Reader(payload)
    const { xid } = ReplyHeader.read(reader)
    found.push({ xid, body: payload.subarray(reader.offset).toString() })
  })
  return found
}

describe('the first bytes', () => {
  test.each([['ruok'], ['ruok\r\n'], ['srvr and more']])('%j is a word', text => {
    const { link, words } = world()
    link.onData(Buffer.from(text))
    expect(words).toEqual([text.slice(0, 4)])
    expect(Buffer.concat(link.writes).toString()).toBe(`answer to ${text.slice(0, 4)}`)
    expect(link.ended).toContain('closed')
  })

  test('may come one by one', () => {
    const { link, words } = world()
    for (const byte of Buffer.from('mntr')) link.onData(Uint8Array.of(byte))
    expect(words).toEqual(['mntr'])
  })

  test("of telnet's interrupt close without an answer", () => {
    const { link, words } = world()
    link.onData(Buffer.from([0xff, 0xf4, 0xff, 0xfd, 0x06]))
    expect([words, link.ended === undefined]).toEqual([[], false])
  })

  test('that are neither word nor length close', () => {
    const made = world()
    made.link.onData(Buffer.from('GET / HTTP/1.1\r\n'))
    expect(made.link.ended).toContain('frame of')
    expect(made.closedCount).toBe(1)
  })
})

test('nothing behind the connect request is taken up before the session is there', () => {
  const made = world()
  made.link.onData(Buffer.concat([frame(Buffer.from('connect')), frame(Buffer.from('early'))]))
  expect(made.frames.map(String)).toEqual(['connect'])
  expect(made.link.paused).toBe(true)
  made.cnxn.establish(Buffer.from('welcome!'))
  expect(made.frames.map(String)).toEqual(['connect', 'early'])
  expect(made.link.paused).toBe(false)
})

test('all replies of one turn leave in one write', () => {
  const made = established()
  made.link.onData(Buffer.concat(['a', 'b', 'c'].map(text => frame(Buffer.from(text)))))
  expect(made.link.writes).toHaveLength(1)
  expect(replies(Buffer.concat(made.link.writes))).toEqual([
    { xid: 1, body: 'a' },
    { xid: 2, body: 'b' },
    { xid: 3, body: 'c' },
  ])
})

test('a reply with an error has no body', () => {
  const made = established()
  made.cnxn.beginReply(9, 1).string('dropped')
  made.cnxn.endReply(-101)
  made.cnxn.flush()
  const [payload] = made.link.writes
  expect(payload?.length).toBe(20)
  expect(ReplyHeader.read(new Reader(payload ?? Buffer.alloc(0), 4))).toMatchObject({ err: -101 })
})

test('a peer that does not read is read no further, and goes on when it does', () => {
  const made = established()
  const [large, next] = [frame(Buffer.alloc(2000, 'x')), frame(Buffer.from('next'))]
  made.link.onData(Buffer.concat([large, next.subarray(0, 5)]))
  expect(made.link.paused).toBe(true)
  made.link.queuedBytes = 0
  made.link.onDrain()
  expect(made.link.paused).toBe(false)
  made.link.onData(next.subarray(5))
  expect(made.frames.at(-1)?.toString()).toBe('next')
})

test('requests in progress stop the next frame until resume', () => {
  const made = established()
  made.wait = true
  made.link.onData(Buffer.concat([frame(Buffer.from('a')), frame(Buffer.from('b'))]))
  expect(made.frames.map(String)).toEqual(['a'])
  made.wait = false
  made.cnxn.resume()
  expect(made.frames.map(String)).toEqual(['a', 'b'])
})

describe('a watch event', () => {
  const event = { type: EventType.nodeCreated, path: '/p', zxid: 5, encoded: undefined }

  test('is a frame with xid -1 and the state "connected"', () => {
    const made = established()
    made.cnxn.process({ ...event, acl: undefined })
    made.cnxn.flush()
    const reader = new Reader(made.link.writes[0] ?? Buffer.alloc(0), 4)
    expect(ReplyHeader.read(reader)).toEqual({ xid: -1, zxid: 5, err: 0 })
    expect(WatcherEvent.read(reader)).toEqual({ type: 1, state: 3, path: '/p' })
  })

  test('of a znode that the connection may not read is dropped', () => {
    const made = established()
    const acl = [{ perms: 31, id: { scheme: 'ip', id: '10.0.0.8' } }]
    made.cnxn.process({ ...event, acl })
    made.cnxn.flush()
    expect(made.link.writes).toHaveLength(0)
    made.cnxn.process({ ...event, acl: [{ perms: 1, id: { scheme: 'ip', id: '10.0.0.9' } }] })
    made.cnxn.flush()
    expect(made.link.writes).toHaveLength(1)
  })

  test('that would pass the bound of the output resets a peer that never reads', () => {
    const made = established()
    for (let i = 0; i < 500; i++) {
      made.cnxn.process({ ...event, acl: undefined })
      made.cnxn.flush()
    }
    expect(made.link.ended).toContain('destroyed')
    expect(made.closedCount).toBe(1)
    expect(made.link.queuedBytes).toBeLessThan(MARK_BYTES + 5100)
  })
})
