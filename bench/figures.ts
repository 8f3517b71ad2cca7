/** What a figure has to be, to be good enough; shown beside it. */
export interface Mark {
  readonly atMost: number
}

export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit?: string
  readonly mark?: Mark
  /** What else there is to say of this one. */
  readonly note?: string
}

export type Workload =
  | 'W1'
  | 'W2'
  | 'W2 pushed'
  | 'Burst'
  | 'W5 one tag'
  | 'W5 one repository'
  | 'W6'
  | 'W7 tokens'
  | 'W7 ECR'
  | 'W7 ECR, ThrottlingException'
  | 'W7 ECR, 429'
  | 'W8'
  | 'W11'

/** The figures of one workload at one size. */
export interface FigureSet {
  readonly workload: Workload
  /** How many tags are followed; in W6, how many the repository has. */
  readonly n: number
  readonly figures: readonly Figure[]
}

/** The smallest value that at least this part of them does not exceed. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)

export function countBy<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1)
  return counts
}

/** `patch deployments 60, create events 120`. */
export const listed = (counts: ReadonlyMap<string, number>): string =>
  [...counts].map(([name, count]) => `${name} ${count}`).join(', ') || 'none'

/** What is measured is shown at once: what comes later may fail. */
export type Take = (what: string, measure: () => Promise<FigureSet>) => Promise<FigureSet>
