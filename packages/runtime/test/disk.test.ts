import { parentDirectory } from '@baton/runtime'
import { expect, test } from 'vitest'

test('the parent of a path is what lies before its last slash', () => {
  expect(parentDirectory('/data/version-2/log.1')).toBe('/data/version-2')
  expect(parentDirectory('/file')).toBe('/')
  expect(parentDirectory('file')).toBe('.')
})
