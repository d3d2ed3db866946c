import { readFile, replaceFile, type Disk } from '@baton/runtime'
import { expect, test } from 'vitest'
import { inWorld, rejectionCode, type MakeWorld } from './world.ts'

function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes)
}

function bytes(content: string): Uint8Array {
  return new TextEncoder().encode(content)
}

async function put(disk: Disk, path: string, content: string): Promise<void> {
  const file = await disk.open(path, 'write')
  await file.append(bytes(content))
  await file.sync()
  await file.close()
}

export function diskAcceptance(make: MakeWorld): void {
  fileAcceptance(make)
  namesAcceptance(make)
  lockAcceptance(make)
}

function fileAcceptance(make: MakeWorld): void {
  test('appends called without waiting land in order, and a sync covers them', () =>
    inWorld(make, async ({ disk }, { directory }) => {
      const file = await disk.open(`${directory}/log`, 'create')
      const done = ['one ', 'two ', 'three'].map(part => file.append(bytes(part)))
      await file.sync()
      await Promise.all(done)
      expect(await file.size()).toBe(13)
      expect(text(await file.read(0, 100))).toBe('one two three')
      expect(text(await file.read(4, 3))).toBe('two')
      expect(await file.read(13, 5)).toHaveLength(0)
      await file.close()
    }))

  test('an opened file appends at the end it had', () =>
    inWorld(make, async ({ disk }, { directory }) => {
      await put(disk, `${directory}/log`, 'old ')
      await put(disk, `${directory}/log`, 'new')
      expect(text(await readFile(disk, `${directory}/log`, 100))).toBe('old new')
    }))

  test('write changes in place and grows the file with zeros between', () =>
    inWorld(make, async ({ disk }, { directory }) => {
      const file = await disk.open(`${directory}/f`, 'write')
      await file.append(bytes('abcdef'))
      await file.write(2, bytes('XY'))
      await file.write(8, bytes('!'))
      await file.append(bytes('?'))
      expect(text(await file.read(0, 20))).toBe('abXYef\0\0!?')
      await file.close()
    }))

  test('truncate cuts and extends, and appends follow it', () =>
    inWorld(make, async ({ disk }, { directory }) => {
      const file = await disk.open(`${directory}/f`, 'write')
      await file.append(bytes('abcdef'))
      await file.truncate(2)
      await file.append(bytes('Z'))
      await file.truncate(5)
      expect(text(await file.read(0, 20))).toBe('abZ\0\0')
      await file.close()
    }))

  test('open modes: read wants the file, create wants it missing', () =>
    inWorld(make, async ({ disk }, { directory }) => {
      const path = `${directory}/f`
      expect(await rejectionCode(disk.open(path, 'read'))).toBe('ENOENT')
      await put(disk, path, 'x')
      expect(await rejectionCode(disk.open(path, 'create'))).toBe('EEXIST')
      expect(await rejectionCode(disk.open(directory, 'read'))).toBe('EISDIR')
      expect(await rejectionCode(disk.open(`${directory}/no/f`, 'write'))).toBe('ENOENT')
      expect(await rejectionCode(disk.open(`${path}/f`, 'write'))).toBe('ENOTDIR')
      const file = await disk.open(path, 'read')
      expect(await rejectionCode(file.append(bytes('y')))).toBe('EBADF')
      await file.close()
    }))

  test('a closed file refuses, closing twice does not', () =>
    inWorld(make, async ({ disk }, { directory }) => {
      const file = await disk.open(`${directory}/f`, 'write')
      await file.close()
      await file.close()
      expect(await rejectionCode(file.append(bytes('x')))).toBe('EBADF')
      expect(await rejectionCode(file.read(0, 1))).toBe('EBADF')
    }))

  test('a large file reads back as written, and a wrong length costs no memory', () =>
    inWorld(make, async ({ disk }, { directory }) => {
      const content = Uint8Array.from({ length: 300_000 }, (_, at) => at % 253)
      const file = await disk.open(`${directory}/big`, 'write')
      await file.append(content)
      const found = await file.read(0, 2 ** 40)
      expect(Buffer.compare(found, content)).toBe(0)
      await file.close()
    }))
}

function namesAcceptance(make: MakeWorld): void {
  test('rename replaces, and the old name is gone', () =>
    inWorld(make, async ({ disk }, { directory }) => {
      await put(disk, `${directory}/a`, 'new')
      await put(disk, `${directory}/b`, 'old')
      await disk.rename(`${directory}/a`, `${directory}/b`)
      await disk.syncDirectory(directory)
      expect(await disk.list(directory)).toEqual(['b'])
      expect(text(await readFile(disk, `${directory}/b`, 10))).toBe('new')
      const missing = disk.rename(`${directory}/a`, `${directory}/c`)
      expect(await rejectionCode(missing)).toBe('ENOENT')
    }))

  test('directories are made with their parents, listed sorted, and again without harm', () =>
    inWorld(make, async ({ disk }, { directory }) => {
      const deep = `${directory}/x/y/z`
      await disk.makeDirectory(deep)
      await disk.makeDirectory(deep)
      for (const name of ['b', 'a', 'c10', 'c9']) await put(disk, `${deep}/${name}`, name)
      expect(await disk.list(deep)).toEqual(['a', 'b', 'c10', 'c9'])
      expect(await disk.stat(deep)).toMatchObject({ isDirectory: true })
      expect(await disk.stat(`${deep}/c10`)).toEqual({ size: 3, isDirectory: false })
      expect(await disk.stat(`${deep}/none`)).toBeUndefined()
    }))

  test('remove takes files only, and an open file stays readable', () =>
    inWorld(make, async ({ disk }, { directory }) => {
      await put(disk, `${directory}/f`, 'still here')
      const file = await disk.open(`${directory}/f`, 'read')
      await disk.remove(`${directory}/f`)
      expect(await disk.stat(`${directory}/f`)).toBeUndefined()
      expect(text(await file.read(0, 5))).toBe('still')
      await file.close()
      expect(await rejectionCode(disk.remove(`${directory}/f`))).toBe('ENOENT')
      await disk.makeDirectory(`${directory}/d`)
      expect(['EISDIR', 'EPERM']).toContain(await rejectionCode(disk.remove(`${directory}/d`)))
    }))

  test('what is missing is named by its code', () =>
    inWorld(make, async ({ disk }, { directory }) => {
      expect(await rejectionCode(disk.list(`${directory}/no`))).toBe('ENOENT')
      expect(await rejectionCode(disk.syncDirectory(`${directory}/no`))).toBe('ENOENT')
      await put(disk, `${directory}/f`, 'x')
      expect(await rejectionCode(disk.list(`${directory}/f`))).toBe('ENOTDIR')
      expect(await rejectionCode(disk.syncDirectory(`${directory}/f`))).toBe('ENOTDIR')
      expect(await rejectionCode(disk.makeDirectory(`${directory}/f`))).toBe('EEXIST')
    }))

  test('replaceFile leaves the new content and nothing aside', () =>
    inWorld(make, async ({ disk }, { directory }) => {
      const path = `${directory}/state`
      await replaceFile(disk, path, bytes('a longer first content'))
      await replaceFile(disk, path, bytes('second'))
      expect(text(await readFile(disk, path, 100))).toBe('second')
      expect(await disk.list(directory)).toEqual(['state'])
      expect(await rejectionCode(readFile(disk, path, 3))).toBe('EFBIG')
    }))
}

function lockAcceptance(make: MakeWorld): void {
  test('a lock is held by one, and free once released', () =>
    inWorld(make, async ({ disk }, { directory }) => {
      const path = `${directory}/lock`
      const lock = await disk.lock(path)
      expect(await rejectionCode(disk.lock(path))).toBe('ELOCKED')
      await lock.release()
      await lock.release()
      const again = await disk.lock(path)
      expect(await rejectionCode(disk.lock(path))).toBe('ELOCKED')
      await again.release()
    }))
}
