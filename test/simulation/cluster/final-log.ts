import type { SimDisk } from '@baton/runtime/sim'
import type { LoggedEntry } from '../observations.ts'

/*
 * Reads the shared edits as they lie on the disk, apart from the code that wrote them: the newest
 * whole seal says what counts of the logs before it; its own log counts as far as it is whole.
 */
const SEAL = /^\/seal-(\d+)$/

export function readFinalLog(disk: SimDisk): readonly LoggedEntry[] {
  const seals = disk
    .paths()
    .map(path => Number(SEAL.exec(path)?.[1] ?? 0))
    .filter(epoch => epoch > 0)
    .sort((a, b) => b - a)
  for (const epoch of seals) {
    const sealed = readSeal(disk, epoch)
    if (sealed === undefined) continue
    const older = sealed.flatMap(([of, bytes]) => readLog(disk, of, bytes))
    return [...older, ...readLog(disk, epoch, Infinity)]
  }
  return []
}

function pathOf(kind: 'seal' | 'edits', epoch: number): string {
  return `/${kind}-${String(epoch).padStart(12, '0')}`
}

/** undefined: its writer did not get to finish it (the second line is missing). */
function readSeal(disk: SimDisk, epoch: number): [number, number][] | undefined {
  const text = new TextDecoder().decode(disk.peek(pathOf('seal', epoch)))
  const match = /^(.+)\n\d+\n$/.exec(text)
  if (match?.[1] === undefined) return undefined
  return (JSON.parse(match[1]) as { sealed: [number, number][] }).sealed
}

function readLog(disk: SimDisk, epoch: number, endByte: number): LoggedEntry[] {
  const bytes = disk.peek(pathOf('edits', epoch))
  const entries: LoggedEntry[] = []
  if (bytes === undefined) return entries
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 0
  while (at + 8 <= Math.min(bytes.length, endByte)) {
    const length = view.getUint32(at)
    if (length === 0 || at + 8 + length > bytes.length) break
    const text = new TextDecoder().decode(bytes.subarray(at + 8, at + 8 + length))
    const edit = parse(text)
    if (edit === undefined) break
    if (edit.operation.entry !== undefined) entries.push({ entry: edit.operation.entry, epoch })
    at += 8 + length
  }
  return entries
}

function parse(text: string): { operation: { entry?: string } } | undefined {
  try {
    return JSON.parse(text) as { operation: { entry?: string } }
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
