import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Test, test } from 'tap'
import { countedLine, countTests, failuresIn } from './count-tests.ts'

const passing = `test('passes', async (t) => { t.ok(true); await t.test('within', async (t) => t.ok(true)) })`
const failing = `test('fails', async (t) => { t.equal('ok 7 - quoted', 'not ok 8 - quoted') })`
const skipped = `test('is skipped', { skip: 'no zsh' }, async () => {}); test('is to do', { todo: true }, async () => {})`

/** What tap itself reports of these files. */
function reported(t: Test, files: Record<string, string>): string {
  const directory = t.testdir({
    node_modules: t.fixture('symlink', fileURLToPath(new URL('../node_modules', import.meta.url))),
  })
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(directory, name), `import { test } from 'tap'\n${text}\n`)
  }
  // One process for each file as tap would start it, joined as tap joins them.
  const parts = Object.keys(files).map((name, index) => {
    const { stdout, status } = spawnSync(process.execPath, [join(directory, name)], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH },
    })
    const inner = stdout.replace(/^TAP version 14\n/, '').replaceAll(/^(?=.)/gm, '    ')
    return `# Subtest: ${name}\n${inner}\n${status === 0 ? 'ok' : 'not ok'} ${index + 1} - ${name} # time=1ms\n`
  })
  return `TAP version 14\n${parts.join('\n')}1..${parts.length}\n`
}

test('cases are counted, not assertions, and so are skipped cases', async (t) => {
  const report = reported(t, { 'a.test.mjs': `${passing}\n${skipped}`, 'b.test.mjs': `${passing}\n${failing}` })
  t.same(countTests(report), { passed: 2, failed: 1, skipped: 2 })
})

test('a file without cases counts as one', async (t) => {
  const report = reported(t, { 'a.test.mjs': `import tap from 'tap'; tap.ok(1); tap.ok(2)` })
  t.same(countTests(report), { passed: 1, failed: 0, skipped: 0 })
})

test('a file that crashes counts as failed, even after passed cases', async (t) => {
  t.same(countTests(reported(t, { 'a.test.mjs': `throw new Error('boom')` })), { passed: 0, failed: 1, skipped: 0 })
  const late = `${passing}\ntest.teardown?.(() => {}); setTimeout(() => process.exit(7), 300)\nsetInterval(() => {}, 50)`
  t.match(countTests(reported(t, { 'a.test.mjs': late })), { passed: 1, failed: 1 })
})

test('what failed is named by file, test and assertion, once, with its description', async (t) => {
  const nested = `test('outer', async (t) => { t.ok(true); await t.test('inner', async (t) => t.equal(1, 2, 'one is two')) })`
  const failures = failuresIn(
    reported(t, { 'a.test.mjs': `${passing}\n${nested}\n${skipped}`, 'b.test.mjs': `${failing}\n${passing}` }),
  )
  t.match(failures, [
    /^a\.test\.mjs > outer > inner > one is two\n[\s\S]*-2\n *\+1/,
    /^b\.test\.mjs > fails > should be equal\n[\s\S]*not ok 8 - quoted/,
  ])
  t.equal(failures.length, 2)
  t.same(failuresIn(reported(t, { 'a.test.mjs': `${passing}\n${skipped}` })), [])
  t.match(failuresIn(reported(t, { 'a.test.mjs': `throw new Error('boom')` })), [/^a\.test\.mjs/])
})

test('a report that stops in the middle is a failure', async (t) => {
  const whole = reported(t, { 'a.test.mjs': passing })
  const cut = whole.slice(0, whole.lastIndexOf('\nok 1 - a.test.mjs'))
  t.same(countTests(cut), { passed: 1, failed: 1, skipped: 0 })
})

test('a run that failed without a failed test counts one failure', async (t) => {
  t.equal(countedLine({ passed: 3, failed: 0, skipped: 0 }, 2), '3 passed, 1 failed')
  t.equal(countedLine({ passed: 3, failed: 2, skipped: 1 }, 1), '3 passed, 2 failed, 1 skipped')
  t.equal(countedLine({ passed: 3, failed: 0, skipped: 0 }, 0), '3 passed, 0 failed')
})

test('without a report, or without a test in it, nothing passed and one failed', async (t) => {
  const program = fileURLToPath(new URL('count-tests.ts', import.meta.url))
  const counted = (...args: string[]) => spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' })
  t.match(counted('/does/not/exist', '0'), { stdout: '0 passed, 1 failed\n', status: 1 })
  const good = join(t.testdir(), 'report.tap')
  writeFileSync(good, '# Subtest: a.test.ts\n    # Subtest: x\n        ok 1 - y\n    ok 1 - x\nok 1 - a.test.ts\n')
  t.match(counted(good, '0'), { stdout: '1 passed, 0 failed\n', status: 0 })
  t.match(counted(good, '2'), { stdout: '1 passed, 1 failed\n', status: 1 })
})
