import { describe, expect, test } from 'vitest'
import {
  Configuration,
  configuredHostName,
  getNameNodeIds,
  getNameServiceIds,
  httpAddress,
  isAutomaticFailoverEnabled,
  javaAddressText,
  lifelineRpcAddress,
  localIdentity,
  onlyNameServiceId,
  promoteKeys,
  requirePlainZooKeeper,
  requireSimpleAuthentication,
  resolveJavaAddressText,
  serviceRpcAddress,
  zkfcAddress,
  zkfcBindAddress,
} from '../../src/conf/index.ts'

type Entries = Readonly<Record<string, string>>

const BASE: Entries = {
  'dfs.nameservices': 'c1',
  'dfs.ha.namenodes.c1': 'nn1, nn2',
  'dfs.namenode.rpc-address.c1.nn1': 'host1:8020',
  'dfs.namenode.rpc-address.c1.nn2': 'host2:8021',
}
const conf = (entries: Entries = {}): Configuration =>
  Configuration.fromEntries(Object.entries({ ...BASE, ...entries }))

const HOSTS: Readonly<Record<string, readonly string[]>> = {
  host1: ['10.0.0.1'],
  host2: ['10.0.0.2'],
  localhost: ['::1', '127.0.0.1'],
}
const resolve = async (host: string): Promise<readonly string[]> => {
  const found = HOSTS[host] ?? (/^[0-9.]+$/.test(host) ? [host] : undefined)
  if (found === undefined) throw new Error('unknown')
  return found
}
const network = {
  resolve,
  reverse: async (ip: string) => (ip === '127.0.0.1' ? 'localhost' : ip),
}

describe('nameservices and NameNodes', () => {
  test('ids are trimmed and counted once', () => {
    const found = conf({ 'dfs.nameservices': ' a ,b,,a' })
    expect(getNameServiceIds(found)).toEqual(['a', 'b'])
    expect(getNameNodeIds(conf(), 'c1')).toEqual(['nn1', 'nn2'])
    expect(getNameNodeIds(conf(), 'other')).toEqual([])
  })

  test('without -ns the sole nameservice, else an error that names the option', () => {
    expect(onlyNameServiceId(conf())).toBe('c1')
    const two = conf({ 'dfs.nameservices': 'c1,c2' })
    expect(() => onlyNameServiceId(two)).toThrow(
      'Unable to determine the name service ID. This is an HA configuration with multiple name' +
        ' services configured. dfs.nameservices is set to [c1, c2].' +
        ' Please re-run with the -ns option.',
    )
    expect(() => onlyNameServiceId(Configuration.fromEntries([]))).toThrow(/Unable to determine/)
  })
})

describe('addresses', () => {
  test('the service RPC address beats the RPC address', () => {
    expect(serviceRpcAddress(conf(), 'c1', 'nn1')).toEqual({ host: 'host1', port: 8020 })
    const service = conf({ 'dfs.namenode.servicerpc-address.c1.nn1': 'host1:8040' })
    expect(serviceRpcAddress(service, 'c1', 'nn1').port).toBe(8040)
  })

  test('the port is 8020 where none is given', () => {
    for (const text of ['h', 'h:', ' h ', 'hdfs://h/']) {
      const found = conf({ 'dfs.namenode.rpc-address.c1.nn1': text })
      expect(serviceRpcAddress(found, 'c1', 'nn1'), text).toEqual({ host: 'h', port: 8020 })
    }
  })

  test.each([
    ['h:70000', /port 70000.*out of range/],
    ['h:x', /not a valid host:port/],
    [':5', /not a valid host:port/],
    ['a_b:1', /not a host name/],
    ['::1:5', /not a valid host:port/],
    ['', /not a valid host:port/],
  ])('"%s" is refused, naming the key and where it stands', (text, message) => {
    const key = 'dfs.namenode.rpc-address.c1.nn1'
    const read = (): unknown => serviceRpcAddress(conf({ [key]: text }), 'c1', 'nn1')
    expect(read).toThrow(message)
    expect(read).toThrow(`${key} = "${text}" (-D)`)
  })

  test('an unknown NameNode', () => {
    const text = "Unable to determine service address for namenode 'nn9'"
    expect(() => serviceRpcAddress(conf(), 'c1', 'nn9')).toThrow(text)
    expect(() => serviceRpcAddress(conf(), 'other', 'nn1')).toThrow(/namenode 'nn1'/)
  })

  test('the lifeline counts only with the full suffix', () => {
    const key = 'dfs.namenode.lifeline.rpc-address'
    const short = conf({ [key]: 'h:1', [`${key}.c1`]: 'h:2' })
    expect(lifelineRpcAddress(short, 'c1', 'nn1')).toBeUndefined()
    const full = conf({ [`${key}.c1.nn1`]: 'h:3' })
    expect(lifelineRpcAddress(full, 'c1', 'nn1')).toEqual({ host: 'h', port: 3 })
  })

  test('the controller: host of its NameNode, port by the most specific key', () => {
    const port = 'dfs.ha.zkfc.port'
    expect(zkfcAddress(conf(), 'c1', 'nn1')).toEqual({ host: 'host1', port: 8019 })
    const all = conf({ [port]: '1', [`${port}.c1`]: '2', [`${port}.c1.nn1`]: '3' })
    expect(zkfcAddress(all, 'c1', 'nn1').port).toBe(3)
    expect(zkfcAddress(all, 'c1', 'nn2').port).toBe(2)
    expect(() => zkfcAddress(conf({ [port]: '65536' }), 'c1', 'nn1')).toThrow(/out of range/)
    expect(() => zkfcAddress(conf({ [port]: '-1' }), 'c1', 'nn1')).toThrow(/out of range/)
  })

  test('it binds to the bind host of the service RPC, of the RPC, or to the host itself', () => {
    expect(zkfcBindAddress(conf(), 'c1', 'nn1')).toEqual({ host: 'host1', port: 8019 })
    const rpc = { 'dfs.namenode.rpc-bind-host.c1.nn1': '10.0.0.9' }
    expect(zkfcBindAddress(conf(rpc), 'c1', 'nn1').host).toBe('10.0.0.9')
    const service = { ...rpc, 'dfs.namenode.servicerpc-bind-host': '0.0.0.0' }
    expect(zkfcBindAddress(conf(service), 'c1', 'nn1').host).toBe('0.0.0.0')
  })

  test('a wildcard web address is reached at the NameNode host', () => {
    expect(httpAddress(conf(), 'c1', 'nn1')).toEqual({ host: 'host1', port: 9870 })
    const own = conf({ 'dfs.namenode.http-address.c1.nn1': 'web:99' })
    expect(httpAddress(own, 'c1', 'nn1')).toEqual({ host: 'web', port: 99 })
  })

  test('automatic failover is per nameservice, never per NameNode', () => {
    const key = 'dfs.ha.automatic-failover.enabled'
    expect(isAutomaticFailoverEnabled(conf(), 'c1')).toBe(false)
    expect(isAutomaticFailoverEnabled(conf({ [key]: 'true' }), 'c1')).toBe(true)
    const off = conf({ [key]: 'true', [`${key}.c1`]: 'false' })
    expect(isAutomaticFailoverEnabled(off, 'c1')).toBe(false)
    expect(isAutomaticFailoverEnabled(conf({ [`${key}.c1.nn1`]: 'true' }), 'c1')).toBe(false)
  })
})

describe('promotion of suffixed keys', () => {
  const key = 'dfs.ha.fencing.methods'
  test.each<[Entries, string | undefined]>([
    [{}, undefined],
    [{ [key]: 'all' }, 'all'],
    [{ [key]: 'all', [`${key}.c1`]: 'ns' }, 'ns'],
    [{ [key]: 'all', [`${key}.c1`]: 'ns', [`${key}.c1.nn1`]: 'nn' }, 'nn'],
    [{ [key]: 'all', [`${key}.c1.nn2`]: 'nn' }, 'all'],
    [{ [key]: 'all', [`${key}.nn1`]: 'nn' }, 'all'],
    [{ [key]: 'all', [`${key}.c1.nn1`]: '' }, ''],
  ])('%j gives %s', (entries, expected) => {
    expect(promoteKeys(conf(entries), 'c1', 'nn1').get(key)).toBe(expected)
  })

  test('identity and default file system follow, and the source names the key', () => {
    const promoted = promoteKeys(conf({ 'ha.zookeeper.quorum.c1': 'z:1' }), 'c1', 'nn1')
    expect(promoted.get('dfs.nameservice.id')).toBe('c1')
    expect(promoted.get('dfs.ha.namenode.id')).toBe('nn1')
    expect(promoted.get('fs.defaultFS')).toBe('hdfs://host1:8020')
    expect(promoted.get('ha.zookeeper.quorum')).toBe('z:1')
    expect(promoted.sourceOf('ha.zookeeper.quorum')).toBe('-D, from ha.zookeeper.quorum.c1')
  })

  test('a key that is not specific to a NameNode is left alone', () => {
    const entries = { 'ha.health-monitor.rpc-timeout.ms.c1.nn1': '5' }
    const promoted = promoteKeys(conf(entries), 'c1', 'nn1')
    expect(promoted.get('ha.health-monitor.rpc-timeout.ms')).toBe('45000')
  })
})

describe('which NameNode this machine is', () => {
  const identity = (entries: Entries, local: readonly string[]): Promise<unknown> =>
    localIdentity(conf(entries), local, resolve)

  test('by the local address', async () => {
    const found = await identity({}, ['10.0.0.2', '127.0.0.1'])
    expect(found).toEqual({ nameserviceId: 'c1', namenodeId: 'nn2' })
  })

  test('by dfs.ha.namenode.id, no name is looked up', async () => {
    const broken = { 'dfs.ha.namenode.id': 'nn1', 'dfs.namenode.rpc-address.c1.nn1': 'nope:1' }
    expect(await identity(broken, [])).toEqual({ nameserviceId: 'c1', namenodeId: 'nn1' })
  })

  const two: Entries = {
    'dfs.nameservices': 'c1,c2',
    'dfs.ha.namenodes.c2': 'nn1,nn3',
    'dfs.namenode.rpc-address.c2.nn1': 'host2:1',
    'dfs.namenode.rpc-address.c2.nn3': 'host2:2',
  }
  test('with two nameservices: by address, by NameNode id and address, by both ids', async () => {
    expect(await identity(two, ['10.0.0.1'])).toEqual({ nameserviceId: 'c1', namenodeId: 'nn1' })
    const byId = { ...two, 'dfs.ha.namenode.id': 'nn3' }
    expect(await identity(byId, ['10.0.0.2'])).toEqual({ nameserviceId: 'c2', namenodeId: 'nn3' })
    const both = { ...byId, 'dfs.nameservice.id': 'c2' }
    expect(await identity(both, [])).toEqual({ nameserviceId: 'c2', namenodeId: 'nn3' })
  })

  test('several local addresses ask for both ids', async () => {
    const same = { 'dfs.namenode.rpc-address.c1.nn1': 'host2:1' }
    const expected =
      /Configuration has multiple addresses that match local node's address.*dfs\.ha\.namenode\.id/
    await expect(identity(same, ['10.0.0.2'])).rejects.toThrow(expected)
    const loopback = {
      'dfs.namenode.rpc-address.c1.nn1': '127.0.0.1:1',
      'dfs.namenode.rpc-address.c1.nn2': 'localhost:2',
    }
    await expect(identity(loopback, [])).rejects.toThrow(expected)
  })

  test('no local address, unknown ids, no HA, no nameservice', async () => {
    await expect(identity({}, ['10.9.9.9'])).rejects.toThrow(
      /You may run zkfc on the node other than namenode/,
    )
    await expect(identity({ 'dfs.ha.namenode.id': 'nn9' }, [])).rejects.toThrow(
      'dfs.ha.namenode.id = "nn9" (-D): not among dfs.ha.namenodes.c1 (nn1, nn2)',
    )
    await expect(identity({ 'dfs.ha.namenodes.c1': 'nn1' }, ['10.0.0.1'])).rejects.toThrow(
      /HA is not enabled for this namenode\./,
    )
    await expect(identity({ 'dfs.nameservice.id': 'nope' }, [])).rejects.toThrow(
      /HA is not enabled/,
    )
    await expect(identity({ 'dfs.nameservices': ' ' }, [])).rejects.toThrow(/dfs\.nameservices/)
  })
})

describe('Java host names and address texts', () => {
  test('an IP literal becomes its reverse lookup name, a name stays', async () => {
    expect(await configuredHostName({ host: '127.0.0.1' }, network)).toBe('localhost')
    expect(await configuredHostName({ host: '10.0.0.1' }, network)).toBe('10.0.0.1')
    expect(await configuredHostName({ host: 'Host1.Example' }, network)).toBe('Host1.Example')
  })

  test.each([
    ['localhost', '127.0.0.1', 'localhost/127.0.0.1:8020'],
    [undefined, '127.0.0.1', '/127.0.0.1:8020'],
    ['127.0.0.1', '127.0.0.1', '/127.0.0.1:8020'],
    ['h', undefined, 'h/<unresolved>:8020'],
    [undefined, '::1', '/[0:0:0:0:0:0:0:1]:8020'],
    ['v6', 'fe80::a:0:1%eth0', 'v6/[fe80:0:0:0:0:a:0:1]:8020'],
    [undefined, '::ffff:1.2.3.4', '/[0:0:0:0:0:ffff:102:304]:8020'],
  ])('%s and %s print as %s', (name, ip, expected) => {
    expect(javaAddressText(name, ip, 8020)).toBe(expected)
  })

  test('a configured address before and after Java asked for its name', async () => {
    const text = (host: string, named: boolean): Promise<string> =>
      resolveJavaAddressText({ host, port: 1 }, network, { named })
    expect(await text('127.0.0.1', false)).toBe('/127.0.0.1:1')
    expect(await text('127.0.0.1', true)).toBe('localhost/127.0.0.1:1')
    expect(await text('localhost', false)).toBe('localhost/127.0.0.1:1')
    expect(await text('nope', true)).toBe('nope/<unresolved>:1')
  })
})

describe('what is refused rather than done unsafely', () => {
  test.each<[Entries, RegExp | undefined]>([
    [{}, undefined],
    [{ 'hadoop.security.authentication': ' SIMPLE ' }, undefined],
    [
      { 'hadoop.security.authentication': 'kerberos' },
      /hadoop\.security\.authentication = "kerberos" \(-D\)/,
    ],
    [{ 'hadoop.security.authentication': '' }, /hadoop\.security\.authentication/],
    [{ 'hadoop.rpc.protection': 'privacy' }, /hadoop\.rpc\.protection = "privacy"/],
    [{ 'hadoop.rpc.protection': 'authentication,integrity' }, /need SASL/],
    [{ 'hadoop.rpc.protection': 'nonsense' }, /expected authentication, integrity or privacy/],
  ])('%j', (entries, message) => {
    const check = (): void => requireSimpleAuthentication(conf(entries))
    if (message === undefined) expect(check).not.toThrow()
    else expect(check).toThrow(message)
  })

  test('both mistakes are reported at once', () => {
    const entries = {
      'hadoop.security.authentication': 'kerberos',
      'hadoop.rpc.protection': 'privacy',
    }
    expect(() => requireSimpleAuthentication(conf(entries))).toThrow(
      /authentication.*\n.*protection/,
    )
  })

  const own = 'dfs.ha.zkfc.client.ssl.enabled'
  const common = 'hadoop.zk.ssl.enabled'
  test.each<[Entries, RegExp | undefined]>([
    [{}, undefined],
    [{ [own]: 'true' }, /dfs\.ha\.zkfc\.client\.ssl\.enabled = "true"/],
    [{ [common]: 'true' }, /hadoop\.zk\.ssl\.enabled = "true"/],
    [{ [own]: 'true', [common]: 'false' }, undefined],
    [{ [common]: 'yes' }, /expected true or false/],
  ])('TLS to ZooKeeper: %j', (entries, message) => {
    const check = (): void => requirePlainZooKeeper(conf(entries))
    if (message === undefined) expect(check).not.toThrow()
    else expect(check).toThrow(message)
  })
})
