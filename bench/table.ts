import type { Figure, FigureSet } from './figures.ts'

/**
 * A row for each figure, a column for each size, and how a figure grows from the smallest size to the largest; the notes
 * below it, of the largest size.
 */
export function tableOf(sets: readonly FigureSet[]): string {
  const workloads = [...new Set(sets.map(({ workload }) => workload))]
  return workloads.map((workload) => section(sets.filter((set) => set.workload === workload))).join('\n\n')
}

function section(sets: readonly FigureSet[]): string {
  const [smallest, largest] = [sets[0], sets.at(-1)]
  if (!smallest || !largest) return ''
  const several = sets.length > 1
  const growth = several ? [`grows by (${largest.n / smallest.n}× the tags)`] : []
  const header = [smallest.workload, ...sets.map(({ n }) => `N = ${n.toLocaleString('en')}`), ...growth, 'mark', '']
  const rows = largest.figures.map((figure, index) => {
    const same = sets.map(({ figures }) => figures[index]).filter((one) => one !== undefined)
    const grown = several ? [ratio(same)] : []
    const { name, unit, mark } = figure
    return [
      unit === undefined ? name : `${name}, ${unit}`,
      ...same.map(({ value }) => shown(value)),
      ...grown,
      mark === undefined ? '' : `≤ ${mark.atMost}`,
      verdict(same),
    ]
  })
  const notes = largest.figures.filter(({ note }) => note !== undefined).map(({ name, note }) => `${name}: ${note}`)
  return [...aligned([header, ...rows]), '', ...notes.map((note) => `  ${note}`)].join('\n')
}

const meets = ({ value, mark }: Figure): boolean => mark === undefined || value <= mark.atMost

function verdict(figures: readonly Figure[]): string {
  if (figures.every(({ mark }) => mark === undefined)) return ''
  return figures.every(meets) ? 'ok' : 'not met'
}

function ratio(figures: readonly Figure[]): string {
  const [before, after] = [figures[0]?.value ?? 0, figures.at(-1)?.value ?? 0]
  return before === 0 ? '' : `${(after / before).toFixed(2)}×`
}

function shown(value: number): string {
  if (Number.isInteger(value)) return String(value)
  return value >= 100 ? value.toFixed(0) : value.toPrecision(value >= 1 ? 3 : 2)
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
  const [header = [], ...others] = rows
  return [line(header), widths.map((width) => '─'.repeat(width)).join('──'), ...others.map(line)].map((row) =>
    row.trimEnd(),
  )
}

/** For programs; the verdicts with it. */
export function jsonLineOf({ workload, n, figures }: FigureSet): string {
  const all = figures.map(({ name, unit, value, mark, note }) => ({
    figure: name,
    unit,
    value: Number(value.toPrecision(6)),
    ...(mark === undefined ? {} : { atMost: mark.atMost, ok: value <= mark.atMost }),
    note,
  }))
  return JSON.stringify({ workload, n, figures: all })
}
