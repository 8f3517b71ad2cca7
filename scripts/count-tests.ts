/**
 * Prints the last line of a CI run, with the number of tests: `node scripts/count-tests.ts REPORT STATUS`, with tap's report
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

/** @param status the exit status of the run; a failure without a failed test (a linter, a build) counts as one */
export function countedLine({ passed, failed, skipped }: Count, status: number): string {
  const failures = status !== 0 && failed === 0 ? 1 : failed
  return `${passed} passed, ${failures} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

if (import.meta.main) {
  const [report = '', status = ''] = process.argv.slice(2)
  const count = countTests(existsSync(report) ? readFileSync(report, 'utf8') : '')
  // A run without any test proves nothing.
  const ran = count.passed + count.failed > 0
  const ended = status === '0' && ran ? 0 : 1
  process.stdout.write(`${countedLine(count, ended)}\n`)
  process.exitCode = ended === 0 && count.failed === 0 ? 0 : 1
}
