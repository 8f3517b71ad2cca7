/** The forms of output that several commands share. */

export type Row = readonly string[]

/** Columns as kubectl prints them: three spaces between columns, no trailing spaces. A first row in capitals is the head. */
export function table(rows: readonly Row[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('   '))
  return lines.map((line) => `${line.trimEnd()}\n`).join('')
}

export const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`
