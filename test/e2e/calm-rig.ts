import { expect } from 'vitest'
import { Rig } from './rig.ts'

let started: Promise<Rig> | undefined

/** One cluster in peace, shared by all cases of bad input: none of them may disturb it. */
export function calmRig(): Promise<Rig> {
  started ??= Rig.start('e2e-calm')
  return started
}

export async function stopCalmRig(): Promise<void> {
  await (await started)?.stop()
}

/** Whatever `run` does: roles, lock and breadcrumb stay, and no fencing method runs. */
export async function undisturbed<T>(run: (rig: Rig) => Promise<T>): Promise<T> {
  const rig = await calmRig()
  const before = await rig.snapshot()
  expect(before).toMatchObject({ states: ['active', 'standby'], fenced: [] })
  const result = await run(rig)
  expect(await rig.snapshot()).toEqual(before)
  return result
}
