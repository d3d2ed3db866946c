import { StatResponse } from '@baton/jute'
import { expect, test } from 'vitest'
import { CoreBench } from '../core-bench.ts'
import { reply, STAT } from '../wire.ts'

test('a reply acknowledges the moment of its request’s sending, not of its own coming', () => {
  const bench = new CoreBench({})
  bench.goLive()
  bench.now = 100
  bench.submit({ kind: 'setData', path: '/a', data: null })
  bench.now = 2000
  bench.data(reply(1, { body: [StatResponse, { stat: STAT }] }))
  expect(bench.core.conversation.lastAcknowledgedSendMs).toBe(100)
  expect(bench.core.lastHeardMs).toBe(2000)
})
