/** Middle value; for an even count the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

export interface Measured {
  readonly name: string
  readonly unit: 'ms' | 'MB'
  readonly java: readonly number[]
  readonly baton: readonly number[]
  /** What the figure is held to, in words. */
  readonly goal: string
}

/** Medians with their ranges, and the ratio of the medians: below 1 is better than Java. */
export function formatMeasured(rows: readonly Measured[]): string {
  const cells = [
    ['what', 'stock Java', 'Baton', 'ratio', 'goal'],
    ...rows.map(row => [
      row.name,
      spread(row.java, row.unit),
      spread(row.baton, row.unit),
      row.java.length === 0 ? '-' : (median(row.baton) / median(row.java)).toFixed(2),
      row.goal,
    ]),
  ]
  const lines = cells.map(row => `| ${row.join(' | ')} |`)
  return [lines[0], '| --- | --- | --- | --- | --- |', ...lines.slice(1)].join('\n')
}

function spread(values: readonly number[], unit: 'ms' | 'MB'): string {
  if (values.length === 0) return '-'
  const show = (value: number): string => `${Math.round(value)}`
  const range = `${show(Math.min(...values))}-${show(Math.max(...values))}`
  return `${show(median(values))} ${unit} (${range}, n=${values.length})`
}
