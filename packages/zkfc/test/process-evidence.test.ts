import { describe, expect, test } from 'vitest'
import { noLocalProcesses, ProcessScan } from '../src/process-evidence.ts'
import type { ProcReader } from '../src/process-evidence.ts'

/** A /proc of plain objects: a string is a file or link, an Error is thrown, the keys are names. */
type Files = Record<string, string | NodeJS.ErrnoException>

const failure = (code: string): NodeJS.ErrnoException => Object.assign(new Error(code), { code })

class FakeProc implements ProcReader {
  readonly files: Files
  constructor(files: Files) {
    this.files = files
  }
  read(path: string): Promise<string> {
    const found = this.files[path] ?? failure('ENOENT')
    return typeof found === 'string' ? Promise.resolve(found) : Promise.reject(found)
  }
  link(path: string): Promise<string> {
    return this.read(path)
  }
  list(path: string): Promise<readonly string[]> {
    const own = this.files[path]
    if (own instanceof Error) return Promise.reject(own)
    const prefix = `${path}/`
    const names = Object.keys(this.files)
      .filter(file => file.startsWith(prefix))
      .map(file => file.slice(prefix.length).split('/')[0] ?? '')
    return names.length === 0
      ? Promise.reject(failure('ENOENT'))
      : Promise.resolve([...new Set(names)])
  }
}

const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid inode\n'
const row = (local: string, state: string, inode: number): string =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  1000 ` +
  `       0 ${inode} 1\n`

const stat = (pid: number, start: number, state = 'S'): string =>
  `${pid} (java (x) y) ${state} 1 1 1 0 -1 0 0 0 0 0 1 2 3 4 20 0 50 0 ${start} 9 9\n`

const PORT = 8020 // 1F54

/** A NameNode with pid 100 that listens on 8020, and two bystanders. */
function world(changes: Files = {}): FakeProc {
  const files: Files = {
    '/proc/sys/kernel/random/boot_id': 'boot-1\n',
    '/proc/self/ns/pid': 'pid:[1]',
    '/proc/self/ns/net': 'net:[2]',
    '/proc/net/tcp': HEAD + row('0100007F:0050', '0A', 5) + row('00000000:1F54', '0A', 4711),
    '/proc/net/tcp6': HEAD,
    '/proc/100/stat': stat(100, 999),
    '/proc/100/task/100': '',
    '/proc/100/ns/pid': 'pid:[1]',
    '/proc/100/ns/net': 'net:[2]',
    '/proc/100/fd/0': '/dev/null',
    '/proc/100/fd/7': 'socket:[4711]',
    '/proc/200/stat': stat(200, 5),
    '/proc/200/fd': failure('EACCES'),
    '/proc/300/fd/3': 'socket:[4712]',
    ...changes,
  }
  const kept = Object.entries(files).filter(([, value]) => value !== '(absent)')
  return new FakeProc(Object.fromEntries(kept))
}

const GONE: Files = Object.fromEntries(
  ['stat', 'task/100', 'ns/pid', 'ns/net', 'fd/0', 'fd/7'].map(name => [
    `/proc/100/${name}`,
    '(absent)',
  ]),
)
const CLOSED: Files = { '/proc/net/tcp': HEAD }

const IDENTITY = {
  pid: 100,
  startTicks: '999',
  bootId: 'boot-1',
  pidNamespace: 'pid:[1]',
  networkNamespace: 'net:[2]',
  ports: [PORT],
}

describe('the owner of the listening socket', () => {
  test('is found with its start time, boot and namespaces', async () => {
    expect(await new ProcessScan(world()).listener([PORT])).toEqual(IDENTITY)
  })

  test.each([
    ['a specific address', 'tcp', '0100007F:1F54'],
    ['the IPv6 wildcard', 'tcp6', '00000000000000000000000000000000:1F54'],
    ['an IPv4-mapped address', 'tcp6', '0000000000000000FFFF00000100007F:1F54'],
  ])('is found on %s', async (_what, table, local) => {
    const tables = { ...CLOSED, [`/proc/net/${table}`]: HEAD + row(local, '0A', 4711) }
    expect(await new ProcessScan(world(tables)).listener([PORT])).toEqual(IDENTITY)
  })

  const unknown: readonly (readonly [string, Files])[] = [
    ['nothing listens', CLOSED],
    ['only a connection uses the port', { '/proc/net/tcp': row('00000000:1F54', '01', 4711) }],
    ['a second process holds the socket', { '/proc/300/fd/4': 'socket:[4711]' }],
    ['its descriptors cannot be read', { '/proc/100/fd': failure('EACCES') }],
    ['the table cannot be read', { '/proc/net/tcp': failure('EACCES') }],
    ['it is in another pid namespace', { '/proc/100/ns/pid': 'pid:[9]' }],
    ['it is in another network namespace', { '/proc/100/ns/net': 'net:[9]' }],
    ['its namespaces cannot be read', { '/proc/100/ns/net': failure('EACCES') }],
    ['there is no boot id', { '/proc/sys/kernel/random/boot_id': '(absent)' }],
    ['its stat makes no sense', { '/proc/100/stat': 'x' }],
  ]
  test.each(unknown)('is not known where %s', async (_what, changes) => {
    expect(await new ProcessScan(world(changes)).listener([PORT])).toBeUndefined()
  })

  test('must hold every port asked for', async () => {
    const both = { '/proc/net/tcp': row('00000000:1F54', '0A', 4711) + row('0:1F55', '0A', 4712) }
    expect(await new ProcessScan(world(both)).listener([PORT, 8021])).toBeUndefined()
    const one = new ProcessScan(
      world({ ...both, '/proc/300/fd/3': 'x', '/proc/100/fd/8': 'socket:[4712]' }),
    )
    expect(await one.listener([PORT, 8021])).toMatchObject({ pid: 100, ports: [PORT, 8021] })
    expect(await one.listener([])).toBeUndefined()
  })
})

describe('the process is', () => {
  const cases: readonly (readonly [string, string, Files])[] = [
    ['gone', 'it has ended and nothing listens', { ...GONE, ...CLOSED }],
    ['gone', 'its pid belongs to another', { ...CLOSED, '/proc/100/stat': stat(100, 1000) }],
    ['gone', 'only a zombie is left', { ...CLOSED, '/proc/100/stat': stat(100, 999, 'Z') }],
    ['gone', 'the kernel has no IPv6', { ...GONE, ...CLOSED, '/proc/net/tcp6': '(absent)' }],
    ['alive', 'it runs', {}],
    ['alive', 'it runs but has closed its port', CLOSED],
    [
      'alive',
      'only its first thread has ended',
      { ...CLOSED, '/proc/100/stat': stat(100, 999, 'Z'), '/proc/100/task/101': '' },
    ],
    ['alive', 'somebody else listens', GONE],
    ['unknown', 'the table cannot be read', { ...GONE, '/proc/net/tcp': failure('EACCES') }],
    ['unknown', 'IPv6 cannot be read', { ...GONE, ...CLOSED, '/proc/net/tcp6': failure('EIO') }],
    ['unknown', 'its stat cannot be read', { ...CLOSED, '/proc/100/stat': failure('EACCES') }],
    ['unknown', 'the host was restarted', { ...GONE, '/proc/sys/kernel/random/boot_id': 'boot-2' }],
    ['unknown', 'the controller moved', { ...GONE, ...CLOSED, '/proc/self/ns/net': 'net:[3]' }],
    ['unknown', 'the pid space differs', { ...GONE, ...CLOSED, '/proc/self/ns/pid': 'pid:[3]' }],
  ]
  test.each(cases)('%s where %s', async (verdict, _what, changes) => {
    expect(await new ProcessScan(world(changes)).gone(IDENTITY, [PORT])).toBe(verdict)
  })

  test('not gone while a port recorded then, and not asked for now, has a listener', async () => {
    expect(await new ProcessScan(world(GONE)).gone(IDENTITY, [])).toBe('alive')
  })

  test('unknown on a host without /proc', async () => {
    expect(await new ProcessScan(new FakeProc({})).gone(IDENTITY, [PORT])).toBe('unknown')
    expect(await noLocalProcesses.gone(IDENTITY, [PORT])).toBe('unknown')
    expect(await noLocalProcesses.listener([PORT])).toBeUndefined()
    expect(await noLocalProcesses.bootId()).toBeUndefined()
  })
})
