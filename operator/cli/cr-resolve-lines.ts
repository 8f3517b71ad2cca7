/** How `cr resolve` sets out what it has found: a head and what belongs to it, line by line. */
import type { Asked } from '../commands/tags/results.ts'

export type Row = readonly [head: string, text: string]

export function inLines(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(([head]) => head.length))
  return rows.map(([head, text]) => `${head.padEnd(width)}   ${text}\n`).join('')
}

export const asWhom = ({ provider, credentials: { user, source } }: Asked): readonly Row[] => [
  ['Provider', provider],
  ['Credentials', user === undefined ? source : `user ${user} (${source})`],
]
