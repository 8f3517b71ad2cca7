/** The forms of output that several commands share. */

/** Columns as kubectl prints them: capitals in the head, three spaces between columns, no trailing spaces. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [heads, ...rows]
  const widths = heads.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines
    .map((line) => `${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('   ')}`.trimEnd())
    .map((line) => `${line}\n`)
    .join('')
}

export type Row = readonly [name: string, value: string]

/** One value per line, after its name. */
export function list(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `${name.padEnd(width)}   ${value}\n`).join('')
}

export const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`
