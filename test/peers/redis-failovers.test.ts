import { isDeepStrictEqual } from 'node:util'
import type { ControllerEvent } from '@baton/zkfc'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { IDS, NAMESERVICE, otherThan, Rig } from '../e2e/rig.ts'
import type { NameNodeId } from '../e2e/rig.ts'
import { until } from '../harness/child.ts'
import { temporaryDirectory } from '../harness/paths.ts'
import { RedisServer } from '../harness/redis.ts'

/*
 * Failovers of real processes whose controllers both write to one Redis, while that Redis is up,
 * hung, gone and back. No failover may feel it, and afterwards the one stream holds both histories,
 * in order, and says how many events are missing where some are.
 */

const PASSWORD = 'not-to-be-logged'
const KEY = `baton:events:${NAMESERVICE}`
/** Shorter than what a failover leaves, so that an outage makes a hole. */
const QUEUE_LENGTH_MAX = 8
const WITHIN_MS = 20_000

const place = temporaryDirectory('redis-failovers')
let redis: RedisServer
let rig: Rig

beforeAll(async () => {
  redis = await RedisServer.start(place.path, PASSWORD)
  rig = await Rig.start('redis-failovers', {
    core: {
      'baton.events.redis.url': redis.url,
      'baton.events.redis.queue-max': String(QUEUE_LENGTH_MAX),
      'baton.events.redis.command-timeout.ms': '300',
    },
  })
})

afterAll(async () => {
  await rig.stop()
  await redis.stop()
  place.remove()
})

/** The active NameNode is killed; ends when the other is active and the killed one is standby. */
async function failOver(): Promise<void> {
  const old = await rig.untilSettled()
  const next = otherThan(old)
  const told = rig.events(next).length
  await rig.nameNode(old).kill()
  await rig.untilActive(next)
  const ended = await rig.untilHeard(next, 'failoverEnded', told)
  expect(ended).toMatchObject({ ok: true })
  rig.startNameNode(old)
  expect(await rig.untilSettled()).toBe(next)
}

interface Entry {
  readonly id: NameNodeId
  readonly source: string
  readonly sequence: number
  readonly event: ControllerEvent
}

async function readHistory(): Promise<readonly Entry[]> {
  const rows = await redis.stream(KEY)
  return rows.map(row => ({
    id: row.get('namenode') as NameNodeId,
    source: row.get('source') ?? '',
    sequence: Number(row.get('sequence')),
    event: JSON.parse(row.get('event') ?? '') as ControllerEvent,
  }))
}

/** All that a controller has told stands in the stream, as far as it will ever. */
async function untilWritten(): Promise<readonly Entry[]> {
  const options = { withinMs: WITHIN_MS, watch: [...rig.controllers.values()] }
  const written = async (): Promise<readonly Entry[] | undefined> => {
    const history = await readHistory()
    const isLast = (id: NameNodeId): boolean =>
      history.some(entry => entry.id === id && entry.sequence === rig.events(id).length)
    return IDS.every(isLast) ? history : undefined
  }
  return until('both histories are in Redis', written, options)
}

/** Events that a `eventsDropped` between two entries of one controller must account for. */
function checkHistoryOf(id: NameNodeId, history: readonly Entry[]): number {
  const own = history.filter(entry => entry.id === id)
  expect(new Set(own.map(entry => entry.source)).size).toBe(1)
  const told = rig.events(id)
  let last = 0
  let saidCount = 0
  let missingCount = 0
  for (const { sequence, event } of own) {
    if (event.kind === 'eventsDropped') {
      saidCount += event.count
      continue
    }
    expect(isDeepStrictEqual(event, told[sequence - 1])).toBe(true)
    // After a lost answer an entry comes twice.
    if (sequence <= last) continue
    missingCount += sequence - last - 1
    last = sequence
    // Said before what comes after the hole. One that was written, but whose answer was lost, may
    // be counted as well.
    expect(saidCount).toBeGreaterThanOrEqual(missingCount)
  }
  expect(last).toBe(told.length)
  return missingCount
}

test('failovers succeed whatever Redis does, and leave one history', async () => {
  await failOver()
  const whole = await untilWritten()
  expect(IDS.map(id => checkHistoryOf(id, whole))).toEqual([0, 0])

  redis.signal('SIGSTOP')
  await failOver()
  redis.signal('SIGCONT')
  await failOver()
  await redis.kill()
  await failOver()
  await Promise.all([redis.start(), failOver()])
  await failOver()

  const history = await untilWritten()
  expect(await redis.keys()).toEqual([KEY])
  const missing = IDS.map(id => checkHistoryOf(id, history))
  expect(Math.max(...missing)).toBeGreaterThan(0)
  for (const id of IDS) expect(rig.controller(id).log).not.toContain(PASSWORD)
})

test('a controller ends although Redis hangs, long before its commands time out', async () => {
  const id = otherThan(await rig.untilSettled())
  await rig.controller(id).stop()
  const told = rig.events(id).length
  rig.startController(id, ['-D', 'baton.events.redis.command-timeout.ms=600000'])
  await rig.untilHeard(id, 'lockHeldByOther', told)
  const controller = rig.controller(id)
  redis.signal('SIGSTOP')
  controller.signal('SIGTERM')
  const ended = (): boolean => controller.exitCode !== undefined
  await until('the controller ends', ended, { withinMs: WITHIN_MS })
  redis.signal('SIGCONT')
  expect(controller.exitCode).toBe(0)
  expect(controller.log).toContain('events were not written to Redis')
})
