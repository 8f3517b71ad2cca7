/** Which metrics and labels PromQL, the dashboard and the docs name, and which a scrape has. */

export interface Used {
  /** Where it is named, for the message of a failure. */
  readonly where: string
  readonly name: string
  readonly labels: readonly string[]
}

/** Whoever scrapes adds these. */
const ofTheScrape: ReadonlySet<string> = new Set(['instance', 'pod', 'job'])

const wordsOf = (text: string): readonly string[] => text.match(/\w+/g) ?? []

/** @param legend of a panel, such as `{{host}} {{outcome}}` */
export function usedIn(where: string, expr: string, legend = ''): readonly Used[] {
  const grouped = [...expr.matchAll(/\b(?:by|on|group_left) \(([^)]*)\)/g)].flatMap(([, labels = '']) =>
    wordsOf(labels),
  )
  const shown = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label)
  return [...expr.matchAll(/\b((?:cvmanager|process|nodejs)_\w+)(\{[^}]*\})?/g)].map(([, name = '', matchers = '']) => {
    const matched = [...matchers.matchAll(/(\w+)(?:=~|!~|!=|=)"/g)].map(([, label = '']) => label)
    const labels = [...new Set([...grouped, ...shown, ...matched])].filter((label) => !ofTheScrape.has(label))
    return { where, name, labels }
  })
}

/** The rows of the tables of docs/operations.md: name and labels. */
export function usedInTables(page: string): readonly Used[] {
  return [...page.matchAll(/^\| `(cvmanager_\w+)` \| ([^|]*)\|/gm)].map(([, name = '', labels = '']) => {
    return { where: 'docs/operations.md', name, labels: wordsOf(labels) }
  })
}

/** The labels of each metric of a scrape, by name: undefined for one that is declared and has no sample yet. */
export function scraped(page: string): ReadonlyMap<string, ReadonlySet<string> | undefined> {
  const found = new Map<string, Set<string> | undefined>()
  for (const line of page.split('\n')) {
    const [, declared = '', type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? []
    for (const suffix of type === 'histogram' ? ['_bucket', '_sum', '_count', ''] : ['']) {
      if (declared !== '') found.set(declared + suffix, undefined)
    }
    const [, name = '', labels = ''] = /^([a-z]\w*)(?:\{(.*)\})? \S+$/.exec(line) ?? []
    if (name === '') continue
    const names = [...labels.matchAll(/(\w+)="/g)].map(([, label = '']) => label)
    for (const series of [name, name.replace(/_(?:bucket|sum|count)$/, '')]) {
      if (found.has(series)) found.set(series, new Set([...(found.get(series) ?? []), ...names]))
    }
  }
  return found
}
