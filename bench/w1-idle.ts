import { setTimeout as sleep } from 'node:timers/promises'
import type { AuditEvent } from '../e2e/harness/audit.ts'
import { writeVerbs } from '../e2e/harness/audit.ts'
import { countBy, type Figure, type FigureSet, listed } from './figures.ts'
import { startBarePoller } from './floor.ts'
import { type IdleWindow, idleWindow, isOperators } from './idle-window.ts'
import { isPoll } from './layouts.ts'
import { cpuMsOf, type Operator } from './operator.ts'
import { untilUpToDate, withOperator } from './with-operator.ts'
import type { World } from './world.ts'

const intervalSeconds = 60
/** For the last writes of the start to be done. */
const restMs = 5_000
/** For the floor's process to have started. */
const warmUpMs = 5_000

/** W1: N tags are followed and none of them moves. What does that cost, and how soon are all of them polled? */
export async function idle(world: World, windowSeconds: number): Promise<FigureSet> {
  const first = await withOperator(world, { intervalSeconds }, async (operator) => {
    const passSeconds = secondsSince(operator.startedAt)
    await untilUpToDate(world, operator, world.targets.length)
    return { passSeconds, adopted: secondsSince(operator.startedAt) }
  })
  return await withOperator(world, { intervalSeconds }, (operator) => steady(world, operator, windowSeconds, first))
}

interface ColdStart {
  readonly passSeconds: number
  readonly adopted: number
}

async function steady(world: World, operator: Operator, windowSeconds: number, first: ColdStart): Promise<FigureSet> {
  const passSeconds = secondsSince(operator.startedAt)
  const n = world.targets.length
  const opened = world.registry.connections
  await sleep(restMs)
  const window = await watch(world, operator, windowSeconds)
  const memory = await operator.memory()
  const open = await operator.connectionsTo(Number(new URL(`http://${world.registry.host}`).port))
  const writes = window.requests.filter(isWrite)
  const unwanted = writes.filter(({ objectRef }) => objectRef?.resource !== 'leases')
  const polls = window.asked.filter(isPoll).length
  const perMinute = 60_000 / window.ms
  const intervals = window.ms / 1_000 / intervalSeconds
  const figures: Figure[] = [
    {
      name: 'CPU',
      unit: 'ms a minute',
      value: window.cpuMs * perMinute,
      ...(n <= 1_000 ? { mark: { atMost: 400 } } : {}),
    },
    {
      name: 'CPU',
      unit: 'µs a poll',
      value: (window.cpuMs * 1_000) / polls,
      ...(n >= 10_000 ? { mark: { atMost: 350 } } : {}),
    },
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
      value: window.asked.length / n / intervals,
      mark: { atMost: 1.02 },
    },
    { name: 'registry connections, open at the end', value: open, mark: { atMost: 1 } },
    { name: 'registry connections, opened at the start', value: opened },
    { name: 'restart, until all tags were polled', unit: 's', value: passSeconds, mark: { atMost: 15 } },
    { name: 'first start with new objects, until all tags were polled', unit: 's', value: first.passSeconds },
    {
      name: '… and all of them adopted, in status',
      unit: 's',
      value: first.adopted,
      note: 'new objects; from the process’s start',
    },
  ]
  return { workload: 'W1', n, figures }
}

interface Window extends IdleWindow {
  /** What the floor's process used in the same time. */
  readonly bareCpuMs: number
  readonly bareRequests: number
}

/** The floor's process runs at the same time: the machine is as busy for the one as for the other. */
async function watch(world: World, operator: Operator, seconds: number): Promise<Window> {
  const { registry } = world
  const bare = startBarePoller(world, intervalSeconds)
  try {
    await sleep(warmUpMs)
    const bareBefore = await cpuMsOf(bare.pid)
    const before = registry.requests.length
    const window = await idleWindow(world, operator, seconds * 1_000)
    await bare.assertRunning()
    const bareCpuMs = (await cpuMsOf(bare.pid)) - bareBefore
    const bareRequests = registry.requests.slice(before).filter((request) => !isOperators(request)).length
    return { ...window, bareCpuMs, bareRequests }
  } finally {
    await bare.stop()
  }
}

const secondsSince = (at: number): number => (Date.now() - at) / 1_000

const isWrite = ({ verb }: AuditEvent): boolean => (writeVerbs as readonly string[]).includes(verb)
