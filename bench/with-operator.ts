import { isPoll, pollPathOf } from './layouts.ts'
import { Operator, type OperatorOptions } from './operator.ts'
import { containerVersions, type World } from './world.ts'

/** 1,000 new objects take some twenty seconds on a small machine, and 10,000 some minutes. */
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

/** Reads each request once: the operator shares the machine with this process. */
async function untilPolled({ registry, targets }: World, operator: Operator, times: number): Promise<void> {
  const waiting = new Map(targets.map((target) => [pollPathOf(target), times]))
  let seen = 0
  const probe = () => {
    // A request is recorded when it arrives. Its status comes with the answer.
    while (registry.requests[seen]?.status !== undefined) {
      const request = registry.requests[seen++]
      if (request === undefined || !isPoll(request)) continue
      const left = (waiting.get(request.path) ?? 0) - 1
      if (left > 0) waiting.set(request.path, left)
      else waiting.delete(request.path)
    }
    return waiting.size === 0
  }
  await operator.until(`${times} polls of each tag`, probe, adoptionTimeoutMs)
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
