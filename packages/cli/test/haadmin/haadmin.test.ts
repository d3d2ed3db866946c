import { ServiceException } from '@baton/hadoop'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { run, type Ran, type RunOptions } from '../test-io.ts'
import { ScriptedCluster } from './scripted-cluster.ts'

const FENCER = { 'dfs.ha.fencing.methods': 'shell(/bin/true)' }
const SERVICE_FAILED = 'org.apache.hadoop.ha.ServiceFailedException'
const HEALTH_FAILED = 'org.apache.hadoop.ha.HealthCheckFailedException'

let cluster: ScriptedCluster
beforeEach(async () => {
  cluster = await ScriptedCluster.start()
})
afterEach(() => cluster.stop())

const manual = (args: string, more = {}, options: RunOptions = {}): Promise<Ran> =>
  run(['haadmin', ...cluster.words(false, more), ...args.split(' ')], options)
const automatic = (args: string, more = {}, options: RunOptions = {}): Promise<Ran> =>
  run(['haadmin', ...cluster.words(true, more), ...args.split(' ')], options)
const at = (id: 'nn1' | 'nn2'): RegExp =>
  new RegExp(`NameNode at \\S*/127.0.0.1:${cluster[id].address.port}`)
const failure = (className: string, text = 'told so'): ServiceException =>
  new ServiceException(className, text)

describe('transitions by hand', () => {
  test('to active: asks the other, sends it, reads the state back, says nothing', async () => {
    cluster.nn1.state = 'standby'
    expect(await manual('-transitionToActive nn2')).toEqual({ rc: 0, stdout: '', stderr: '' })
    expect(cluster.calls).toEqual([
      'nn1 getServiceStatus',
      'nn2 transitionToActive user',
      'nn2 getServiceStatus',
    ])
    expect([...cluster.nn2.callerContexts]).toEqual(['CLI'])
    expect([...cluster.nn2.users]).toEqual(['hdfs'])
  })

  test('HADOOP_USER_NAME is who we say we are', async () => {
    await manual('-transitionToStandby nn1', {}, { env: { HADOOP_USER_NAME: 'operator' } })
    expect([...cluster.nn1.users]).toEqual(['operator'])
  })

  test('to active is refused while another is active', async () => {
    const found = await manual('-transitionToActive nn2')
    expect(found.rc).toBe(255)
    expect(found.stderr).toBe(
      'transitionToActive: Node nn1 is already active\nUsage: haadmin [-ns <nameserviceId>]' +
        ' [-transitionToActive [--forceactive] <serviceId>]\n',
    )
    expect(cluster.calls).toEqual(['nn1 getServiceStatus'])
  })

  test('to active is refused while another cannot be asked, unless --forceactive', async () => {
    await cluster.nn1.stop()
    const refused = await manual('-transitionToActive nn2')
    expect(refused.rc).toBe(255)
    expect(refused.stderr).toMatch(/^Unexpected error occurred {2}.*127\.0\.0\.1.*\nUsage: /)
    expect((await manual('-transitionToActive nn2 --forceactive')).rc).toBe(0)
    expect(cluster.calls).toEqual(['nn2 transitionToActive user', 'nn2 getServiceStatus'])
  })

  test('success is not said of a NameNode that did not move', async () => {
    cluster.nn1.obeys = false
    const found = await manual('-transitionToStandby nn1')
    expect(found.rc).toBe(255)
    expect(found.stderr).toMatch(/^Operation failed: .* said that it is active, expected standby/)
  })

  test('what the NameNode answers is shown', async () => {
    cluster.nn1.failures.set('transitionToStandby', failure(SERVICE_FAILED, 'not now\n\tat x.Y'))
    const found = await manual('-transitionToStandby nn1')
    expect(found).toEqual({ rc: 255, stdout: '', stderr: 'Operation failed: not now\n\tat x.Y\n' })
  })

  test('to observer, and the words for its refusal', async () => {
    expect(await manual('-transitionToObserver nn2')).toEqual({ rc: 0, stdout: '', stderr: '' })
    cluster.nn2.failures.set('transitionToObserver', failure(SERVICE_FAILED))
    const found = await manual('-transitionToObserver nn2')
    expect(found).toEqual({ rc: 255, stdout: '', stderr: 'transitionToObserver failed! told so\n' })
  })

  test('--forcemanual sends it as forced once confirmed', async () => {
    const found = await automatic(
      '-transitionToStandby nn1 -forcemanual',
      {},
      { stdin: ['what', 'yes'] },
    )
    expect(found.rc).toBe(0)
    expect(found.stderr).toMatch(/\(Y or N\) Invalid input: what\n.*\(Y or N\) WARN: Proceeding/s)
    expect(cluster.calls[0]).toBe('nn1 transitionToStandby userForced')
  })

  test('--forcemanual on a closed standard input ends, and nothing is sent', async () => {
    const found = await automatic('-transitionToStandby --forcemanual nn1')
    expect(found.rc).toBe(255)
    expect(found.stderr).toMatch(/Standard input is closed, taken as N\.\nAborted\n$/)
    expect(cluster.calls).toEqual([])
  })
})

describe('-failover by hand', () => {
  test('steps the old one down, then activates the new one; nothing is fenced', async () => {
    const fencer = { 'dfs.ha.fencing.methods': 'shell(/bin/false)' }
    const found = await manual('-failover nn1 nn2', fencer)
    expect(found).toEqual({ rc: 0, stdout: 'Failover from nn1 to nn2 successful\n', stderr: '' })
    expect(cluster.calls).toEqual([
      'nn2 getServiceStatus',
      'nn2 monitorHealth',
      'nn1 transitionToStandby user',
      'nn2 transitionToActive user',
      'nn2 getServiceStatus',
    ])
  })

  test('fences where the old one does not step down', async () => {
    await cluster.nn1.stop()
    const found = await manual('-failover nn1 nn2', FENCER)
    expect(found.rc).toBe(0)
    expect(found.stderr).toMatch(/WARN: Unable to gracefully make .* standby/)
    expect(found.stderr).toMatch(/Fencing successful by method/)
    expect(cluster.nn2.state).toBe('active')
  })

  test('does not activate where fencing failed', async () => {
    await cluster.nn1.stop()
    const found = await manual('-failover nn1 nn2', {
      'dfs.ha.fencing.methods': 'shell(/bin/false)',
    })
    expect(found.rc).toBe(255)
    expect(found.stderr).toMatch(
      /Failover failed: Unable to fence NameNode at .*\. Fencing failed\.\n$/,
    )
    expect(cluster.nn2.state).toBe('standby')
  })

  test('--forcefence fences in spite of a graceful step', async () => {
    const bad = { 'dfs.ha.fencing.methods': 'shell(/bin/false)' }
    expect((await manual('-failover --forcefence nn1 nn2', bad)).rc).toBe(255)
    expect(cluster.calls).not.toContain('nn2 transitionToActive user')
    expect((await manual('-failover --forcefence nn1 nn2', FENCER)).rc).toBe(0)
  })

  test('fails back, the target fenced, where it did not become active', async () => {
    cluster.nn2.failures.set('transitionToActive', failure(SERVICE_FAILED))
    const found = await manual('-failover nn1 nn2', FENCER)
    expect(found.rc).toBe(255)
    expect(found.stderr).toMatch(at('nn2'))
    expect(found.stderr).toMatch(/Failover failed: Unable to failover to NameNode at [^.]*\.\S+\n$/)
    expect(cluster.nn1.state).toBe('active')
    expect(cluster.calls.slice(-5)).toEqual([
      'nn1 getServiceStatus',
      'nn1 monitorHealth',
      'nn2 transitionToStandby user',
      'nn1 transitionToActive user',
      'nn1 getServiceStatus',
    ])
  })

  test('says so where the failback failed too', async () => {
    cluster.nn1.failures.set('transitionToActive', failure(SERVICE_FAILED))
    cluster.nn2.failures.set('transitionToActive', failure(SERVICE_FAILED))
    const found = await manual('-failover nn1 nn2', FENCER)
    expect(found.stderr).toMatch(
      /Failover failed: Unable to failover to .*\. Failback to .* failed \(/,
    )
  })

  test('a fenced old active is not failed back to', async () => {
    cluster.nn2.failures.set('transitionToActive', failure(SERVICE_FAILED))
    const found = await manual('-failover --forcefence nn1 nn2', FENCER)
    expect(found.rc).toBe(255)
    expect(cluster.calls).not.toContain('nn1 transitionToActive user')
  })

  test.each<readonly [string, string, () => void, RegExp]>([
    ['itself', 'nn1 nn1', () => {}, /^Failover failed: Can't failover a service to itself\n$/],
    [
      'an active one',
      'nn2 nn1',
      () => {},
      /^Failover failed: Can't failover to an active service\n$/,
    ],
    [
      'one that is not ready',
      'nn1 nn2',
      () => (cluster.nn2.notReadyReason = 'in safe mode'),
      /^Failover failed: NameNode at \S+ is not ready to become active: in safe mode\n$/,
    ],
    [
      'an unhealthy one',
      'nn1 nn2',
      () => cluster.nn2.failures.set('monitorHealth', failure(HEALTH_FAILED)),
      /Failover failed: Can't failover to an unhealthy service\n$/,
    ],
    [
      'one that cannot be asked for its health',
      'nn1 nn2',
      () => cluster.nn2.failures.set('monitorHealth', failure('java.io.IOException')),
      /Failover failed: Got an IO exception\n$/,
    ],
  ])('to %s is refused before anything is changed', async (_, ids, arrange, expected) => {
    arrange()
    const found = await manual(`-failover ${ids}`, FENCER)
    expect(found.rc).toBe(255)
    expect(found.stderr).toMatch(expected)
    expect(cluster.calls.join()).not.toMatch(/transition/)
  })

  test('to one that is down is refused', async () => {
    await cluster.nn2.stop()
    const found = await manual('-failover nn1 nn2', FENCER)
    expect(found.stderr).toMatch(
      /Failover failed: Unable to get service state for NameNode at \S+\n$/,
    )
    expect(cluster.calls).toEqual([])
  })

  test('--forceactive overrides only readiness', async () => {
    cluster.nn2.notReadyReason = 'in safe mode'
    const found = await manual('-failover --forceactive nn1 nn2', FENCER)
    expect(found.rc).toBe(0)
    expect(found.stderr).toMatch(/not ready to become active, but forcing: in safe mode/)
  })

  test('without a fencing method, or with a bad one', async () => {
    const none = await manual('-failover nn1 nn2')
    expect(none.stderr).toMatch(
      /^Illegal argument: failover requires a fencer: .*dfs\.ha\.fencing\.methods/,
    )
    const bad = await manual('-failover nn1 nn2', { 'dfs.ha.fencing.methods': 'shell()' })
    expect(bad.rc).toBe(255)
    expect(bad.stderr).toMatch(/^Illegal argument: failover requires a fencer/)
    expect(cluster.calls).toEqual([])
  })
})

describe('-failover through the controllers', () => {
  test('what the controller answers is shown', async () => {
    cluster.nn2.failures.set('gracefulFailover', failure(SERVICE_FAILED, 'not healthy'))
    const found = await automatic('-failover nn1 nn2')
    expect(found).toEqual({ rc: 255, stdout: '', stderr: 'Operation failed: not healthy\n' })
  })

  test('success is said only once the target answers active', async () => {
    const found = await automatic('-failover nn1 nn2')
    expect(found.rc).toBe(255)
    expect(found.stderr).toMatch(/said that it is standby, expected active/)
  })

  test('a controller that is down is told by its NameNode, its key and its program', async () => {
    await cluster.nn2.stopController()
    const found = await automatic('-failover nn1 nn2')
    expect(found.rc).toBe(255)
    const address = `127.0.0.1:${cluster.nn2.zkfcAddress.port}`
    expect(found.stderr).toBe(
      `Operation failed: could not connect to ${address}: ECONNREFUSED\n` +
        `${address} is the controller of nn2 (dfs.ha.zkfc.port): ` +
        'is `baton zkfc` running there?\n',
    )
  })
})
