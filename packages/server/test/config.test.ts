import { describe, expect, test } from 'vitest'
import { ConfigError, parseZooCfg, unknownKeys } from '../src/config.ts'

const MINIMAL = 'dataDir=/data\nclientPort=2181\n'

function problems(text: string): readonly string[] {
  try {
    parseZooCfg(text, 'zoo.cfg')
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  throw new Error('no problem was found')
}

describe('parseZooCfg', () => {
  test('takes the defaults of ZooKeeper, and loopback where no address is given', () => {
    expect(parseZooCfg(MINIMAL, 'zoo.cfg')).toMatchObject({
      dataDir: '/data',
      dataLogDir: '/data',
      clientAddress: { host: '127.0.0.1', port: 2181 },
      tickTimeMs: 3000,
      minSessionTimeoutMs: 6000,
      maxSessionTimeoutMs: 60_000,
      maxClientCnxns: 60,
      frameBytesMax: 0xfffff,
      globalOutstandingMax: 1000,
      fourLetterWords: new Set(['srvr']),
      superDigest: undefined,
    })
  })

  test('reads keys with and without the prefix zookeeper.', () => {
    const text = `${MINIMAL}zookeeper.extendedTypesEnabled=true
skipACL = yes
jute.maxbuffer: 4194304
4lw.commands.whitelist=stat, ruok,\\
    isro`
    expect(parseZooCfg(text, 'zoo.cfg')).toMatchObject({
      extendedTypesEnabled: true,
      skipAcl: true,
      frameBytesMax: 4_194_304,
      fourLetterWords: new Set(['stat', 'ruok', 'isro']),
    })
  })

  test('keeps a key it does not know under zookeeper.<key>', () => {
    const config = parseZooCfg(`${MINIMAL}some.key=a b \n`, 'zoo.cfg')
    expect([...config.properties]).toEqual([['zookeeper.some.key', 'a b']])
  })

  test('tells keys that nobody knows from those of ZooKeeper and those with a dot', () => {
    const lines = ['datDir=/data', 'initLimit=5', 'snapCount=10', 'some.key=x', 'server.1=a:1:2']
    const config = parseZooCfg(MINIMAL + lines.join('\n'), 'zoo.cfg')
    expect(unknownKeys(config)).toEqual(['datDir'])
    expect(problems('clientPort=1\ndatDir=/data\ninitLimit=5')).toEqual([
      'dataDir is missing: name the directory for data',
      'line 2: datDir: no such key is known',
    ])
  })

  test('binds the address that is configured', () => {
    const config = parseZooCfg(`${MINIMAL}clientPortAddress=0.0.0.0`, 'zoo.cfg')
    expect(config.clientAddress).toEqual({ host: '0.0.0.0', port: 2181 })
  })

  test('reports every problem at once, each with its line', () => {
    const text = `# a comment
tickTime=fast
clientPort=70000
minSessionTimeout=50000
maxSessionTimeout=100
secureClientPort=2281
skipACL=perhaps
DigestAuthenticationProvider.digestAlg=SHA256`
    expect(problems(text)).toEqual([
      'dataDir is missing: name the directory for data',
      'line 2: tickTime=fast: expected a whole number from 1 to 2147483647',
      'line 3: clientPort=70000: expected a whole number from 0 to 65535',
      'line 4: minSessionTimeout 50000 is above maxSessionTimeout 100',
      'line 6: secureClientPort=2281: TLS is not offered; remove the line',
      'line 7: skipACL=perhaps: expected yes or no',
      'line 8: DigestAuthenticationProvider.digestAlg=SHA256: ' +
        'only SHA1 is offered; remove the line',
    ])
  })

  test('refuses an ensemble of more than one server, and takes one', () => {
    const two = `${MINIMAL}server.1=a:2888:3888\nserver.2=b:2888:3888`
    expect(problems(two)).toEqual([
      'line 4: 2 server.N lines describe an ensemble; this version runs a standalone server only:' +
        ' leave at most one server.N line',
    ])
    const one = parseZooCfg('dataDir=/data\nserver.1=a:2888:3888;127.0.0.5:2182', 'zoo.cfg')
    expect(one.clientAddress).toEqual({ host: '127.0.0.5', port: 2182 })
  })

  test('overrides win over the file', () => {
    const config = parseZooCfg(MINIMAL, 'zoo.cfg', [['tickTime', '500']])
    expect(config.tickTimeMs).toBe(500)
  })
})
