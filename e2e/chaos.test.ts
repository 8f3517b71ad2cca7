/**
 * R1, R2 and what always holds: cvmanager is killed, refused, delayed and shown old views while people and CI move the world,
 * as a seed says; a shadow model says what must hold. `make chaos` plays other seeds, and more of them.
 */
import t from 'tap'
import { auditPolicy } from './chaos/model/states.ts'
import { inWords, planOf } from './chaos/plan.ts'
import type { Level } from './chaos/program.ts'
import { run } from './chaos/run.ts'
import { openGround } from './scenario/bed.ts'

/** Each takes some 25 s, most of which it waits. */
const seeds: readonly (readonly [number, Level])[] = [
  ...[28, 35, 41, 108, 118, 133, 144].map((seed) => [seed, 'in process'] as const),
  [301, 'processes'],
  [306, 'processes'],
]

t.setTimeout(230_000)
t.jobs = seeds.length
const ground = await openGround({ auditPolicy })
t.teardown(() => ground.stop())
await Promise.all(
  seeds.map(([seed, level]) =>
    t.test(`R1 R2 seed ${seed}, ${level}: ${planOf(seed).shape.name}`, { buffered: true }, async (t) => {
      const { plan, problems, story } = await run(ground, planOf(seed), level)
      if (problems.length > 0) t.comment(`${inWords(plan)}\n${story}`)
      t.same(problems, [])
    }),
  ),
)
