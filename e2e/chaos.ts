/** `make chaos`: plays seeds, and says of each that breaks what broke, with its plan and what happened. */
import { inWords } from './chaos/plan.ts'
import type { Result } from './chaos/run.ts'
import { playSeeds } from './chaos/seeds.ts'

// make exports a variable that is not set as an empty text.
const { SEED, SEEDS, PROCESSES, SIDE_BY_SIDE } = process.env
const [from, count, sideBySide] = [SEED || '1', SEEDS || '1', SIDE_BY_SIDE || (PROCESSES ? '6' : '16')].map(
  wholeNumber,
) as [number, number, number]
const level = PROCESSES ? 'processes' : 'in process'

function wholeNumber(text: string): number {
  if (!/^[0-9]{1,9}$/.test(text)) throw new Error(`"${text}" is no number: write e.g. make chaos SEED=42, or SEEDS=100`)
  return Number(text)
}

const seeds = Array.from({ length: count }, (_, index) => from + index)
const began = performance.now()
const results: Result[] = []
await playSeeds({
  seeds,
  level,
  sideBySide: Math.min(sideBySide, count),
  onResult: (result) => {
    results.push(result)
    const { plan, problems, story } = result
    if (problems.length > 0 || count === 1) {
      process.stdout.write(`${inWords(plan)}\n`)
      if (problems.length > 0) process.stdout.write(`${problems.map((one) => `BROKEN ${one}`).join('\n')}\n${story}\n`)
    }
    if (results.length % 50 === 0) process.stdout.write(`${results.length} of ${count}\n`)
  },
})

const sum = (key: 'rollouts' | 'writes' | 'kills' | 'faults') =>
  results.reduce((total, { counts }) => total + counts[key], 0)
const rollbacks = Map.groupBy(
  results.flatMap(({ counts }) => counts.rollbacks),
  (failure) => failure,
)
const failed = results.filter(({ problems }) => problems.length > 0).map(({ plan }) => plan.seed)
process.stdout.write(
  `${results.length - failed.length} of ${count} seeds are clean (${level}): ${sum('rollouts')} rollouts, ${[...rollbacks.values()].flat().length} rollbacks, ${sum('writes')} writes, ${sum('kills')} kills, ${sum('faults')} other faults, ${Math.round((performance.now() - began) / 1000)} s\n`,
)
for (const [failure, all] of [...rollbacks].sort()) process.stdout.write(`rolled back: ${all.length} × ${failure}\n`)
for (const seed of failed) process.stdout.write(`broken: make chaos SEED=${seed}${PROCESSES ? ' PROCESSES=1' : ''}\n`)
process.exit(failed.length > 0 ? 1 : 0)
