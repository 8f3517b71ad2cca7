import { setTimeout as sleep } from 'node:timers/promises'
import type { AuditEvent } from '../e2e/harness/audit.ts'
import { writeVerbs } from '../e2e/harness/audit.ts'
import { countBy, type Figure, type FigureSet, listed } from './figures.ts'
import { startBarePoller } from './floor.ts'
import { cpuMsOf, Operator, type OperatorOptions } from './operator.ts'
import { isPoll, operatorAgent, type World } from './world.ts'

const intervalSeconds = 60
const unlimited = 10_000
/** For the last writes of the start to be done. */
const restMs = 5_000
/** For the floor's process to have started. */
const warmUpMs = 5_000

/** W1: N tags are followed and none of them moves. What does that cost, and how soon are all of them known? */
export async function idle(world: World, windowSeconds: number): Promise<FigureSet> {
  const n = world.names.length
  const first = await start(world, { intervalSeconds, requestsPerSecond: unlimited })
  const adopted = await untilAdopted(world, first)
  await first.operator.stop()

  const { operator, passSeconds } = await start(world, { intervalSeconds })
  try {
    const opened = world.registry.connections
    await sleep(restMs)
    const window = await watch(world, operator, windowSeconds)
    await operator.assertRunning()
    const memory = await operator.memory()
    const open = await operator.connectionsTo(Number(new URL(`http://${world.registry.host}`).port))
    const writes = window.requests.filter(isWrite)
    const unwanted = writes.filter(({ objectRef }) => objectRef?.resource !== 'leases')
    const polls = window.polls
    const perMinute = 60_000 / window.ms
    const intervals = window.ms / 1_000 / intervalSeconds
    const figures: Figure[] = [
      { name: 'CPU', unit: 'ms a minute', value: window.cpuMs * perMinute, mark: { atMost: 300 } },
      { name: 'CPU', unit: 'µs a poll', value: (window.cpuMs * 1_000) / polls, mark: { atMost: 150 } },
      {
        name: 'floor: a process that sends bare HEADs',
        unit: 'µs each',
        value: (window.bareCpuMs * 1_000) / window.bareRequests,
      },
      {
        name: 'CPU a poll to the floor',
        unit: 'times',
        value: window.cpuMs / polls / (window.bareCpuMs / window.bareRequests),
      },
      { name: 'memory, PSS', unit: 'MiB', value: memory.pssMiB, mark: { atMost: 100 } },
      { name: 'memory, RSS at its highest', unit: 'MiB', value: memory.peakRssMiB },
      {
        name: 'API requests',
        unit: 'a second',
        value: (window.requests.length * 1_000) / window.ms,
        mark: { atMost: 1 },
        note: listed(countBy(window.requests, ({ verb, objectRef }) => `${verb} ${objectRef?.resource}`)),
      },
      {
        name: 'API writes but the lease’s',
        value: unwanted.length,
        mark: { atMost: 0 },
        note: listed(countBy(writes, ({ verb, objectRef }) => `${verb} ${objectRef?.resource}`)),
      },
      {
        name: 'registry requests',
        unit: 'a tag and interval',
        value: window.registryRequests / n / intervals,
        mark: { atMost: 1.02 },
      },
      { name: 'registry connections, open at the end', value: open, mark: { atMost: 1 } },
      { name: 'registry connections, opened at the start', value: opened },
      { name: 'cold start, all tags looked at', unit: 's', value: passSeconds, mark: { atMost: 3 } },
      { name: '… without a limit of requests', unit: 's', value: first.passSeconds, mark: { atMost: 3 } },
      {
        name: '… and all of them adopted, in status',
        unit: 's',
        value: adopted,
        note: 'new objects; from the process’s start',
      },
    ]
    return { workload: 'W1', n, figures }
  } finally {
    await operator.stop()
  }
}

/** Starts the operator and waits for the first look at each followed tag. */
async function start(world: World, options: OperatorOptions): Promise<{ operator: Operator; passSeconds: number }> {
  world.registry.forget()
  const operator = Operator.start(world, options)
  await operator.until('the first look at each tag', () => {
    const answered = world.registry.requests.filter((request) => isPoll(request) && request.status !== undefined)
    return new Set(answered.map(({ path }) => path)).size >= world.names.length
  })
  return { operator, passSeconds: (Date.now() - operator.startedAt) / 1_000 }
}

/** @returns seconds since the operator's start */
async function untilAdopted(world: World, { operator }: { readonly operator: Operator }): Promise<number> {
  await operator.until(
    'each ContainerVersion to be up to date',
    async () => (await world.upToDate()) >= world.names.length,
  )
  return (Date.now() - operator.startedAt) / 1_000
}

interface Window {
  readonly ms: number
  readonly cpuMs: number
  readonly polls: number
  /** Of the floor's process, in the same time. */
  readonly bareCpuMs: number
  readonly bareRequests: number
  readonly registryRequests: number
  readonly requests: readonly AuditEvent[]
}

/** The floor's process runs at the same time: the machine is as busy for the one as for the other. */
async function watch(world: World, operator: Operator, seconds: number): Promise<Window> {
  const { registry, cluster } = world
  const bare = startBarePoller(world, intervalSeconds)
  try {
    await sleep(warmUpMs)
    const since = Date.now()
    const cpuBefore = await operator.cpuMs()
    const bareBefore = await cpuMsOf(bare.pid)
    const before = registry.requests.length
    await sleep(seconds * 1_000)
    await bare.assertRunning()
    const cpuMs = (await operator.cpuMs()) - cpuBefore
    const bareCpuMs = (await cpuMsOf(bare.pid)) - bareBefore
    const ms = Date.now() - since
    const asked = registry.requests.slice(before)
    const own = asked.filter(({ userAgent }) => operatorAgent.test(userAgent ?? ''))
    return {
      ms,
      cpuMs,
      polls: own.filter(isPoll).length,
      bareCpuMs,
      bareRequests: asked.length - own.length,
      registryRequests: own.length,
      requests: await cluster.auditLog({ userAgent: operatorAgent, since }),
    }
  } finally {
    await bare.stop()
  }
}

const isWrite = ({ verb }: AuditEvent): boolean => (writeVerbs as readonly string[]).includes(verb)
