import { IpcError } from '@baton/hadoop'
import type { IpcClient, IpcConnection } from '@baton/hadoop'
import type { Address, CloseCause } from '@baton/runtime'
import { describe, expect, test } from 'vitest'
import { HaServiceClient } from '../../src/rpc/ha-service-client.ts'
import type { NameNodeReport } from '../../src/rpc/ha-service-client.ts'

const ADDRESS: Address = { host: '127.0.0.1', port: 8020 }

/** As the real one: the end of a link that has ended already is told the moment it is asked for. */
class EndedConnection implements IpcConnection {
  readonly remote = ADDRESS
  readonly local = ADDRESS

  set onClose(run: (cause: CloseCause) => void) {
    run({ kind: 'reset' })
  }

  call(): Promise<never> {
    return Promise.reject(new IpcError('reset', ADDRESS, 'the connection broke'))
  }

  close(): void {}
}

/** What a health connect to a NameNode leads to whose connect ends as `open` says. */
async function reportsOf(open: () => Promise<IpcConnection>): Promise<readonly NameNodeReport[]> {
  const reports: NameNodeReport[] = []
  const addresses = { address: ADDRESS, healthAddress: ADDRESS }
  const client = new HaServiceClient({ open } as unknown as IpcClient, addresses, report => {
    reports.push(report)
    if (report.kind === 'healthConnected') client.askStatus(2)
  })
  client.connectHealth(1, 1000)
  await new Promise(setImmediate)
  return reports
}

describe('the health connection', () => {
  test('one that is over when it is handed over is told as new first, as ended then', async () => {
    expect(await reportsOf(() => Promise.resolve(new EndedConnection()))).toEqual([
      { kind: 'healthConnected', id: 1 },
      { kind: 'healthConnectionEnded', id: 1, how: 'reset' },
    ])
  })

  const failures = [
    ['refused', 'refused'],
    ['reset', 'reset'],
    ['connectTimeout', 'timeout'],
    ['unreachable', 'other'],
    ['unknownHost', 'other'],
  ] as const
  test.each(failures)('a connect that fails with %s is told as %s', async (code, how) => {
    const error = new IpcError(code, ADDRESS, 'why')
    expect(await reportsOf(() => Promise.reject(error))).toEqual([
      { kind: 'healthConnectFailed', id: 1, how, text: 'why' },
    ])
  })
})
