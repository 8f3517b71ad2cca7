import { countBy } from './figures.ts'
import { isPoll, pollPathOf } from './layouts.ts'
import { Operator, type OperatorOptions } from './operator.ts'
import { containerVersions, type World } from './world.ts'

/** New objects in a world of 1,000 take some twenty seconds on a small machine. */
const adoptionTimeoutMs = 300_000

/** Starts an operator, waits until it has looked at each followed tag so often, and ends it after the work. */
export async function withOperator<T>(
  world: World,
  { looks = 1, ...options }: OperatorOptions & { readonly looks?: number },
  work: (operator: Operator) => Promise<T>,
): Promise<T> {
  await world.hooks?.giveWay()
  world.registry.forget()
  const operator = Operator.start(world, options)
  try {
    await untilLooked(world, operator, looks)
    return await work(operator)
  } finally {
    await operator.stop()
    await world.hooks?.listen()
  }
}

async function untilLooked({ registry, targets }: World, operator: Operator, times: number): Promise<void> {
  const distinct = new Set(targets.map(pollPathOf)).size
  await operator.until(`${times} looks at each tag`, () => {
    const answered = registry.requests.filter((request) => isPoll(request) && request.status !== undefined)
    const looks = countBy(answered, ({ path }) => path)
    return looks.size >= distinct && [...looks.values()].every((count) => count >= times)
  })
}

interface ContainerVersion {
  readonly metadata: { readonly name: string }
  readonly status?: { readonly phase?: string }
}

/** Until each ContainerVersion says that all is as it should be. By a watch: lists of all would keep the machine busy. */
export async function untilUpToDate({ api }: World, operator: Operator, count: number): Promise<void> {
  const upToDate = new Set<string>()
  const stopping = new AbortController()
  const read = async () => {
    // Without a resource version it begins with all that is there.
    for await (const line of api.lines(`${containerVersions}?watch=true&timeoutSeconds=3600`, stopping.signal)) {
      const { metadata, status } = (JSON.parse(line) as { readonly object: ContainerVersion }).object
      if (status?.phase === 'UpToDate') upToDate.add(metadata.name)
      else upToDate.delete(metadata.name)
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
