import { execFileSync } from 'node:child_process'
import t from 'tap'

const options = (env: NodeJS.ProcessEnv): string =>
  execFileSync(process.execPath, ['-p', 'process.env.NODE_OPTIONS'], { env, encoding: 'utf8' }).trim()

t.test('a process that a test starts has the options of the test, and none of tap', async (t) => {
  t.notMatch(options(process.env), 'tap')
  t.equal(options({}), 'undefined')
  t.equal(options({ NODE_OPTIONS: '--no-warnings' }), '--no-warnings')
})
