import type { ControllerEvent } from '@baton/zkfc'

/** One row of the table at the end. Times in ms; undefined where there was no such step. */
export interface TourRow {
  readonly event: string
  readonly from: string
  readonly to: string
  readonly detectionMs: number | undefined
  readonly fencingMs: number | undefined
  readonly activationMs: number | undefined
  readonly writeOutageMs: number
  readonly kept: boolean
}

export interface TourResult {
  readonly rows: readonly TourRow[]
  readonly acknowledgedCount: number
  readonly lostCount: number
  readonly twoActiveCount: number
  readonly broken: readonly string[]
}

/** What the controllers told of one fault: the time of each part, on the wall clock they share. */
export function timesOf(
  events: readonly ControllerEvent[],
  faultAt: number,
): Pick<TourRow, 'detectionMs' | 'fencingMs' | 'activationMs'> {
  const later = events.filter(event => event.at >= faultAt)
  const detected = later.find(event => DETECTIONS.has(event.kind))
  const done = later.findLast(event => event.kind === 'failoverEnded' && event.ok)
  const steps = done?.kind === 'failoverEnded' ? done.steps : []
  const sum = (...names: readonly string[]): number | undefined => {
    const found = steps.filter(step => names.includes(step.name))
    if (found.length === 0) return undefined
    return Math.round(found.reduce((ms, step) => ms + step.durationMs, 0))
  }
  return {
    detectionMs: detected === undefined ? undefined : detected.at - faultAt,
    fencingMs: sum('gracefulFence', 'fencing'),
    activationMs: sum('activation'),
  }
}

/** The first sign that a controller acts on: it leaves, is asked to, or finds the lock free. */
const DETECTIONS: ReadonlySet<string> = new Set(['electionLeft', 'cedeRequested', 'lockAcquired'])

const HEADINGS = ['event', 'role', 'detection', 'fencing', 'activation', 'no writes'] as const

export function formatTable(rows: readonly TourRow[]): string {
  const cells = rows.map(row => [
    row.event,
    row.from === row.to ? `${row.to} keeps it` : `${row.from} -> ${row.to}`,
    time(row.detectionMs),
    time(row.fencingMs),
    time(row.activationMs),
    time(row.writeOutageMs),
  ])
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...cells.map(row => row[column]?.length ?? 0)),
  )
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd()
  const rule = widths.map(width => '-'.repeat(width))
  return [line(HEADINGS), line(rule), ...cells.map(line)].join('\n')
}

function time(ms: number | undefined): string {
  if (ms === undefined) return '-'
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(2)} s`
}
