import { DiskError } from '@baton/runtime'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Configuration, ConfigurationError, getIndirect } from '../../src/conf/index.ts'
import { ProblemCollector, resolveIndirection } from '../../src/conf/index.ts'
import { configurationXml, filesDisk, FINAL, property } from './files-disk.ts'

interface Loaded {
  readonly conf: Configuration
  readonly warnings: readonly string[]
}

interface Files {
  readonly core?: string
  readonly hdfs?: string
  readonly other?: Readonly<Record<string, string | Uint8Array | DiskError>>
  readonly overrides?: readonly (readonly [string, string])[]
}

async function load(files: Files): Promise<Loaded> {
  const warnings: string[] = []
  const disk = filesDisk({
    '/c/core-site.xml': configurationXml(files.core ?? ''),
    '/c/hdfs-site.xml': configurationXml(files.hdfs ?? ''),
    ...files.other,
  })
  const conf = await Configuration.load({
    directory: '/c',
    disk,
    env: { HOME: '/root' },
    systemProperties: { 'user.name': 'hdfs' },
    warn: text => warnings.push(text),
    ...(files.overrides === undefined ? {} : { overrides: files.overrides }),
  })
  return { conf, warnings }
}

async function problemsOf(files: Files): Promise<readonly string[]> {
  const error = await load(files).catch((found: unknown) => found)
  expect(error).toBeInstanceOf(ConfigurationError)
  return (error as ConfigurationError).problems
}

describe('the order of loading', () => {
  test('defaults, core-site, hdfs-site, then -D', async () => {
    const core = property('a', 'core') + property('b', 'core') + property('c', 'core')
    const hdfs = property('b', 'hdfs') + property('c', 'hdfs')
    const { conf } = await load({
      core,
      hdfs,
      overrides: [
        ['c', '1'],
        ['c', 'cli'],
      ],
    })
    expect(['a', 'b', 'c'].map(key => conf.get(key))).toEqual(['core', 'hdfs', 'cli'])
    expect(['a', 'b', 'c'].map(key => conf.sourceOf(key))).toEqual([
      '/c/core-site.xml',
      '/c/hdfs-site.xml',
      '-D',
    ])
    expect(conf.get('ha.health-monitor.rpc-timeout.ms')).toBe('45000')
    expect(conf.sourceOf('ha.health-monitor.rpc-timeout.ms')).toBe('default')
    expect(conf.sourceOf('absent')).toBe('not set')
  })

  test('an hdfs default beats core-site.xml, with a warning where to put the key', async () => {
    const { conf, warnings } = await load({ core: property('dfs.ha.zkfc.port', '9000') })
    expect(conf.getInt('dfs.ha.zkfc.port', 1)).toBe(8019)
    expect(warnings.join()).toMatch(/dfs\.ha\.zkfc\.port = "9000".*set it in hdfs-site\.xml/)
  })

  test('within one file the later wins', async () => {
    const { conf } = await load({ core: property('a', '1') + property('a', '2') })
    expect(conf.get('a')).toBe('2')
  })

  test('hdfs-rbf-site.xml is read last where it exists', async () => {
    const other = { '/c/hdfs-rbf-site.xml': configurationXml(property('a', 'rbf')) }
    expect((await load({ hdfs: property('a', 'hdfs'), other })).conf.get('a')).toBe('rbf')
  })

  test('further files come after the site files and must exist', async () => {
    const files = { '/x.xml': configurationXml(property('a', 'more')) }
    const disk = filesDisk(files)
    const conf = await Configuration.load({ disk, env: {}, files: ['/x.xml'] })
    expect(conf.get('a')).toBe('more')
    const missing = Configuration.load({ disk, env: {}, files: ['/x.xml', '/y.xml'] })
    await expect(missing).rejects.toThrow('/y.xml: no such file')
  })

  test('without a directory there are defaults and -D', async () => {
    const conf = await Configuration.load({ disk: filesDisk({}), env: {}, overrides: [['a', '']] })
    expect(conf.get('a')).toBe('')
    expect(conf.get('ha.zookeeper.parent-znode')).toBe('/hadoop-ha')
  })
})

describe('final', () => {
  test('a final key is not overridden by a later file, with a warning', async () => {
    const files = { core: property('a', '1', FINAL), hdfs: property('a', '2') }
    const { conf, warnings } = await load(files)
    expect(conf.get('a')).toBe('1')
    expect(warnings).toEqual([
      'a (/c/hdfs-site.xml): ignored, since /c/core-site.xml marks the key as final',
    ])
  })

  test('the same value again is no reason for a warning', async () => {
    const files = { core: property('a', '1', FINAL), hdfs: property('a', '1') }
    expect((await load(files)).warnings).toEqual([])
  })

  test('-D overrides a final key', async () => {
    const { conf } = await load({ core: property('a', '1', FINAL), overrides: [['a', 'cli']] })
    expect(conf.get('a')).toBe('cli')
  })

  test('only exactly "true" makes it final', async () => {
    for (const text of [' true ', 'TRUE', 'yes', '']) {
      const core = property('a', '1', `<final>${text}</final>`) + property('a', '2')
      expect((await load({ core })).conf.get('a'), text).toBe('2')
    }
  })

  test('an empty value can be final: the key stays unset', async () => {
    const core = `<property><name>a</name><value/>${FINAL}</property>${property('a', '2')}`
    expect((await load({ core })).conf.get('a')).toBeUndefined()
  })
})

describe('properties', () => {
  test('the name is trimmed, the value is kept raw', async () => {
    const { conf } = await load({ core: property('\n a \t', '\n x \n') })
    expect(conf.get('a')).toBe('\n x \n')
    expect(conf.getTrimmed('a')).toBe('x')
  })

  test('an empty value element is null: what stood before remains', async () => {
    const hdfs = '<property><name>a</name><value/></property><property><name>b</name></property>'
    const { conf } = await load({ core: property('a', '1'), hdfs })
    expect(conf.get('a')).toBe('1')
    expect(conf.get('b')).toBeUndefined()
  })

  test('a blank value is a value', async () => {
    expect((await load({ core: property('a', ' ') })).conf.get('a')).toBe(' ')
  })

  test('the short form with attributes: elements beat them, empty is empty', async () => {
    const core =
      '<property name="a" value=" v "/><property name="b" value="1"><value>2</value></property>' +
      '<property name="c" value=""/><property name="d" value="1" final="true"/>'
    const { conf } = await load({ core, hdfs: property('d', '2') })
    expect(['a', 'b', 'c', 'd'].map(key => conf.get(key))).toEqual([' v ', '2', '', '1'])
  })

  test('description, source and tag are ignored, a missing name is warned of', async () => {
    const extra = '<source>me</source><tag>x</tag><description>d &gt; e</description>'
    const core = property('a', '1', extra) + '<property><value>lost</value></property>'
    const { conf, warnings } = await load({ core })
    expect(conf.get('a')).toBe('1')
    expect(warnings).toEqual(['/c/core-site.xml: a <property> without a name is ignored'])
  })

  test('another top element is read, with a warning', async () => {
    const other = { '/c/core-site.xml': `<conf>${property('a', '1')}</conf>` }
    const { conf, warnings } = await load({ other })
    expect(conf.get('a')).toBe('1')
    expect(warnings).toEqual(['/c/core-site.xml: the top element is <conf>, not <configuration>'])
  })
})

describe('deprecated names', () => {
  const old = property('dfs.federation.nameservices', 'old')
  const current = property('dfs.nameservices', 'new')
  test.each([
    ['the old name alone', old, 'old'],
    ['the new name last', old + current, 'new'],
    ['the old name last', current + old, 'old'],
  ])('%s', async (_, hdfs, expected) => {
    const { conf } = await load({ hdfs })
    expect(conf.get('dfs.nameservices')).toBe(expected)
    expect(conf.get('dfs.federation.nameservices')).toBe(expected)
  })

  test('as -D, and in a copy', async () => {
    const conf = Configuration.fromEntries([['dfs.federation.nameservice.id', 'x']])
    expect(conf.get('dfs.nameservice.id')).toBe('x')
    expect(conf.has('dfs.federation.nameservice.id')).toBe(true)
  })
})

describe('includes', () => {
  const include = (href: string, inside = ''): string =>
    `<xi:include href="${href}">${inside}</xi:include>`
  const fallback = `<xi:fallback>${property('a', 'fallback')}</xi:fallback>`
  const inc = configurationXml(property('a', 'included') + property('i', '1'))

  test('stands where it is: later properties win', async () => {
    const core = property('a', 'before') + include('inc.xml') + property('i', 'after')
    const { conf } = await load({ core, other: { '/c/inc.xml': inc } })
    expect([conf.get('a'), conf.get('i')]).toEqual(['included', 'after'])
    expect(conf.sourceOf('a')).toBe('/c/inc.xml')
  })

  test.each(['inc.xml', '/c/inc.xml', 'file:///c/inc.xml', 'file:/c/inc.xml'])('%s', async href => {
    const { conf } = await load({ core: include(href), other: { '/c/inc.xml': inc } })
    expect(conf.get('i')).toBe('1')
  })

  test('without the prefix, inside a property, and without href', async () => {
    const inside = '<xi:include href="two.xml"/><name>b</name><value>b</value>'
    const core = `<include href="inc.xml"/><property>${inside}</property><xi:include/>`
    const two = configurationXml(property('t', '2'))
    const { conf } = await load({ core, other: { '/c/inc.xml': inc, '/c/two.xml': two } })
    expect([conf.get('i'), conf.get('t'), conf.get('b')]).toEqual(['1', '2', 'b'])
  })

  test('a nested include: in the directory first, then beside the including file', async () => {
    const other = {
      '/d/one.xml': configurationXml(include('two.xml') + include('three.xml')),
      '/c/two.xml': configurationXml(property('x', 'directory')),
      '/d/two.xml': configurationXml(property('x', 'beside')),
      '/d/three.xml': configurationXml(property('y', 'beside')),
    }
    const { conf } = await load({ core: include('/d/one.xml'), other })
    expect([conf.get('x'), conf.get('y')]).toEqual(['directory', 'beside'])
  })

  test('the fallback counts only where the file is missing', async () => {
    const core = include('inc.xml', fallback)
    expect((await load({ core })).conf.get('a')).toBe('fallback')
    expect((await load({ core, other: { '/c/inc.xml': inc } })).conf.get('a')).toBe('included')
  })

  test('an empty fallback makes a missing file no error', async () => {
    const { conf } = await load({
      core: include('nope.xml', '<xi:fallback/>') + property('b', '1'),
    })
    expect(conf.get('b')).toBe('1')
  })

  test('errors: missing without fallback, broken in spite of one, remote, endless', async () => {
    expect(await problemsOf({ core: include('nope.xml') })).toEqual([
      '/c/core-site.xml: include of "nope.xml": no such file, and no <fallback> is given',
    ])
    const broken = { core: include('b.xml', fallback), other: { '/c/b.xml': '<configuration>\n<' } }
    expect((await problemsOf(broken)).join()).toMatch(/^\/c\/b\.xml.*not well-formed XML/)
    const remote = { core: include('http://x/y.xml', fallback) }
    expect((await problemsOf(remote)).join()).toMatch(/only files are read/)
    const self = { other: { '/c/core-site.xml': configurationXml(include('core-site.xml')) } }
    expect((await problemsOf(self)).join()).toMatch(/include each other/)
  })

  test('files that include each other many times end soon', async () => {
    const twice = configurationXml(include('core-site.xml').repeat(2))
    expect((await problemsOf({ other: { '/c/core-site.xml': twice } })).join()).toMatch(
      /256 in all/,
    )
  })
})

describe('problems', () => {
  test('every broken file is named at once, with its line', async () => {
    const other = {
      '/c/core-site.xml': '<configuration>\n<property>\n<name>a</nam></property></configuration>',
      '/c/hdfs-site.xml': '<configuration>\n&nope;</configuration>',
      '/c/hdfs-rbf-site.xml': new DiskError('EACCES', '/c/hdfs-rbf-site.xml'),
    }
    const problems = await problemsOf({ other })
    expect(problems).toHaveLength(3)
    expect(problems[0]).toMatch(/^\/c\/core-site\.xml, line 3: not well-formed XML: /)
    expect(problems[1]).toMatch(/^\/c\/hdfs-site\.xml, line 2: .*nope/)
    expect(problems[2]).toBe('/c/hdfs-rbf-site.xml: could not be read: EACCES')
  })

  test('a file that is not UTF-8', async () => {
    const other = { '/c/core-site.xml': Uint8Array.of(0x3c, 0xff, 0xfe) }
    expect(await problemsOf({ other })).toEqual(['/c/core-site.xml: not UTF-8 text'])
  })

  test('a directory without site files', async () => {
    const loading = Configuration.load({ directory: '/nope', disk: filesDisk({}), env: {} })
    await expect(loading).rejects.toThrow(/\/nope: neither core-site\.xml nor hdfs-site\.xml/)
  })

  test('the collector reports each problem once and lets other errors through', () => {
    const conf = Configuration.fromEntries([
      ['a', 'x'],
      ['b', 'y'],
    ])
    const collector = new ProblemCollector()
    expect(collector.read(() => conf.getInt('a', 1), 9)).toBe(9)
    collector.read(() => conf.getInt('a', 1), 9)
    collector.read(() => conf.getInt('b', 1), 9)
    expect(() =>
      collector.read(() => {
        throw new TypeError('ours')
      }, 1),
    ).toThrow(TypeError)
    expect(() => collector.throwIfAny()).toThrow(ConfigurationError)
    expect(collector.problems).toHaveLength(2)
  })

  test('no secret stands in an error', () => {
    const conf = Configuration.fromEntries([['ha.zookeeper.auth', 'digest:u:pw']])
    expect(conf.describe('ha.zookeeper.auth', 'bad')).not.toMatch(/pw/)
  })
})

test('values are substituted from environment, system properties and other keys', async () => {
  const core = property('a', '${user.name}@${env.HOME}') + property('b', '<![CDATA[${a}]]>')
  const { conf } = await load({ core })
  expect(conf.get('b')).toBe('hdfs@/root')
  expect(conf.getRaw('b')).toBe('${a}')
  expect(conf.get('hadoop.tmp.dir')).toBe('/tmp/hadoop-hdfs')
  const deep = conf.with([
    ['x', '${y}'],
    ['y', '${x}'],
  ])
  expect(() => deep.get('x')).toThrow(/^x = "\$\{y\}" \(-D\): substitution is too deep/)
})

test('a name like one of the JavaScript object is not found in the environment', () => {
  const conf = Configuration.fromEntries([['a', '${env.constructor}${toString}']])
  expect(conf.get('a')).toBe('${env.constructor}${toString}')
})

test('any keys and values come back from a file', async () => {
  const escape = (text: string): string =>
    text.replace(/[<>&\r]/g, found => `&#${found.charCodeAt(0)};`)
  const name = fc.stringMatching(/^[a-z][a-z0-9.-]{0,12}$/)
  const value = fc.stringMatching(/^[ -~\n\té]{1,20}$/).filter(text => !text.includes('${'))
  const entries = fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key, maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(entries, async pairs => {
      const hdfs = pairs.map(([key, text]) => property(key, escape(text))).join('')
      const { conf } = await load({ hdfs })
      for (const [key, text] of pairs) expect(conf.get(key)).toBe(text)
    }),
    { numRuns: 200 },
  )
})

describe('indirection', () => {
  const disk = filesDisk({ '/s': ' digest:u:p\n', '/no': new DiskError('EACCES', '/no') })

  test('@/path stands for the trimmed content of the file', async () => {
    expect(await resolveIndirection('@/s', disk)).toBe('digest:u:p')
    expect(await resolveIndirection('plain', disk)).toBe('plain')
    const conf = Configuration.fromEntries([['ha.zookeeper.auth', ' @/s ']])
    expect(await getIndirect(conf, 'ha.zookeeper.auth', disk)).toBe('digest:u:p')
    expect(await getIndirect(conf, 'absent', disk)).toBeUndefined()
  })

  test('a missing or unreadable file is a problem naming key and file', async () => {
    const read = (value: string): Promise<unknown> =>
      getIndirect(Configuration.fromEntries([['k', value]]), 'k', disk)
    await expect(read('@/nope')).rejects.toThrow('k (-D) = "@/nope": the file /nope does not exist')
    await expect(read('@/no')).rejects.toThrow(/could not be read \(EACCES\)/)
  })
})
