/** Draws a tree of lines, as wide as the terminal. */

export type Tone = 'good' | 'busy' | 'bad' | 'dim'

export interface Branch {
  /** Those of siblings stand in columns. */
  readonly cells: readonly string[]
  readonly tone?: Tone | undefined
  readonly below?: readonly Branch[]
}

export interface Screen {
  /** Undefined: no line is cut. */
  readonly columns?: number | undefined
  readonly colours: boolean
}

const codes: Readonly<Record<Tone, number>> = { good: 32, busy: 33, bad: 31, dim: 2 }

export function treeLines({ cells, tone, below = [] }: Branch, screen: Screen): readonly string[] {
  return [line('', cells.join('  '), tone, screen), ...branchLines(below, '', screen)]
}

function branchLines(branches: readonly Branch[], indent: string, screen: Screen): readonly string[] {
  const widths: number[] = []
  // A last cell, such as a message, makes no column.
  for (const { cells } of branches) {
    for (const [at, cell] of cells.slice(0, -1).entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length)
  }
  return branches.flatMap(({ cells, tone, below = [] }, at) => {
    const isLast = at === branches.length - 1
    const text = cells.map((cell, place) => (place < cells.length - 1 ? cell.padEnd(widths[place] ?? 0) : cell))
    return [
      line(`${indent}${isLast ? '└─ ' : '├─ '}`, text.join('  ').trimEnd(), tone, screen),
      ...branchLines(below, `${indent}${isLast ? '   ' : '│  '}`, screen),
    ]
  })
}

function line(indent: string, text: string, tone: Tone | undefined, { columns, colours }: Screen): string {
  const width = columns === undefined ? Number.POSITIVE_INFINITY : Math.max(columns - indent.length, 1)
  const shown = text.length > width ? `${text.slice(0, width - 1)}…` : text
  return `${indent}${colours && tone !== undefined ? `\u001b[${codes[tone]}m${shown}\u001b[0m` : shown}`
}

/** Fills lines with words; each line is at most this wide. */
export function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = []
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
