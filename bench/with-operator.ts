import { countBy } from './figures.ts'
import { isPoll, pollPathOf } from './layouts.ts'
import { Operator, type OperatorOptions } from './operator.ts'
import { containerVersions, type World } from './world.ts'

/** 1,000 new objects take some twenty seconds on a small machine. */
const adoptionTimeoutMs = 900_000

/** Starts an operator, waits until it has polled each followed tag this often, and stops it after the work. */
export async function withOperator<T>(
  world: World,
  { polls = 1, ...options }: OperatorOptions & { readonly polls?: number },
  work: (operator: Operator) => Promise<T>,
): Promise<T> {
  await world.hooks?.giveWay()
  world.registry.forget()
  const operator = Operator.start(world, options)
  try {
    await untilPolled(world, operator, polls)
    return await work(operator)
  } finally {
    await operator.stop()
    await world.hooks?.listen()
  }
}

async function untilPolled({ registry, targets }: World, operator: Operator, times: number): Promise<void> {
  const distinct = new Set(targets.map(pollPathOf)).size
  await operator.until(`${times} polls of each tag`, () => {
    const answered = registry.requests.filter((request) => isPoll(request) && request.status !== undefined)
    const polls = countBy(answered, ({ path }) => path)
    return polls.size >= distinct && [...polls.values()].every((count) => count >= times)
  })
}

interface ContainerVersion {
  readonly metadata: { readonly name: string }
  readonly status?: { readonly phase?: string }
}

/** Waits until every ContainerVersion is up to date. Reads a watch, since lists of all would keep the machine busy. */
export async function untilUpToDate({ api }: World, operator: Operator, count: number): Promise<void> {
  const upToDate = new Set<string>()
  const stopping = new AbortController()
  const read = async () => {
    // The API server ends a watch whose reader falls behind. Without a resource version each begins with all objects.
    while (!stopping.signal.aborted) {
      for await (const line of api.lines(`${containerVersions}?watch=true&timeoutSeconds=3600`, stopping.signal)) {
        const { metadata, status } = (JSON.parse(line) as { readonly object: ContainerVersion }).object
        if (status?.phase === 'UpToDate') upToDate.add(metadata.name)
        else upToDate.delete(metadata.name)
      }
    }
  }
  const reading = read().catch((error: unknown) => {
    if (!stopping.signal.aborted) throw error
  })
  try {
    const enough = operator.until('all to be up to date', () => upToDate.size >= count, adoptionTimeoutMs)
    await Promise.race([enough, reading.then(() => enough)])
  } finally {
    stopping.abort()
    await reading
  }
}
