import { DiskError, NetworkError } from '@baton/runtime'
import { expect, test } from 'vitest'
import { startFailure } from '../src/server-errors.ts'

const places = {
  dataDir: '/data',
  dataLogDir: '/logs',
  clientAddress: { host: 'h', port: 2181 },
}

test.each([
  [new DiskError('EACCES', '/data'), /^zoo\.cfg: dataDir=\/data cannot be used: this user may not/],
  [new DiskError('EACCES', '/logs/log.1'), /dataLogDir=\/logs .*\(at \/logs\/log\.1\): this user/],
  [new DiskError('ELOCKED', '/data/baton.lock'), /dataDir=\/data .*another server uses it/],
  [new DiskError('EROFS', '/data'), /its file system is read-only/],
  [new DiskError('EIO', '/data', 'the disk said no'), /the disk said no/],
  [new NetworkError('EADDRNOTAVAIL', places.clientAddress, ''), /no address of this machine/],
  [new NetworkError('EACCES', places.clientAddress, ''), /may not listen on port 2181 of client/],
  [new NetworkError('EMFILE', places.clientAddress, 'too many'), /clientPort: too many/],
])('%s names key, file and cause', (error, text) => {
  expect(startFailure('zoo.cfg', places, error)).toMatch(text)
})

test('an error of another kind is left to its own message', () => {
  expect(startFailure('zoo.cfg', places, new Error('x'))).toBeUndefined()
})
