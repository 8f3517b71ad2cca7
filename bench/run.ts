/** `make bench`: the workloads of docs/performance.md, against the floor of the same run. Prints, and writes no file. */
import { parseArgs } from 'node:util'
import type { FigureSet } from './figures.ts'
import { measureFloor } from './floor.ts'
import { machine } from './machine.ts'
import { jsonLineOf, tableOf } from './table.ts'
import { idle } from './w1-idle.ts'
import { oneChange } from './w2-one-change.ts'
import { onePushedChange } from './w2-pushed.ts'
import { World } from './world.ts'

const usage = `usage: node bench/run.ts [--only w1,w2,w2push] [--n 100,1000] [--seconds 120] [--changes 200]

  --only     the workloads: w1 (idle), w2 (one change, found by polling), w2push (told by webhook)
  --n        how many tags are followed, one after the other
  --seconds  how long W1 watches an idle operator; whole intervals of 60 s count best
  --changes  how many tags W2 moves, each way
`

const workloads = ['w1', 'w2', 'w2push'] as const

interface Wanted {
  readonly only: readonly string[]
  readonly sizes: readonly number[]
  readonly seconds: number
  readonly changes: number
}

function wanted(): Wanted {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: workloads.join(',') },
      n: { type: 'string', default: '100,1000' },
      seconds: { type: 'string', default: '120' },
      changes: { type: 'string', default: '200' },
    },
  })
  const only = values.only.split(',')
  const unknown = only.find((name) => !(workloads as readonly string[]).includes(name))
  if (unknown !== undefined) throw new Error(`--only ${unknown}: there are ${workloads.join(' and ')}`)
  const sizes = values.n.split(',').map((n) => positive('--n', n))
  return {
    only,
    sizes: sizes.sort((one, other) => one - other),
    seconds: positive('--seconds', values.seconds),
    changes: positive('--changes', values.changes),
  }
}

function positive(option: string, value: string): number {
  const number = Number(value)
  if (Number.isInteger(number) && number > 0) return number
  throw new Error(`${option} ${value}: must be a whole number greater than 0`)
}

async function measure({ only, sizes, seconds, changes }: Wanted): Promise<readonly FigureSet[]> {
  const sets: FigureSet[] = []
  const take = async (what: string, workload: () => Promise<FigureSet>) => {
    const set = await step(what, workload)
    // At once: what comes later may fail.
    process.stdout.write(`${jsonLineOf(set)}\n`)
    sets.push(set)
  }
  const world = await World.start()
  try {
    for (const n of sizes) {
      await step(`${n} tags, ContainerVersions and Deployments are made`, () => world.growTo(n))
      if (only.includes('w1')) await take(`W1 idle, N = ${n}`, () => idle(world, seconds))
      if (only.includes('w2'))
        await take(`W2 one change, N = ${n}`, () => oneChange(world, changes, () => measureFloor(world)))
      if (only.includes('w2push'))
        await take(`W2 one change, pushed, N = ${n}`, () => onePushedChange(world, changes, () => measureFloor(world)))
    }
  } finally {
    await world.stop()
  }
  return sets
}

async function step<T>(what: string, work: () => Promise<T>): Promise<T> {
  const before = performance.now()
  const result = await work()
  process.stderr.write(`${what}: ${((performance.now() - before) / 1_000).toFixed(0)} s\n`)
  return result
}

async function main(): Promise<void> {
  let asked: Wanted
  try {
    asked = wanted()
  } catch (error) {
    throw new Error(`${messageOf(error)}\n\n${usage}`, { cause: error })
  }
  const where = machine()
  const sets = await measure(asked)
  process.stdout.write(`\n${where}\n\n${tableOf(sets)}\n`)
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

try {
  await main()
} catch (error) {
  process.stderr.write(`error: ${messageOf(error)}\n`)
  process.exitCode = 1
}
