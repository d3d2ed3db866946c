import { replaceFile, type Runtime } from '@baton/runtime'
import { Simulation } from '@baton/runtime/sim'
import { expect, test } from 'vitest'
import { rejectionCode } from '../../../../test/acceptance/world.ts'

const OLD = new TextEncoder().encode('the old content')
const NEW = new TextEncoder().encode('a new and longer content')

/** Runs a program on a fresh host to its end, or cuts the power at `crashAtMs`. */
async function runAndCrash(
  seed: number,
  main: (runtime: Runtime) => Promise<void>,
  crashAtMs?: number,
): Promise<Simulation> {
  const sim = new Simulation({ seed })
  const host = sim.host('a')
  host.disk.put('/d/state', OLD)
  let done = false
  host.spawn('p', async runtime => {
    await main(runtime)
    done = true
  })
  if (crashAtMs === undefined) await sim.runUntil(() => done)
  else await sim.runUntil(crashAtMs)
  host.crash()
  host.restart()
  return sim
}

function content(sim: Simulation, path: string): string | undefined {
  const bytes = sim.host('a').disk.peek(path)
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes)
}

async function contents(
  main: (runtime: Runtime) => Promise<void>,
  path: string,
): Promise<Set<string | undefined>> {
  const seen = new Set<string | undefined>()
  for (let seed = 0; seed < 60; seed++) seen.add(content(await runAndCrash(seed, main), path))
  return seen
}

test('a synced append survives power loss, its file too where its name was durable', async () => {
  const seen = await contents(async ({ disk }) => {
    const file = await disk.open('/d/state', 'write')
    await file.append(Uint8Array.of(33))
    await file.sync()
  }, '/d/state')
  expect([...seen]).toEqual(['the old content!'])
})

test('an unsynced append is kept, lost or torn, and nothing else', async () => {
  const seen = await contents(async ({ disk }) => {
    const file = await disk.open('/d/state', 'write')
    await file.append(NEW)
  }, '/d/state')
  const whole = 'the old contenta new and longer content'
  expect(seen).toContain('the old content')
  expect(seen).toContain(whole)
  expect(seen.size).toBeGreaterThan(4)
  for (const text of seen) {
    const kept = (text ?? '').replace(/\0+$/, '')
    expect(whole.startsWith(kept) && kept.length >= OLD.length).toBe(true)
  }
})

test('of several unsynced writes a prefix survives', async () => {
  const seen = await contents(async ({ disk }) => {
    const file = await disk.open('/d/state', 'write')
    for (const digit of '0123') await file.append(new TextEncoder().encode(digit))
  }, '/d/state')
  for (const text of seen) {
    expect((text ?? '').replace(/\0+$/, '')).toMatch(/^the old content(0(1(23?)?)?)?$/)
  }
  expect(seen.size).toBeGreaterThan(3)
})

test('an unsynced overwrite leaves old bytes or new ones, at their place', async () => {
  const seen = await contents(async ({ disk }) => {
    const file = await disk.open('/d/state', 'write')
    await file.write(0, new TextEncoder().encode('THE'))
  }, '/d/state')
  for (const text of seen) expect(text).toMatch(/^(the|The|THe|THE) old content$/)
  expect(seen.size).toBeGreaterThan(2)
})

test('a new file without its directory synced may be gone, with it it stays', async () => {
  const make =
    (syncDirectory: boolean) =>
    async ({ disk }: Runtime): Promise<void> => {
      const file = await disk.open('/d/new', 'create')
      await file.append(NEW)
      await file.sync()
      if (syncDirectory) await disk.syncDirectory('/d')
    }
  const unsynced = await contents(make(false), '/d/new')
  expect(unsynced).toEqual(new Set([undefined, 'a new and longer content']))
  expect([...(await contents(make(true), '/d/new'))]).toEqual(['a new and longer content'])
})

test('an unsynced rename and remove may be undone by power loss', async () => {
  const rename = await contents(({ disk }) => disk.rename('/d/state', '/d/moved'), '/d/state')
  expect(rename).toEqual(new Set(['the old content', undefined]))
  const remove = await contents(({ disk }) => disk.remove('/d/state'), '/d/state')
  expect(remove).toEqual(new Set(['the old content', undefined]))
})

test('replaceFile leaves the old content or the new at any moment of power loss', async () => {
  const seen = new Set<string | undefined>()
  const main = ({ disk }: Runtime): Promise<void> => replaceFile(disk, '/d/state', NEW)
  for (let seed = 0; seed < 20; seed++) {
    for (let crashAtMs = 0; crashAtMs < 5; crashAtMs += 0.25) {
      seen.add(content(await runAndCrash(seed, main, crashAtMs), '/d/state'))
    }
    expect(content(await runAndCrash(seed, main), '/d/state')).toBe('a new and longer content')
  }
  expect(seen).toEqual(new Set(['the old content', 'a new and longer content']))
})

test('a killed process leaves a prefix of what it had given to the kernel', async () => {
  const seen = new Set<string | undefined>()
  for (let seed = 0; seed < 60; seed++) {
    const sim = new Simulation({ seed })
    const process = sim.host('a').spawn('p', async ({ disk }) => {
      const file = await disk.open('/f', 'write')
      for (const digit of ['0000', '1111', '2222']) {
        void file.append(new TextEncoder().encode(digit))
      }
      await file.sync()
    })
    await sim.runUntil(0.12)
    process.kill()
    await sim.runFor(10)
    seen.add(content(sim, '/f'))
  }
  for (const text of seen) expect('000011112222'.startsWith(text ?? '')).toBe(true)
  expect(seen.size).toBeGreaterThan(4)
})

test('a kill alone loses nothing that was written', async () => {
  const sim = new Simulation({ seed: 1 })
  const process = sim.host('a').spawn('p', async ({ disk }) => {
    await (await disk.open('/f', 'write')).append(NEW)
  })
  await sim.runFor(10)
  process.kill()
  expect(content(sim, '/f')).toBe('a new and longer content')
})

test('hosts on a shared disk see one directory, and lose their own writes only', async () => {
  for (let seed = 0; seed < 20; seed++) {
    const sim = new Simulation({ seed })
    const shared = sim.sharedDisk('edits')
    shared.put('/.keep', new Uint8Array())
    for (const name of ['a', 'b']) {
      sim.host(name).mount('/mnt/edits', shared)
      sim.host(name).spawn('p', async ({ disk }) => {
        const file = await disk.open(`/mnt/edits/${name}`, 'create')
        await disk.syncDirectory('/mnt/edits')
        await file.append(NEW)
      })
    }
    await sim.runFor(20)
    expect(shared.paths()).toEqual(['/.keep', '/a', '/b'])
    sim.host('a').crash()
    expect(shared.peek('/b')).toEqual(NEW)
    expect(shared.peek('/a')?.length ?? 0).toBeLessThanOrEqual(NEW.length)
  }
})

async function codes(
  prepare: (sim: Simulation) => void,
  main: (runtime: Runtime, note: (code: string) => void) => Promise<void>,
): Promise<readonly string[]> {
  const sim = new Simulation({ seed: 1 })
  const found: string[] = []
  sim.host('a').disk.put('/f', OLD)
  prepare(sim)
  sim.host('a').spawn('p', runtime => main(runtime, code => found.push(code)))
  await sim.runFor(1_000)
  return found
}

test('a full disk takes what fits, and appends stay refused until a truncate', async () => {
  const found = await codes(
    sim => (sim.host('a').disk.capacityBytes = OLD.length + 10),
    async ({ disk }, note) => {
      const file = await disk.open('/g', 'create')
      note(await rejectionCode(file.append(new Uint8Array(8))))
      note(await rejectionCode(file.append(new Uint8Array(8))))
      note(await rejectionCode(file.append(new Uint8Array(1))))
      note(String(await file.size()))
      await file.truncate(8)
      note(await rejectionCode(file.append(new Uint8Array(1))))
    },
  )
  expect(found).toEqual(['resolved', 'ENOSPC', 'ENOSPC', '10', 'resolved'])
})

test('a read-only disk refuses every change and still reads', async () => {
  const found = await codes(
    sim => (sim.host('a').disk.readOnly = true),
    async ({ disk }, note) => {
      note(await rejectionCode(disk.open('/g', 'create')))
      note(await rejectionCode(disk.rename('/f', '/g')))
      note(await rejectionCode(disk.remove('/f')))
      note(await rejectionCode(disk.makeDirectory('/d')))
      const file = await disk.open('/f', 'read')
      note(await rejectionCode(file.read(0, 3)))
    },
  )
  expect(found).toEqual(['EROFS', 'EROFS', 'EROFS', 'EROFS', 'resolved'])
})

test('a failed sync is not made good by the next, and its bytes are not durable', async () => {
  const sim = new Simulation({ seed: 3 })
  const { disk } = sim.host('a')
  disk.put('/f', OLD)
  disk.fail({ code: 'EIO', kinds: ['sync'], times: 1 })
  const found: string[] = []
  sim.host('a').spawn('p', async runtime => {
    const file = await runtime.disk.open('/f', 'write')
    await file.append(NEW)
    found.push(await rejectionCode(file.sync()), await rejectionCode(file.sync()))
    const again = await runtime.disk.open('/f', 'write')
    found.push(await rejectionCode(again.sync()))
  })
  await sim.runFor(100)
  expect(found).toEqual(['EIO', 'EIO', 'resolved'])
  sim.host('a').crash()
  const left = disk.peek('/f') as Uint8Array
  expect(new TextDecoder().decode(left.subarray(0, OLD.length))).toBe('the old content')
  expect(new TextDecoder().decode(left)).not.toContain('longer content')
})

test('onOperation can fail each single operation of a run', async () => {
  const main = ({ disk }: Runtime): Promise<void> => replaceFile(disk, '/d/state', NEW)
  const clean = await runAndCrash(1, main)
  const { operationCount } = clean.host('a').disk
  expect(operationCount).toBe(7)
  for (let failAt = 0; failAt < operationCount; failAt++) {
    const sim = new Simulation({ seed: 1 })
    const { disk } = sim.host('a')
    disk.put('/d/state', OLD)
    disk.onOperation = operation => (operation.index === failAt ? 'EIO' : undefined)
    let code: string | undefined
    sim.host('a').spawn('p', async runtime => {
      code = await rejectionCode(main(runtime))
    })
    await sim.runUntil(() => code !== undefined)
    expect(code).toBe('EIO')
    expect(['the old content', 'a new and longer content']).toContain(content(sim, '/d/state'))
  }
})

test('a slow disk is slow', async () => {
  const sim = new Simulation({ seed: 1 })
  sim.host('a').disk.setLatency({ minMs: 500, maxMs: 500, syncMinMs: 3_000, syncMaxMs: 3_000 })
  let endedAtMs = 0
  sim.host('a').spawn('p', async ({ disk }) => {
    const file = await disk.open('/f', 'create')
    await file.append(NEW)
    await file.sync()
    endedAtMs = sim.now
  })
  await sim.runUntil(() => endedAtMs > 0)
  expect(endedAtMs).toBe(4_000)
})
