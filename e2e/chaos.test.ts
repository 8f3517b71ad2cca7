/**
 * R1, R2 and what always holds: cvmanager is killed, refused, delayed and shown old views while people and CI move the world,
 * as a seed says; a shadow model says what must hold. `make chaos` plays other seeds, and more of them.
 */
import t from 'tap'
import { auditPolicy } from './chaos/model/states.ts'
import { inWords, planOf } from './chaos/plan.ts'
import type { Level } from './chaos/program.ts'
import { run } from './chaos/run.ts'
import { type Shape, shapes } from './chaos/shapes.ts'
import { openGround } from './scenario/bed.ts'

/** Those that have the same in them as others. `make chaos` plays them, too. */
const alike: readonly string[] = [
  'two sides of a Service',
  'two sides of a Service, of which the old one goes',
  'a Deployment, with a check before the patch',
]

/** The first seed of each other shape, and one with real processes. Each takes some 25 s, most of which it waits. */
const seeds: readonly (readonly [number, Level])[] = [
  ...shapes.filter(({ name }) => !alike.includes(name)).map((shape) => [firstSeedOf(shape), 'in process'] as const),
  [306, 'processes'],
]

function firstSeedOf(shape: Shape): number {
  let seed = 1
  while (planOf(seed).shape !== shape) seed += 1
  return seed
}

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
