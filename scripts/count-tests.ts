/**
 * Prints the end of a CI run: what failed, then as the last line the number of tests. `node scripts/count-tests.ts REPORT STATUS`,
 * with tap's report (`--output-file`) and the exit status of the run.
 */
import { existsSync, readFileSync } from 'node:fs'

export interface Count {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

interface Point {
  readonly ok: boolean
  readonly skipped: boolean
  readonly isTest: boolean
}

const line = /^( {4})?(not )?ok \d+(?:.*# (SKIP|TODO))?/i
const beginning = /^( {4})?# Subtest: /

/**
 * Counts `test()` cases. In tap's report each file is a subtest, and each `test()` is a subtest of its file. A file without
 * any counts as one case. A file that fails apart from its cases (a crash, a timeout) counts as one more failure.
 */
export function countTests(report: string): Count {
  const count = { passed: 0, failed: 0, skipped: 0 }
  const add = ({ ok, skipped }: Point) => {
    count[skipped ? 'skipped' : ok ? 'passed' : 'failed'] += 1
  }
  let points: Point[] = []
  let begun = false
  let quoted = false
  for (const text of report.split('\n')) {
    // YAML between `---` and `...` describes a failure, and may quote anything.
    if (/^ *(---|\.\.\.)$/.test(text)) quoted = text.endsWith('---')
    if (quoted) continue
    if (beginning.test(text)) begun = true
    const [matched, inFile, not, directive] = line.exec(text) ?? []
    if (matched === undefined) continue
    const point = { ok: not === undefined, skipped: directive !== undefined, isTest: begun || directive !== undefined }
    begun = false
    if (inFile !== undefined) {
      points.push(point)
      continue
    }
    const cases = points.filter(({ isTest, ok }) => isTest || !ok)
    for (const each of cases) add(each)
    const counted = point.ok ? cases.length > 0 : cases.some(({ ok, skipped }) => !ok && !skipped)
    if (!counted) add(point)
    points = []
  }
  // If the report stops in the middle of a file, its cases count, and one failure.
  for (const each of points) add(each)
  if (points.length > 0) count.failed += 1
  return count
}

const maxLinesOfOne = 30

/** Each assertion that failed, by file, test and assertion, with what tap says of it: whoever sees only the end of a run sees it. */
export function failuresIn(report: string): readonly string[] {
  const failures: string[][] = []
  const path: string[] = []
  /** The depths at which something failed, within what is around it: a test whose assertion failed says nothing new. */
  let failed: boolean[] = []
  let last: string[] = []
  let quoted = false
  for (const text of report.split('\n')) {
    const depth = (text.length - text.trimStart().length) / 4
    const [, begun] = /^ *# Subtest: (.*)$/.exec(text) ?? []
    const [, not, name = '', todo] = /^ *not (ok) \d+(?: - )?(.*?)(?: # (?:(TODO|SKIP)|time=).*)?$/i.exec(text) ?? []
    if (/^ *(---|\.\.\.)$/.test(text)) {
      quoted = text.endsWith('---')
    } else if (quoted) {
      if (last.length <= maxLinesOfOne) last.push(text)
    } else if (begun !== undefined) {
      path.splice(depth, path.length, begun)
      failed = failed.slice(0, depth + 1)
    } else if (/^ *ok /.test(text) || todo !== undefined) {
      last = []
    } else if (not !== undefined) {
      last = [[...path.slice(0, depth), name].join(' > ')]
      if (!failed[depth + 1]) failures.push(last)
      failed = failed.slice(0, depth)
      failed[depth] = true
    }
  }
  return failures.map((lines) => lines.join('\n'))
}

/** @param status the exit status of the run; a failure without a failed test (a linter, a build) counts as one */
export function countedLine({ passed, failed, skipped }: Count, status: number): string {
  const failures = status !== 0 && failed === 0 ? 1 : failed
  return `${passed} passed, ${failures} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

if (import.meta.main) {
  const [report = '', status = ''] = process.argv.slice(2)
  const text = existsSync(report) ? readFileSync(report, 'utf8') : ''
  const failures = failuresIn(text)
  for (const failure of failures) process.stdout.write(`\n${failure}\n`)
  // Once more, together: a record of a run may keep only its last lines.
  for (const failure of failures) process.stdout.write(`FAILED ${failure.split('\n')[0]}\n`)
  const count = countTests(text)
  // A run without any test proves nothing.
  const ran = count.passed + count.failed > 0
  const ended = status === '0' && ran ? 0 : 1
  process.stdout.write(`${countedLine(count, ended)}\n`)
  process.exitCode = ended === 0 && count.failed === 0 ? 0 : 1
}
