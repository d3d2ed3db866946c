import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startServer, type RunningServer } from '../running-server.ts'
import { run, type Ran } from '../test-io.ts'

let server: RunningServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.stop())

const zkcli = (words: readonly string[], stdin: readonly string[] = []): Promise<Ran> =>
  run(['zkcli', '-server', server.address, ...words], { stdin })
const ok = (stdout: string): Ran => ({ rc: 0, stdout, stderr: '' })
const failed = (stderr: string): Ran => ({ rc: 1, stdout: '', stderr: `${stderr}\n` })

const STAT = new RegExp(
  [
    'cZxid = 0x[0-9a-f]+',
    'ctime = [A-Z][a-z]{2} [A-Z][a-z]{2} [0-9]{2} [0-9:]{8} UTC [0-9]{4}',
    'mZxid = 0x[0-9a-f]+',
    'mtime = .* UTC .*',
    'pZxid = 0x[0-9a-f]+',
    'cversion = [0-9]+',
    'dataVersion = [0-9]+',
    'aclVersion = [0-9]+',
    'ephemeralOwner = 0x[0-9a-f]+',
    'dataLength = [0-9]+',
    'numChildren = [0-9]+\n$',
  ].join('\n'),
)

describe('one command', () => {
  test('the life of a znode', async () => {
    expect(await zkcli(['create', '/a', 'hello world'])).toEqual(ok('Created /a\n'))
    expect(await zkcli(['get', '/a'])).toEqual(ok('hello world\n'))
    expect(await zkcli(['set', '/a', 'ä', '-v', '0'])).toEqual(ok(''))
    expect(await zkcli(['get', '/a', '-b'])).toEqual(ok('w6Q=\n'))
    expect(await zkcli(['create', '/a/b'])).toEqual(ok('Created /a/b\n'))
    expect(await zkcli(['get', '/a/b'])).toEqual(ok('null\n'))
    expect(await zkcli(['ls', '/a'])).toEqual(ok('[b]\n'))
    expect(await zkcli(['ls', '-R', '/a'])).toEqual(ok('/a\n/a/b\n'))
    expect(await zkcli(['sync', '/a'])).toEqual(ok('Sync is OK\n'))
    expect(await zkcli(['delete', '/a'])).toEqual(failed('Node not empty: /a'))
    expect(await zkcli(['deleteall', '/a'])).toEqual(ok(''))
    expect(await zkcli(['stat', '/a'])).toEqual(failed('Node does not exist: /a'))
  })

  test('-s prints the stat, behind the data or the list', async () => {
    await zkcli(['create', '/s', 'x'])
    expect((await zkcli(['stat', '/s'])).stdout).toMatch(STAT)
    const get = await zkcli(['get', '-s', '/s'])
    expect(get.stdout.startsWith('x\ncZxid')).toBe(true)
    expect(get.stdout).toMatch(STAT)
    const ls = await zkcli(['ls', '-s', '/s'])
    expect(ls.stdout.startsWith('[]\ncZxid')).toBe(true)
    expect((await zkcli(['set', '-s', '/s', 'y'])).stdout).toMatch(/dataVersion = 1\n/)
  })

  test('modes of create: sequential, ephemeral (gone with the command), container', async () => {
    await zkcli(['create', '/m'])
    expect(await zkcli(['create', '-s', '/m/n-', 'x'])).toEqual(ok('Created /m/n-0000000000\n'))
    expect((await zkcli(['create', '-e', '/m/e'])).rc).toBe(0)
    expect((await zkcli(['ls', '/m'])).stdout).toBe('[n-0000000000]\n')
    expect(await zkcli(['create', '-c', '/c'])).toEqual(ok('Created /c\n'))
    for (const words of [
      ['-c', '-e'],
      ['-e', '-t', '5'],
      ['-c', '-s'],
    ]) {
      expect((await zkcli(['create', ...words, '/x'])).rc, words.join()).toBe(2)
    }
  })

  test('an ACL, and what it forbids', async () => {
    expect((await zkcli(['create', '/acl', 'x', 'world:anyone:cd'])).rc).toBe(0)
    expect(await zkcli(['get', '/acl'])).toEqual(failed('Insufficient permission : /acl'))
    expect((await zkcli(['create', '/acl2', 'x', 'world:anyone:q'])).rc).toBe(2)
    expect((await zkcli(['create', '/acl2', 'x', 'nonsense'])).stderr).toMatch(/scheme:id:perm/)
  })

  test('--json of each command that prints', async () => {
    await zkcli(['create', '/j', 'text'])
    const json = async (...words: string[]): Promise<unknown> =>
      JSON.parse((await zkcli([...words, '--json'])).stdout)
    expect(await json('create', '/j/k')).toEqual({ path: '/j/k' })
    expect(await json('ls', '/j')).toMatchObject({ path: '/j', children: ['k'] })
    expect(await json('ls', '-R', '/j')).toEqual(['/j', '/j/k'])
    expect(await json('get', '/j')).toMatchObject({ data: 'text', encoding: 'utf8' })
    expect(await json('set', '-b', '/j', '/w==')).toMatchObject({ stat: { version: 1 } })
    expect(await json('get', '/j')).toMatchObject({ data: '/w==', encoding: 'base64' })
    expect(await json('get', '/j/k')).toMatchObject({ data: null })
    expect(await json('stat', '/j')).toMatchObject({ numChildren: 1, ephemeralOwner: '0x0' })
    expect(await json('sync', '/')).toEqual({ path: '/', synced: true })
  })

  test.each<readonly [readonly string[], string]>([
    [['create', '/zookeeper'], 'Node already exists: /zookeeper'],
    [['create', '/no/where'], 'Node does not exist: /no/where'],
    [['set', '/nope', 'x'], 'Node does not exist: /nope'],
    [['set', '-v', '9', '/zookeeper', 'x'], 'version No is not valid : /zookeeper'],
    [['ls', '/nope'], 'Node does not exist: /nope'],
    [['ls', '-R', '/nope'], 'Node does not exist: /nope'],
    [['deleteall', '/nope'], 'Node does not exist: /nope'],
  ])('%j fails with exit code 1', async (words, text) => {
    expect(await zkcli(words)).toEqual(failed(text))
  })

  test('a path that is none', async () => {
    const found = await zkcli(['get', 'relative'])
    expect(found.rc).not.toBe(0)
    expect(found.stderr).toMatch(/relative/)
  })
})

describe('wrong words, help, no server', () => {
  test.each<readonly [readonly string[], RegExp]>([
    [['nope'], /^Command not found: nope \(try: help\)\n$/],
    [['constructor'], /^Command not found: constructor/],
    [['ls'], /^Wrong arguments\nusage: ls \[-s\] \[-R\] path\n$/],
    [['ls', '/', '/'], /^Wrong arguments/],
    [['ls', '-w', '/'], /^Unrecognized option: -w\nusage: ls/],
    [['delete', '/a', '-v'], /^Missing value for option -v/],
    [['delete', '-v', 'x', '/a'], /^-v x: expected a whole number/],
  ])('%j ends with exit code 2', async (words, text) => {
    const found = await zkcli(words)
    expect(found.stderr).toMatch(text)
    expect(found).toMatchObject({ rc: 2, stdout: '' })
  })

  test('a wrong connect string or time-out', async () => {
    expect((await run(['zkcli', '-server', 'h:x', 'ls', '/'])).rc).toBe(2)
    expect((await run(['zkcli', '-server'])).rc).toBe(2)
    expect((await run(['zkcli', '-timeout', '0', 'ls', '/'])).rc).toBe(2)
  })

  test('no server: exit code 3, within the time-out', async () => {
    const found = await run(['zkcli', '-server', '127.0.0.1:1', '-timeout', '200', 'ls', '/'])
    expect(found).toEqual({
      rc: 3,
      stdout: '',
      stderr: 'No server answered in 200 ms (-server 127.0.0.1:1)\n',
    })
  })

  test('help needs no server', async () => {
    const found = await run(['zkcli', '-server', '127.0.0.1:1', 'help'])
    expect(found.rc).toBe(0)
    for (const name of ['ls', 'get', 'stat', 'create', 'set', 'delete', 'deleteall', 'sync']) {
      expect(found.stdout).toMatch(new RegExp(`^\\t${name} `, 'm'))
    }
  })

  test('a chroot is the root of every path', async () => {
    await zkcli(['create', '/top'])
    const words = ['zkcli', '-server', `${server.address}/top`]
    expect(await run([...words, 'create', '/x', 'y'])).toEqual(ok('Created /x\n'))
    expect((await zkcli(['get', '/top/x'])).stdout).toBe('y\n')
  })
})

describe('the shell', () => {
  test('runs line after line; a failure does not end it and is its exit code', async () => {
    const lines = [
      'create /sh "two words"',
      '',
      'get /sh',
      'get /nope',
      'bad',
      'ls /sh',
      'quit',
      'ls /',
    ]
    expect(await zkcli([], lines)).toEqual({
      rc: 2,
      stdout: 'Created /sh\ntwo words\n[]\n',
      stderr: 'Node does not exist: /nope\nCommand not found: bad (try: help)\n',
    })
  })

  test('ends with the input; help is there', async () => {
    const found = await zkcli([], ['help', "set /sh 'x y'", 'get /sh'])
    expect(found.rc).toBe(0)
    expect(found.stdout).toMatch(/deleteall path/)
    expect(found.stdout).toMatch(/x y\n$/)
  })
})
