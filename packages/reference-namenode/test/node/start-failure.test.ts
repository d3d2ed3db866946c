import { Configuration } from '@baton/hadoop'
import { NetworkError } from '@baton/runtime'
import { expect, test } from 'vitest'
import { listenFailure, requireAddress } from '../../src/node/start-failure.ts'

const conf = Configuration.fromEntries([
  ['dfs.nameservices', 'c1'],
  ['dfs.ha.namenodes.c1', 'nn1,nn2'],
  ['dfs.namenode.rpc-address.c1.nn1', 'h:8020'],
  ['dfs.namenode.servicerpc-address.c1.nn1', 'h:8021'],
])
const nn1 = { nameserviceId: 'c1', namenodeId: 'nn1' }

test('a NameNode without an address is told its key, the file and the known ids', () => {
  requireAddress(conf, nn1, '/conf')
  const nn3 = { nameserviceId: 'c1', namenodeId: 'nn3' }
  expect(() => requireAddress(conf, nn3, '/conf/')).toThrow(
    'dfs.namenode.rpc-address.c1.nn3 is not set: set it in /conf/hdfs-site.xml,' +
      ' or name another --id (dfs.ha.namenodes.c1 names nn1, nn2)',
  )
})

test.each([
  [8020, 'EADDRINUSE', /^dfs\.namenode\.rpc-address\.c1\.nn1 = "h:8020" .*: port 8020 is in use/],
  [8021, 'EADDRINUSE', /^dfs\.namenode\.servicerpc-address\.c1\.nn1 .*: port 8021 is in use/],
  [8020, 'ENOTFOUND', /the host name "h" does not resolve$/],
  [8020, 'EMFILE', /: too many$/],
])('port %i, %s: the key and the cause are named', (port, code, text) => {
  const error = new NetworkError(code, { host: 'h', port }, 'too many')
  expect(listenFailure(conf, nn1, error)).toMatch(text)
})

test('an address that no key holds, and other errors, are left to their own message', () => {
  const other = new NetworkError('EADDRINUSE', { host: 'h', port: 1 }, '')
  expect(listenFailure(conf, nn1, other)).toBeUndefined()
  expect(listenFailure(conf, nn1, new Error('x'))).toBeUndefined()
})
