import { spawnSync } from 'node:child_process'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Configuration, promoteKeys } from '@baton/hadoop'
import { createNodeRuntime } from '@baton/runtime/node'
import { parseZooCfg } from '@baton/server'
import { NodeFencer } from '@baton/zkfc'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

/** The files of deploy/, as a newcomer copies them. */

const DEPLOY = new URL('../../deploy/', import.meta.url).pathname
const runtime = createNodeRuntime()

test('the sample sites load, and their fencing passes the start check', async () => {
  const warnings: string[] = []
  const warn = (text: string): number => warnings.push(text)
  const conf = await Configuration.load({ directory: DEPLOY, disk: runtime.disk, env: {}, warn })
  const promoted = promoteKeys(conf, 'mycluster', 'nn1')
  expect(promoted.getTrimmed('dfs.namenode.rpc-address')).toBe('nn1.example.com:8020')
  expect(NodeFencer.create(promoted, runtime).methodCount).toBe(2)
  expect(warnings).toEqual([])
})

test('the sample zoo.cfg is one of the server', async () => {
  const text = await readFile(join(DEPLOY, 'zoo.cfg'), 'utf8')
  expect(() => parseZooCfg(text, 'zoo.cfg')).not.toThrow()
})

test('a restart keeps the role and a stop hands it over: the signals of the unit', async () => {
  const unit = await readFile(join(DEPLOY, 'systemd/baton-zkfc.service'), 'utf8')
  const setting = (name: string): string | undefined =>
    new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1]
  expect(setting('KillSignal')).toBe('SIGUSR2')
  expect(setting('RestartKillSignal')).toBe('SIGTERM')
  expect(setting('KillMode')).toBe('mixed')
  expect(setting('Restart')).toBe('always')
  expect(setting('After')).toContain('hadoop-hdfs-namenode.service')
})

test('a start that cannot succeed is not repeated, a missing service is waited for', async () => {
  const unit = await readFile(join(DEPLOY, 'systemd/baton-zkfc.service'), 'utf8')
  expect(unit).toMatch(/^RestartPreventExitStatus=3 4 5$/m)
  const seconds = (name: string): number =>
    Number(new RegExp(`^${name}=(\\d+)s?$`, 'm').exec(unit)?.[1])
  const { interval, burst } = {
    interval: seconds('StartLimitIntervalSec'),
    burst: seconds('StartLimitBurst'),
  }
  // Exit code 6 comes after a session time-out, of at least 4 s here; 1 comes at once.
  expect(interval / (4 + seconds('RestartSec'))).toBeLessThan(burst)
  expect(interval / (1 + seconds('RestartSec'))).toBeGreaterThan(burst)
})

test('the units name documentation that is copied with the program', async () => {
  for (const unit of ['baton-zkfc.service', 'baton-server.service']) {
    const text = await readFile(join(DEPLOY, 'systemd', unit), 'utf8')
    const path = /^Documentation=file:\/opt\/baton\/(.*)$/m.exec(text)?.[1] ?? 'none'
    expect((await stat(join(DEPLOY, '..', path))).isFile()).toBe(true)
  }
})

describe('the fencing examples', () => {
  let directory = ''
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'baton-deploy-'))
  })
  afterEach(() => rm(directory, { recursive: true }))

  /** A program of that name, before all others, that runs `body`. */
  async function program(name: string, body: string): Promise<void> {
    await writeFile(join(directory, name), `#!/bin/bash\n${body}\n`)
    await chmod(join(directory, name), 0o755)
  }

  function run(
    script: string,
    variables: Record<string, string>,
  ): { readonly status: number | null; readonly output: string } {
    const env = { PATH: `${directory}:${process.env['PATH'] ?? ''}`, ...variables }
    const command = ['-e', '-c', join(DEPLOY, 'fencing', script)]
    const ended = spawnSync('bash', command, {
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    return { status: ended.status, output: ended.stdout + ended.stderr }
  }

  const target = {
    target_host: 'nn1.example.com',
    target_address: 'nn1.example.com/192.0.2.1:8020',
  }

  test('can be executed', async () => {
    const directoryOfScripts = join(DEPLOY, 'fencing')
    for (const script of await readdir(directoryOfScripts)) {
      expect((await stat(join(directoryOfScripts, script))).mode & 0o111).toBe(0o111)
    }
  })

  test('always-fail fails and names the node', () => {
    const { status, output } = run('always-fail.sh', { ...target, target_namenodeid: 'nn1' })
    expect(status).toBe(1)
    expect(output).toContain('nn1 on nn1.example.com')
  })

  describe('ipmi-power-off', () => {
    const list = (): string => join(directory, 'bmc.conf')
    const variables = (): Record<string, string> => ({
      ...target,
      BATON_BMC_LIST: list(),
      BATON_POWER_POLLS: '2',
    })
    const row = (host: string): string => `${host} bmc1.example.com admin /etc/secret\n`
    /** A BMC whose power state is a file. */
    const bmc = `
      state=${'$'}(dirname "${'$'}0")/power
      echo "${'$'}@" >> "${'$'}state.calls"
      case ${'$'}{!#} in
        status) echo "Chassis Power is ${'$'}(cat "${'$'}state")" ;;
        off) [ -e "${'$'}state.stuck" ] || echo off > "${'$'}state" ;;
      esac`

    beforeEach(async () => {
      await program('ipmitool', bmc)
      await writeFile(join(directory, 'power'), 'on')
      await writeFile(list(), row('nn1.example.com'))
    })

    test('switches the host off and reads it back', async () => {
      expect(run('ipmi-power-off.sh', variables())).toEqual({
        status: 0,
        output: 'nn1.example.com is off\n',
      })
      expect(await readFile(join(directory, 'power.calls'), 'utf8')).toMatch(
        /^-I lanplus -H bmc1\.example\.com -U admin -f \/etc\/secret chassis power status$/m,
      )
    })

    test('a host that is off already is fenced', async () => {
      await writeFile(join(directory, 'power'), 'off')
      expect(run('ipmi-power-off.sh', variables()).output).toContain('off already')
    })

    test('a BMC that does not obey is a failure', async () => {
      await writeFile(join(directory, 'power.stuck'), '')
      const { status, output } = run('ipmi-power-off.sh', variables())
      expect(status).toBe(1)
      expect(output).toContain('does not report')
    })

    test('a host that is not in the list is not touched', async () => {
      await writeFile(list(), row('other.example.com'))
      expect(run('ipmi-power-off.sh', variables()).status).toBe(1)
      expect(await readdir(directory)).not.toContain('power.calls')
    })

    test('never the host it runs on', async () => {
      await writeFile(list(), row(hostname()))
      const { status, output } = run('ipmi-power-off.sh', {
        ...variables(),
        target_host: hostname(),
      })
      expect(status).toBe(1)
      expect(output).toContain('the host I run on')
      expect(await readdir(directory)).not.toContain('power.calls')
    })
  })

  describe('cloud-stop-instance', () => {
    const cloud = (instances: string, state: string): string => `
      echo "${'$'}@" >> "${'$'}(dirname "${'$'}0")/aws.calls"
      case "${'$'}*" in
        *InstanceId*) printf '${instances}' ;;
        *State.Name*) echo ${state} ;;
      esac`
    const variables = { ...target, BATON_POWER_POLLS: '1' }

    test('stops the one instance with that address', async () => {
      await program('aws', cloud('i-1', 'stopped'))
      const { status, output } = run('cloud-stop-instance.sh', variables)
      expect([status, output]).toEqual([0, 'i-1 (192.0.2.1) is stopped\n'])
      const calls = await readFile(join(directory, 'aws.calls'), 'utf8')
      expect(calls).toContain('stop-instances --force --instance-ids i-1')
    })

    test.each([
      ['', 'stopped', 'no instance'],
      ['i-1\\ti-2', 'stopped', 'more than one'],
      ['i-1', 'stopping', 'not stopped'],
    ])('instances "%s" in state %s are a failure', async (instances, state, words) => {
      await program('aws', cloud(instances, state))
      const { status, output } = run('cloud-stop-instance.sh', variables)
      expect(status).toBe(1)
      expect(output).toContain(words)
    })

    test('an address that could not be resolved is a failure', async () => {
      await program('aws', cloud('i-1', 'stopped'))
      const unresolved = { ...variables, target_address: 'nn1.example.com/<unresolved>:8020' }
      expect(run('cloud-stop-instance.sh', unresolved).status).toBe(1)
      expect(await readdir(directory)).not.toContain('aws.calls')
    })
  })
})
