/**
 * The last line of a CI run, counted from what ran: `node scripts/count-tests.ts REPORT STATUS`, with tap's report
 * (`--output-file`) and the exit status of the run.
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
 * Counts `test()` cases: in tap's report each file is a subtest, and each of its `test()`s a subtest of that. A file
 * without any counts as one; one that fails beside its cases (a crash, a timeout) counts as one failure more.
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
    // YAML between `---` and `...` tells of a failure, and may quote anything.
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
    const told = point.ok ? cases.length > 0 : cases.some(({ ok, skipped }) => !ok && !skipped)
    if (!told) add(point)
    points = []
  }
  // A report that stops in the middle of a file: what was seen counts, and so does that it stopped.
  for (const each of points) add(each)
  if (points.length > 0) count.failed += 1
  return count
}

/** @param status of the whole run; one that failed without a failed test (a linter, a build) counts as one failure */
export function countedLine({ passed, failed, skipped }: Count, status: number): string {
  const failures = status !== 0 && failed === 0 ? 1 : failed
  return `${passed} passed, ${failures} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

if (import.meta.main) {
  const [report = '', status = ''] = process.argv.slice(2)
  const count = countTests(existsSync(report) ? readFileSync(report, 'utf8') : '')
  // A run in which nothing ran has shown nothing.
  const ran = count.passed + count.failed > 0
  const ended = status === '0' && ran ? 0 : 1
  process.stdout.write(`${countedLine(count, ended)}\n`)
  process.exitCode = ended === 0 && count.failed === 0 ? 0 : 1
}
