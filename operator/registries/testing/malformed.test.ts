import { on } from 'node:events'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { registryKinds } from '../registries.ts'
import type { Figures } from './fuzz.ts'
import { subjects } from './fuzz-subjects.fixture.ts'

/** Requests for each kind; `make fuzz` sends 10,000. */
const runs = 500

t.test('every kind of registry gets malformed answers', async (t) => {
  const kinds = registryKinds.map(({ kind }) => kind)
  t.same(Object.keys(subjects), kinds, 'fuzz-subjects.fixture.ts has them all')
})

t.test('R8 whatever a registry answers, the result is an answer or an error of a known class', async (t) => {
  // Without the runner's arguments and environment, which would make it record every promise there too.
  const env = { FUZZ_RUNS: String(runs), TMPDIR: t.testdir({}) }
  const worker = new Worker(new URL('fuzz.ts', import.meta.url), { execArgv: [], env })
  t.teardown(() => worker.terminate())
  const seen = new Set<string>()
  for await (const [message] of on(worker, 'message', { close: ['exit'] })) {
    const { kind, name, answers, seconds, grownKiB, fault } = message as Figures
    seen.add(kind)
    t.equal(fault, undefined, `${name}: ${answers} answers in ${seconds.toFixed(1)} s, ${grownKiB} KiB more`)
  }
  t.same([...seen], Object.keys(subjects))
})
