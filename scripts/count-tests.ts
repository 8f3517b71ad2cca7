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

/** A line of the report that says `ok` or `not ok`. */
interface Point {
  /** 0 for a file, 1 for a test in it, more for what is within that test. */
  readonly depth: number
  readonly ok: boolean
  /** SKIP or TODO. */
  readonly skipped: boolean
  /** It has a report of its own, or is skipped; otherwise it is an assertion. */
  readonly isTest: boolean
  /** The file, the tests, and the assertion. */
  readonly path: readonly string[]
  /** What tap says of a failure. */
  readonly description: string[]
}

/** In the order of the report, in which a test comes after what is within it. */
function pointsIn(report: string): readonly Point[] {
  const points: Point[] = []
  const subtests: string[] = []
  let quoted = false
  for (const text of report.split('\n')) {
    const depth = (text.length - text.trimStart().length) / 4
    const [, subtest] = /^ *# Subtest: (.*)$/.exec(text) ?? []
    const [line, not, name = '', directive] =
      /^ *(not )?ok \d+(?: - )?(.*?)(?: # (?:(TODO|SKIP)|time=).*)?$/i.exec(text) ?? []
    // YAML between `---` and `...` describes a failure, and may quote anything.
    if (/^ *(---|\.\.\.)$/.test(text)) quoted = text.endsWith('---')
    else if (quoted) points.at(-1)?.description.push(text)
    else if (subtest !== undefined) subtests.splice(depth, subtests.length, subtest)
    else if (line !== undefined) {
      const skipped = directive !== undefined
      const isTest = skipped || subtests[depth] !== undefined
      const path = [...subtests.slice(0, depth), name]
      points.push({ depth, ok: not === undefined, skipped, isTest, path, description: [] })
      subtests.splice(depth)
    }
  }
  return points
}

/**
 * Counts `test()` cases. In tap's report each file is a subtest, and each `test()` is a subtest of its file. A file without
 * any counts as one case. A file that fails apart from its cases (a crash, a timeout) counts as one more failure.
 */
export function countTests(report: string): Count {
  const count = { passed: 0, failed: 0, skipped: 0 }
  const add = ({ ok, skipped }: Point) => {
    count[skipped ? 'skipped' : ok ? 'passed' : 'failed'] += 1
  }
  const points = pointsIn(report)
  let cases: Point[] = []
  for (const point of points) {
    const { depth, ok, isTest } = point
    if (depth === 1 && (isTest || !ok)) {
      add(point)
      cases.push(point)
    } else if (depth === 0) {
      const isCounted = ok ? cases.length > 0 : cases.some((each) => !each.ok && !each.skipped)
      if (!isCounted) add(point)
      cases = []
    }
  }
  // The report stops in the middle of a file.
  if ((points.at(-1)?.depth ?? 0) > 0) count.failed += 1
  return count
}

const maxLinesOfOne = 30

/** Each assertion that failed, by file, test and assertion, with what tap says of it: whoever sees only the end of a run sees it. */
export function failuresIn(report: string): readonly string[] {
  /** By depth: whether something there has failed, within the test that comes next. */
  const failed: boolean[] = []
  return pointsIn(report).flatMap(({ depth, ok, skipped, path, description }) => {
    // A test whose assertion failed says nothing new.
    const isNew = !failed[depth + 1]
    failed.splice(depth + 1)
    if (ok || skipped) return []
    failed[depth] = true
    return isNew ? [[path.join(' > '), ...description.slice(0, maxLinesOfOne)].join('\n')] : []
  })
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
