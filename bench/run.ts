/** `make bench`: the workloads of docs/performance.md, against the floor of the same run. Prints, and writes no file. */
import { parseArgs } from 'node:util'
import type { FigureSet, Take } from './figures.ts'
import { machine } from './machine.ts'
import { measureAll, type Selection, workloads } from './parts.ts'
import { jsonLineOf, tableOf } from './table.ts'

const names = Object.keys(workloads)

const usage = `usage: node bench/run.ts [NAME…] [--n 100,1000] [--seconds 120] [--changes 200] [--tags 10,1000,10000]

  NAME       the workloads; all of them if none is named:
${Object.entries(workloads)
  .map(([name, what]) => `               ${name.padEnd(7)} ${what}`)
  .join('\n')}
  --n        how many tags are followed, one size after the other; w5, w8 and w11 take the largest, and
             w8 and w11 10,000 without this option
  --seconds  how long W1 watches an idle operator; whole intervals of 60 s count best
  --changes  how many tags W2 moves, each way
  --tags     how many the repository of W6 has, one after the other
`

const usualSizes = '100,1000'
const usualObjects = 10_000

function selection(): Selection {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      n: { type: 'string' },
      seconds: { type: 'string', default: '120' },
      changes: { type: 'string', default: '200' },
      tags: { type: 'string', default: '10,1000,10000' },
    },
  })
  const only = positionals.length > 0 ? positionals : names
  const unknown = only.find((name) => !names.includes(name))
  if (unknown !== undefined) throw new Error(`${unknown} is not a workload; there are ${names.join(', ')}`)
  const sizes = ascending('--n', values.n ?? usualSizes)
  return {
    only,
    sizes,
    objects: values.n === undefined ? usualObjects : Math.max(...sizes),
    seconds: positive('--seconds', values.seconds),
    changes: positive('--changes', values.changes),
    tags: ascending('--tags', values.tags),
  }
}

const ascending = (option: string, values: string): readonly number[] =>
  values
    .split(',')
    .map((value) => positive(option, value))
    .sort((one, other) => one - other)

function positive(option: string, value: string): number {
  const number = Number(value)
  if (Number.isInteger(number) && number > 0) return number
  throw new Error(`${option} ${value}: must be a whole number greater than 0`)
}

async function main(): Promise<void> {
  let wanted: Selection
  try {
    wanted = selection()
  } catch (error) {
    throw new Error(`${messageOf(error)}\n\n${usage}`, { cause: error })
  }
  const where = machine()
  const sets: FigureSet[] = []
  const take: Take = async (what, measure) => {
    const before = performance.now()
    const set = await measure()
    sets.push(set)
    process.stderr.write(`${what}: ${((performance.now() - before) / 1_000).toFixed(0)} s\n`)
    process.stdout.write(`${jsonLineOf(set)}\n`)
    return set
  }
  await measureAll(wanted, take)
  process.stdout.write(`\n${where}\n\n${tableOf(sets)}\n`)
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

try {
  await main()
} catch (error) {
  process.stderr.write(`error: ${messageOf(error)}\n`)
  process.exitCode = 1
}
